//! Virtual time: a single-threaded executor whose clock jumps to the next timer when nothing can run.
//!
//! Guarantees: the same tasks, spawned in the same order, run in the same order; ten simulated minutes take no longer
//! than the work in them. Fails when: nothing can run and no timer is set (a deadlock of the simulated system): panics,
//! because no drill can go on from there.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use lifeboat_model::{Period, Timestamp};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A handle on the executor; clones share it.
#[derive(Clone)]
pub struct Executor(Rc<Core>);

struct Core {
    now: Cell<i64>,
    next_id: Cell<u64>,
    timers: RefCell<BinaryHeap<Reverse<Timer>>>,
    /// By number; one that has ended, or is running, is not there. Numbers are not used again: a late wake-up wakes nobody.
    tasks: RefCell<Vec<Option<(Task, Waker)>>>,
    ready: Arc<Mutex<VecDeque<usize>>>,
}

struct Timer {
    at: i64,
    id: u64,
    waker: Waker,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.id) == (other.at, other.id)
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.id).cmp(&(other.at, other.id))
    }
}

struct TaskWaker {
    id: usize,
    ready: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        let mut ready = self.ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !ready.contains(&self.id) {
            ready.push_back(self.id);
        }
    }
}

impl Executor {
    /// An executor whose clock shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Rc::new(Core {
            now: Cell::new(start.as_ms()),
            next_id: Cell::new(0),
            timers: RefCell::default(),
            tasks: RefCell::default(),
            ready: Arc::default(),
        }))
    }

    /// Now, in virtual time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.now.get())
    }

    /// Returns after `period` of virtual time.
    pub fn sleep(&self, period: Period) -> Sleep {
        self.sleep_until(self.now().plus(period))
    }

    /// Returns at `at`, or at once when that has passed.
    pub fn sleep_until(&self, at: Timestamp) -> Sleep {
        Sleep { executor: self.clone(), at: at.as_ms(), armed: false }
    }

    /// Runs `task` beside all others.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let id = {
            let mut tasks = self.0.tasks.borrow_mut();
            let id = tasks.len();
            let waker = Waker::from(Arc::new(TaskWaker { id, ready: Arc::clone(&self.0.ready) }));
            tasks.push(Some((Box::pin(task), waker)));
            id
        };
        self.lock_ready().push_back(id);
    }

    /// Runs everything until `main` has its result.
    ///
    /// # Panics
    /// When nothing can run any more and `main` has no result.
    pub fn run<T: 'static>(&self, main: impl Future<Output = T> + 'static) -> T {
        let result = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&result);
        self.spawn(async move {
            let value = main.await;
            *slot.borrow_mut() = Some(value);
        });
        loop {
            if let Some(value) = result.borrow_mut().take() {
                return value;
            }
            let next = self.lock_ready().pop_front();
            match next {
                Some(id) => self.poll(id),
                None => self.advance(),
            }
        }
    }

    /// Runs everything that is due by `at`, and sets the clock to it: for a world that keeps pace with another clock.
    pub fn run_until(&self, at: Timestamp) {
        loop {
            let next = self.lock_ready().pop_front();
            let due = || self.0.timers.borrow().peek().is_some_and(|Reverse(timer)| timer.at <= at.as_ms());
            match next {
                Some(id) => self.poll(id),
                None if due() => self.advance(),
                None => break,
            }
        }
        self.0.now.set(self.0.now.get().max(at.as_ms()));
    }

    /// Ends all tasks, which hold what they work on.
    pub fn shut_down(&self) {
        let tasks = std::mem::take(&mut *self.0.tasks.borrow_mut());
        drop(tasks);
        self.0.timers.borrow_mut().clear();
    }

    fn poll(&self, id: usize) {
        let taken = self.0.tasks.borrow_mut().get_mut(id).and_then(Option::take);
        let Some((mut task, waker)) = taken else { return };
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            && let Some(place) = self.0.tasks.borrow_mut().get_mut(id)
        {
            *place = Some((task, waker));
        }
    }

    fn advance(&self) {
        let timer = self.0.timers.borrow_mut().pop();
        let Some(Reverse(timer)) = timer else {
            panic!("the simulated system is stuck: nothing can run and nothing waits for a time");
        };
        self.0.now.set(self.0.now.get().max(timer.at));
        timer.waker.wake();
    }

    fn fresh_id(&self) -> u64 {
        let id = self.0.next_id.get();
        self.0.next_id.set(id + 1);
        id
    }

    fn lock_ready(&self) -> std::sync::MutexGuard<'_, VecDeque<usize>> {
        self.0.ready.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Waits for a point in virtual time.
pub struct Sleep {
    executor: Executor,
    at: i64,
    armed: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.executor.0.now.get() >= self.at {
            return Poll::Ready(());
        }
        if !self.armed {
            self.armed = true;
            let timer = Timer { at: self.at, id: self.executor.fresh_id(), waker: context.waker().clone() };
            self.executor.0.timers.borrow_mut().push(Reverse(timer));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_jumps_to_the_next_timer_and_order_is_kept() {
        let executor = Executor::new(Timestamp::from_ms(0));
        let seen = Rc::new(RefCell::new(Vec::new()));
        for (name, seconds) in [("b", 20), ("a", 10), ("c", 20)] {
            let (executor_in, seen) = (executor.clone(), Rc::clone(&seen));
            executor.spawn(async move {
                executor_in.sleep(Period::seconds(seconds)).await;
                seen.borrow_mut().push((executor_in.now().as_ms(), name));
            });
        }
        let handle = executor.clone();
        executor.run(async move { handle.sleep(Period::seconds(60)).await });
        assert_eq!(*seen.borrow(), [(10_000, "a"), (20_000, "b"), (20_000, "c")]);
        assert_eq!(executor.now().as_ms(), 60_000);
    }
}
