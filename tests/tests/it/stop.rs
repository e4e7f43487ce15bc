//! A person stops a run, at every moment of it: either nothing is moved, or the point of no return came first and the run
//! goes through.

use std::cell::Cell;
use std::rc::Rc;

use lifeboat_model::journal::Entry;
use lifeboat_model::limits::Step;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::report::Outcome;
use lifeboat_model::stop::Unstoppable;
use lifeboat_model::{Period, Timestamp};
use lifeboat_simulator::faults::{FaultKind, FaultRule};
use lifeboat_simulator::world::CallRecord;
use lifeboat_simulator::{Played, Scenario, World};
use serde_json::json;

use crate::common::{assert_invariants_hold, played};

const SEED: u64 = 11;
const WHY: &str = "Ada: not tonight";
/// The operations that move data or traffic.
const MOVES: [&str; 4] =
    ["GlobalCluster", "FailoverGlobalReplicationGroup", "mq:Promote", "UpdateRoutingControlStates"];
/// How many stops after the first that came too late are tried.
const TOO_LATE: u32 = 4;

/// What a person who stopped a run was told and when, and what became of the run.
struct Stopped {
    told: Result<(), Unstoppable>,
    at: Timestamp,
    played: Played,
}

/// Plays `scenario` with a person who stops its run so many milliseconds after it was admitted.
fn stopped_after(scenario: Scenario, ms: u32, rules: &[FaultRule]) -> Stopped {
    let told = Rc::new(Cell::new(None));
    let hears = Rc::clone(&told);
    let played = played(scenario, SEED, |world| {
        rules.iter().for_each(|rule| world.state_mut().faults.add(rule.clone()));
        let person = world.clone();
        world.executor().spawn(async move {
            admitted(&person).await;
            person.sleep(Period::ms(ms)).await;
            hears.set(Some((person.stop_run(WHY), person.now())));
        });
    });
    let (told, at) = told.take().expect("the run was admitted");
    Stopped { told, at, played }
}

async fn admitted(world: &World) {
    while !world.state().table.locks.values().any(|lock| lock.state == LockState::Held) {
        world.sleep(Period::ms(5)).await;
    }
}

fn lock(played: &Played) -> Lock {
    played.world.state().table.locks.values().next().cloned().expect("a lock")
}

fn moves(played: &Played) -> Vec<&'static str> {
    let state = played.world.state();
    let moved = |c: &&CallRecord| MOVES.iter().any(|m| c.operation.contains(m)) && !c.operation.contains("Describe");
    state.lambda.calls.iter().filter(moved).map(|c| c.operation).collect()
}

/// The calls of steps that were entered after `at`, beside those by which they learn that they must not act.
fn of_steps_entered_after(at: Timestamp, played: &Played) -> Vec<(Step, &'static str)> {
    let state = played.world.state();
    let calls = &state.lambda.calls;
    let entered_before = |call: &CallRecord| {
        let entry = |c: &&CallRecord| c.invocation == call.invocation && c.operation == "dynamodb:UpdateItem";
        calls.iter().find(entry).is_some_and(|entry| entry.at <= at)
    };
    let enters = |c: &CallRecord| c.operation == "dynamodb:UpdateItem" || c.resource == "plan";
    let by_a_step = |c: &CallRecord| ![Step::StartRun, Step::Admit, Step::Conclude].contains(&c.step);
    let late = calls.iter().filter(|c| by_a_step(c) && c.at > at && !enters(c) && !entered_before(c));
    late.map(|c| (c.step, c.operation)).collect()
}

/// A stop that was accepted left everything as it was and the plan free, the next step that was entered ended the run, and
/// everybody is told who stopped it.
fn assert_stopped(stopped: &Stopped, what: &str) {
    let played = &stopped.played;
    assert_eq!(stopped.told, Ok(()), "{what}");
    assert_invariants_hold(played, what);
    assert_eq!(of_steps_entered_after(stopped.at, played), [], "{what}");
    let run = played.report.runs.first().expect("a run");
    let cause = run.cause.clone().unwrap_or_default();
    assert_eq!(run.outcome, Some(Outcome::Unchanged), "{what}: {cause}");
    assert!(cause.contains("(stopped): by Ada: not tonight; ask who stopped it"), "{what}: {cause}");
    assert_eq!(moves(played), [""; 0], "{what}");
    let lock = lock(played);
    assert_eq!((lock.state, lock.stopped.as_deref()), (LockState::Free, Some(WHY)), "{what}");
    assert!(!lock.past_point_of_no_return, "{what}");
    let state = played.world.state();
    assert!(state.messages.published.iter().any(|m| m.body.contains("Stopped by:  Ada: not tonight")), "{what}");
}

/// A stop that came too late is no part of the run.
fn assert_went_through(stopped: &Stopped, what: &str) {
    assert_invariants_hold(&stopped.played, what);
    assert_eq!(stopped.told, Err(Unstoppable::PastPointOfNoReturn), "{what}");
    assert_eq!(stopped.played.report.outcome, Some(Outcome::Completed), "{what}");
    assert_eq!(lock(&stopped.played).stopped, None, "{what}");
}

/// Stops the run of `scenario` every `step` from `from` on, until the stop has come too late some times. Returns how often
/// it was accepted, and when it first came too late.
fn at_every_moment(scenario: Scenario, from: u32, step: u32) -> (u32, u32) {
    let (mut accepted, mut late, mut first_late) = (0, 0, None);
    for after in (from..).step_by(step as usize) {
        let what = format!("{} stopped {after} ms after its admission", scenario.name());
        let stopped = stopped_after(scenario, after, &[]);
        match stopped.told {
            Ok(()) => {
                assert_eq!(first_late, None, "{what}: after it had been too late");
                assert_stopped(&stopped, &what);
                accepted += 1;
            }
            Err(_) => {
                assert_went_through(&stopped, &what);
                first_late = first_late.or(Some(after));
                late += 1;
            }
        }
        if late == TOO_LATE {
            break;
        }
    }
    (accepted, first_late.expect("it came too late at last"))
}

/// At every quarter of a second, and in the one in which the point of no return is passed every 5 ms.
fn at_every_moment_and_closely_around_the_last(scenario: Scenario) {
    let (accepted, late) = at_every_moment(scenario, 0, 250);
    assert!(accepted > 4, "{}: {accepted} stops were accepted", scenario.name());
    let (accepted, _) = at_every_moment(scenario, late - 250, 5);
    assert!(accepted > 0, "{}: none was accepted in the last quarter of a second", scenario.name());
}

#[test]
fn s14_a_stop_at_any_moment_of_a_failover_leaves_everything_as_it_was_or_comes_too_late() {
    at_every_moment_and_closely_around_the_last(Scenario::RegionalOutage);
}

#[test]
fn s14_a_stop_at_any_moment_of_a_switchover_leaves_everything_as_it_was_or_comes_too_late() {
    at_every_moment_and_closely_around_the_last(Scenario::PlannedSwitchover);
}

#[test]
fn s14_a_stop_while_a_move_of_two_serving_regions_waits_for_capacity_ends_within_a_minute_and_capacity_stays() {
    let mut raised = 0;
    for after in (0..40_000).step_by(4_000) {
        let what = format!("stopped {after} ms after its admission");
        let stopped = stopped_after(Scenario::ActiveActiveSwitchover, after, &[]);
        if stopped.told.is_err() {
            assert_went_through(&stopped, &what);
            continue;
        }
        assert_stopped(&stopped, &what);
        let state = stopped.played.world.state();
        raised += u32::from(state.lambda.calls.iter().any(|c| c.operation == "ecs:UpdateService" && c.effective));
        let run = state.runs.first().expect("a run");
        let lock = lock(&stopped.played);
        let (ended, _) = run.ended.as_ref().expect("an end");
        let took = ended.seconds_since(lock.run.admitted_at.plus(Period::ms(after)));
        assert!(took < 60.0, "{what}: {took} s");
    }
    assert!(raised > 2, "in {raised} of them capacity was raised before");
}

#[test]
fn s14_lost_replies_of_the_fence_neither_undo_a_stop_nor_let_one_in_too_late() {
    let (mut accepted, mut late) = (0, 0);
    for scenario in [Scenario::RegionalOutage, Scenario::PlannedSwitchover] {
        for kind in [FaultKind::LostReply, FaultKind::CrashAfter, FaultKind::Silence] {
            for skip in 0..6 {
                for after in [0, 1_000, 4_000, 12_000] {
                    let what = format!("{} with {kind:?} at fence {skip}, stopped after {after} ms", scenario.name());
                    let rule = FaultRule { operation: "dynamodb:UpdateItem", place: None, skip, times: 1, kind };
                    let stopped = stopped_after(scenario, after, &[rule]);
                    match stopped.told {
                        Ok(()) => {
                            assert_stopped(&stopped, &what);
                            accepted += 1;
                        }
                        Err(_) => {
                            assert_went_through(&stopped, &what);
                            assert_eq!(stopped.played.world.state().faults.fired(), 1, "{what}: it did not fire");
                            late += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(accepted > 30 && late > 30, "{accepted} accepted, {late} too late");
}

#[test]
fn s14_a_run_that_waits_for_approval_and_was_stopped_does_not_go_on_with_the_yes() {
    // The answer is recorded by replacing the lock, which must not undo a stop that comes at that very moment.
    let mut with_the_yes_recorded = 0;
    for after in (0..1_500).step_by(20) {
        let what = format!("stopped {after} ms after half a second before the yes");
        let told = Rc::new(Cell::new(None));
        let hears = Rc::clone(&told);
        let played = played(Scenario::ApprovedFailover, SEED, |world| {
            let person = world.clone();
            world.executor().spawn(async move {
                let is_asked = |world: &World| world.state().lambda.calls.iter().any(|c| c.operation == "sns:Publish");
                while !is_asked(&person) {
                    person.sleep(Period::ms(5)).await;
                }
                // The other person thinks for four minutes.
                person.sleep(Period::ms(239_500 + after)).await;
                hears.set(Some((person.stop_run(WHY), person.now())));
            });
        });
        let (told, at) = told.take().expect("a person was asked");
        let approved = |e: &Entry| e.note.approval().is_some();
        with_the_yes_recorded += u32::from(played.world.state().table.journal.iter().any(approved));
        assert_stopped(&Stopped { told, at, played }, &what);
    }
    assert!((1..75).contains(&with_the_yes_recorded), "{with_the_yes_recorded} of 75 came with or after the yes");
}

#[test]
fn s14_a_stop_that_stands_in_a_lock_past_the_point_of_no_return_counts_for_nothing() {
    let scenario = Scenario::RegionalOutage;
    let played = played(scenario, SEED, |world| {
        let hand = world.clone();
        world.executor().spawn(async move {
            while !hand.state().table.locks.values().any(|lock| lock.past_point_of_no_return) {
                hand.sleep(Period::ms(5)).await;
            }
            // Somebody wrote it without the condition.
            hand.state_mut().table.locks.values_mut().for_each(|lock| lock.stopped = Some(WHY.to_owned()));
        });
    });
    assert_invariants_hold(&played, "a stop without its condition");
    assert_eq!(played.report.outcome, Some(Outcome::Completed));
    assert_eq!(played.world.state().table.locks.values().next().and_then(Lock::stop_in_force), None);
}

#[test]
fn s14_the_next_run_knows_nothing_of_the_stop_of_the_one_before() {
    let played = played(Scenario::PlannedSwitchover, SEED, |world| {
        let person = world.clone();
        world.executor().spawn(async move {
            admitted(&person).await;
            person.sleep(Period::ms(500)).await;
            assert_eq!(person.stop_run(WHY), Ok(()));
            while person.state().runs.iter().any(|r| r.ended.is_none()) {
                person.sleep(Period::ms(500)).await;
            }
            assert_eq!(person.stop_run(WHY), Err(Unstoppable::NotHeld), "nothing holds the plan");
            let target = person.state().direction.target.clone();
            let input = json!({"plan": "retail-store", "target": target, "mode": "switchover"});
            person.start_execution(&target, "again", input, lifeboat_simulator::world::StartedBy::Operator);
        });
    });
    assert_invariants_hold(&played, "a run after a stopped one");
    let outcomes: Vec<_> = played.report.runs.iter().map(|r| r.outcome).collect();
    assert_eq!(outcomes, [Some(Outcome::Unchanged), Some(Outcome::Completed)]);
    assert_eq!(lock(&played).stopped, None);
}
