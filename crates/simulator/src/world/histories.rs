//! What is kept of executions for whoever asks Step Functions, and how they are stopped.

use std::collections::BTreeMap;
use std::task::{Poll, Waker};

use super::World;
use crate::machine::{Event, StateError, What};

/// The histories of executions. Drills ask nobody for them and keep none.
#[derive(Default)]
pub struct Histories {
    kept: Option<BTreeMap<String, Vec<Event>>>,
    stops: BTreeMap<String, Stop>,
}

#[derive(Default)]
struct Stop {
    asked: Option<StateError>,
    waker: Option<Waker>,
}

impl World {
    /// Keeps the history of every execution from now on.
    pub fn keep_histories(&self) {
        self.state_mut().histories.kept.get_or_insert_default();
    }

    /// The history of an execution so far, oldest first; empty where none is kept.
    pub fn history_of(&self, execution: &str) -> Vec<Event> {
        self.state().histories.kept.as_ref().and_then(|kept| kept.get(execution)).cloned().unwrap_or_default()
    }

    pub(super) fn note_event(&self, execution: &str, previous: u64, what: impl FnOnce() -> What) -> u64 {
        let at = self.now();
        let mut state = self.state_mut();
        let Some(kept) = &mut state.histories.kept else { return previous };
        let events = kept.entry(execution.to_owned()).or_default();
        let id = events.len() as u64 + 1;
        events.push(Event { id, previous, at, what: what() });
        id
    }

    /// Stops an execution, as `StopExecution` does: functions that were called go on. Nothing happens to one that has ended.
    pub fn stop_execution(&self, execution: &str, error: StateError) {
        let waker = {
            let stop = &mut self.state_mut().histories.stops;
            let stop = stop.entry(execution.to_owned()).or_default();
            stop.asked.get_or_insert(error);
            stop.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Lets a stopped execution go on.
    pub(super) fn forget_stop(&self, execution: &str) {
        self.state_mut().histories.stops.remove(execution);
    }

    /// Waits until somebody stops the execution.
    pub(super) async fn stopped(&self, execution: &str) -> StateError {
        std::future::poll_fn(|context| {
            let mut state = self.state_mut();
            let stop = state.histories.stops.entry(execution.to_owned()).or_default();
            match &stop.asked {
                Some(error) => Poll::Ready(error.clone()),
                None => {
                    stop.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
