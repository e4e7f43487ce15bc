//! A step that sees to several resources of one kind at the same time: one share of the plan's.
//!
//! Guarantees: a resource that fails does not keep the others of its share from being seen to; the failure is told after
//! the last of them came to rest, with every reason at once.

use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::join_all;
use lifeboat_model::limits::{FUNCTIONS_AT_ONCE, WATCH, poll_among};
use lifeboat_model::plan::Name;
use lifeboat_model::{Period, StepError, Timestamp};
use lifeboat_ports::Clock;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Reply, RunRef, Status};

/// The message of a step that sees to a share of the plan's resources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareMessage {
    /// The run.
    pub run: RunRef,
    /// The names of the resources.
    pub resources: Vec<Name>,
}

impl ShareMessage {
    /// The resources of the message as `find` knows them.
    ///
    /// # Errors
    /// `Rejected`, naming each that is not one of the plan's `kind`.
    pub fn resolve<'p, T>(
        resources: &[Name],
        kind: &str,
        find: impl Fn(&Name) -> Option<&'p T>,
    ) -> Result<Vec<&'p T>, StepError> {
        let unknown =
            |name: &Name| StepError::malformed(kind, name, &format!("the name of a {kind} of the run's plan"));
        resources.iter().map(|name| find(name).ok_or_else(|| unknown(name))).collect()
    }
}

/// How often to look at a resource: the fewer are left, the more often.
#[derive(Debug)]
pub struct Pace {
    left: Cell<usize>,
    functions: usize,
    until: Timestamp,
}

impl Pace {
    /// Waits until the next look at one resource is due. The plan has `FUNCTIONS_AT_ONCE` functions at the most that look at
    /// this kind, and each is taken to have as many left as this one. Never longer than the step may watch.
    pub async fn wait(&self, clock: &dyn Clock) {
        let poll = poll_among(self.left.get() * self.functions);
        let rest = u32::try_from(self.until.ms_since(clock.now())).unwrap_or(0).max(1);
        clock.sleep(poll.min(Period::ms(rest))).await;
    }
}

/// Sees to every one of `resources` at the same time, and answers for all of them. `in_plan` is how many of their kind the
/// plan has.
///
/// # Errors
/// Those of `one`, together: reasons to refuse before calls of unknown fate, and those before calls without effect.
pub async fn see_to_all<'p, T, F>(
    resources: &[&'p T],
    in_plan: usize,
    clock: &dyn Clock,
    one: impl Fn(&'p T, Rc<Pace>) -> F,
) -> Result<Value, StepError>
where
    F: Future<Output = Result<Reply, StepError>>,
{
    let (left, functions) = (Cell::new(resources.len()), in_plan.clamp(1, FUNCTIONS_AT_ONCE));
    let pace = Rc::new(Pace { left, functions, until: clock.now().plus(WATCH) });
    let each = resources.iter().map(|resource| {
        let (pace, work) = (Rc::clone(&pace), one(resource, Rc::clone(&pace)));
        async move {
            let result = work.await;
            pace.left.set(pace.left.get().saturating_sub(1));
            result
        }
    });
    let results = join_all(each).await;
    let (mut replies, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(reply) => replies.push(reply),
            Err(error) => errors.push(error),
        }
    }
    match StepError::worst_of(errors) {
        Some(error) => Err(error),
        None => together(replies).into_json(),
    }
}

fn together(replies: Vec<Reply>) -> Reply {
    let pending = replies.iter().filter(|r| r.status == Status::Pending).count();
    let status = if pending == 0 { Status::Done } else { Status::Pending };
    let changed = replies.iter().any(|r| r.changed);
    let wait_s = replies.iter().filter(|r| r.status == Status::Pending).map(|r| r.wait_s).min().unwrap_or(0);
    let of = replies.len();
    let evidence = match <[Reply; 1]>::try_from(replies) {
        Ok([only]) => only.evidence,
        Err(_) => json!({"done": of - pending, "of": of}),
    };
    Reply { status, changed, wait_s, evidence }
}
