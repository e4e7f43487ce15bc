//! The process of a function: what may become of it while it works.

use std::cell::{Ref, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use futures_util::future::LocalBoxFuture;
use lifeboat_model::{Period, Timestamp};
use serde_json::Value;

use crate::executor::{Executor, Sleep};

/// The process of one invocation; clones share it.
#[derive(Clone, Default)]
pub(super) struct Process(Rc<RefCell<Inside>>);

#[derive(Default)]
struct Inside {
    payload: Value,
    crashed: bool,
    waits_for_crash: Option<Waker>,
    stands_still_until: Option<Timestamp>,
    /// From when until when it stood still.
    stood_still: Vec<(Timestamp, Timestamp)>,
}

impl Process {
    pub(super) fn with(payload: Value) -> Self {
        Self(Rc::new(RefCell::new(Inside { payload, ..Inside::default() })))
    }

    /// What it was invoked with.
    pub(super) fn payload(&self) -> Ref<'_, Value> {
        Ref::map(self.0.borrow(), |inside| &inside.payload)
    }

    /// Ends it from within a call.
    pub(super) fn crash(&self) {
        let mut inside = self.0.borrow_mut();
        inside.crashed = true;
        if let Some(waker) = inside.waits_for_crash.take() {
            waker.wake();
        }
    }

    pub(super) async fn crashes(&self) {
        std::future::poll_fn(|context| {
            let mut inside = self.0.borrow_mut();
            if inside.crashed {
                return Poll::Ready(());
            }
            inside.waits_for_crash = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Stands still for `period` from `now` on: nothing in it goes on, its deadlines neither.
    pub(super) async fn stand_still(&self, now: Timestamp, period: Period) {
        {
            let mut inside = self.0.borrow_mut();
            let until = now.plus(period);
            inside.stands_still_until = Some(until);
            inside.stood_still.push((now, until));
        }
        let mut yielded = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// How long it has stood still since `since`.
    pub(super) fn stood_still_since(&self, since: Timestamp) -> Period {
        let inside = self.0.borrow();
        let after = inside.stood_still.iter().filter(|(from, _)| *from >= since);
        Period::ms(after.map(|(from, until)| until.ms_since(*from)).sum::<i64>() as u32)
    }

    /// Carries `work` on whenever the process does not stand still.
    pub(super) async fn carry<T>(&self, executor: &Executor, mut work: LocalBoxFuture<'_, T>) -> T {
        let mut thaw: Option<Sleep> = None;
        std::future::poll_fn(|context| {
            loop {
                let until = self.0.borrow().stands_still_until;
                if let Some(until) = until {
                    let sleep = thaw.get_or_insert_with(|| executor.sleep_until(until));
                    if Pin::new(sleep).poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    thaw = None;
                    self.0.borrow_mut().stands_still_until = None;
                }
                if let Poll::Ready(done) = work.as_mut().poll(context) {
                    return Poll::Ready(done);
                }
                if self.0.borrow().stands_still_until.is_none() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}
