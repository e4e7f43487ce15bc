//! A person's stop over lock state x holder x epoch x marks: when it is accepted, what it is worth, and whom it concerns.

use crate::common::{NOW, RUN, admission, at, eastward, held, plan, westward};
use lifeboat_model::decide::{Failure, conclude};
use lifeboat_model::ending::Ending;
use lifeboat_model::journal::{Effect, Entry};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::{Acquisition, Admission, Lock, LockState};
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::stop::{Claim, Unstoppable};

const WHY: &str = "Ada: not tonight";

fn every_lock() -> Vec<Lock> {
    let mut locks = Vec::new();
    for state in [LockState::Held, LockState::Free, LockState::NeedsOperator] {
        for marks in 0..8_u8 {
            locks.push(Lock {
                state,
                past_point_of_no_return: marks & 1 != 0,
                inherits_change: marks & 2 != 0,
                stopped: (marks & 4 != 0).then(|| WHY.to_owned()),
                ..held(Mode::Failover)
            });
        }
    }
    locks
}

#[test]
fn s14_a_run_is_stopped_only_while_it_holds_the_plan_and_is_not_past_its_point_of_no_return() {
    for lock in every_lock() {
        for run_id in [RUN, "another"] {
            let got = lock.clone().stop(run_id, "Bo: wait");
            let expected = match (lock.state, run_id == RUN, lock.past_point_of_no_return) {
                (LockState::Held, true, false) => Ok(Lock { stopped: Some("Bo: wait".to_owned()), ..lock.clone() }),
                (LockState::Held, true, true) => Err(Unstoppable::PastPointOfNoReturn),
                (_, _, _) => Err(Unstoppable::NotHeld),
            };
            assert_eq!(got, expected, "{run_id} {lock:?}");
        }
    }
}

#[test]
fn s14_a_stopped_run_may_not_go_on_and_past_the_point_of_no_return_only_goes_forward() {
    for lock in every_lock() {
        for (run_id, epoch) in
            [(RUN, lock.epoch), (RUN, lock.epoch - 1), (RUN, lock.epoch + 1), ("another", lock.epoch)]
        {
            let holds = lock.state == LockState::Held && run_id == RUN && epoch == lock.epoch;
            let stopped = lock.stopped.is_some() && !lock.past_point_of_no_return;
            let expected = match (holds, stopped) {
                (false, _) => Claim::Lost,
                (true, true) => Claim::Stopped(WHY.to_owned()),
                (true, false) => Claim::Holds,
            };
            assert_eq!(lock.claim_of(run_id, epoch), expected, "{run_id} {epoch} {lock:?}");
        }
    }
}

#[test]
fn s14_a_stop_is_of_one_run_and_no_reason_to_refuse_the_next() {
    for lock in every_lock() {
        let unstopped = Lock { stopped: None, ..lock.clone() };
        for direction in [westward(), eastward()] {
            for later in [NOW, lock.lease_expires_at] {
                let run =
                    Admission { run_id: "later".to_owned(), direction: direction.clone(), ..admission(Mode::Failover) };
                let next = |lock: &Lock| Lock::acquire(&plan().name, Some(lock), run.clone(), later);
                let (got, expected) = (next(&lock), next(&unstopped));
                assert_eq!(got, expected, "{lock:?}");
                if let Acquisition::Take(new) = got {
                    assert_eq!(new.stopped, None);
                }
            }
        }
    }
}

#[test]
fn s14_a_stop_outlives_the_epoch_that_the_conclusion_mints_and_the_ending_says_who_and_why() {
    for lock in every_lock() {
        let fenced = lock.clone().fencing_out_its_steps(NOW);
        assert_eq!(fenced.stopped, lock.stopped);
        let in_force = lock.stopped.clone().filter(|_| !lock.past_point_of_no_return);
        assert_eq!(fenced.stop_in_force(), in_force.as_deref());
        assert_eq!(Ending::of_admitted(&fenced, None).stopped, in_force);
    }
}

#[test]
fn s11_a_stopped_run_is_unchanged_unless_something_was_changed_before() {
    let stopped = Lock { stopped: Some(WHY.to_owned()), ..held(Mode::Failover) };
    let failure = Failure { error: "Lifeboat.Refused".to_owned(), cause: "stopped".to_owned() };
    let ended = |lock: &Lock, entries: &[Entry]| {
        let got = conclude(RUN, Purpose::Act, Some(lock), entries, Some(&failure), Some(&plan()), NOW);
        (got.outcome, got.lock.map(|l| (l.state, l.stopped)))
    };
    let said = Some(WHY.to_owned());
    let unchanged = (Outcome::Unchanged, Some((LockState::Free, said.clone())));
    let needs_operator = (Outcome::NeedsOperator, Some((LockState::NeedsOperator, said)));
    let call = |step, effect| {
        [crate::common::intent(step, "x", 1, at(-3)), crate::common::outcome(step, "x", 1, at(-2), effect)]
    };
    assert_eq!(ended(&stopped, &[]), unchanged);
    assert_eq!(ended(&stopped, &call(Step::ScaleCompute, Effect::Accepted)), unchanged, "capacity stays");
    assert_eq!(ended(&stopped, &call(Step::PromoteDatabase, Effect::None)), unchanged, "the fence kept it back");
    assert_eq!(ended(&stopped, &call(Step::IsolateSource, Effect::Accepted)), needs_operator);
    let finishes = Lock { inherits_change: true, ..stopped.clone() };
    assert_eq!(ended(&finishes, &[]), needs_operator, "what an earlier run began is still half done");
}

#[test]
fn a_lock_without_the_attribute_is_not_stopped() {
    let lock = held(Mode::Failover);
    let json = serde_json::to_value(&lock).expect("JSON");
    assert!(json.get("stopped").is_none(), "{json}");
    assert_eq!(serde_json::from_value::<Lock>(json).ok(), Some(lock));
}
