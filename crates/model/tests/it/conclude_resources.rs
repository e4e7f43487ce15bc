//! How a run ends: what it left behind, which calls count as changes, and how a rehearsal ends.

use crate::common::endings::{
    CALLS, Calls, OUTCOMES, PLAN, concluded, every_case, every_lock, failure, traffic_verified, writers_verified,
};
use crate::common::rich::{BEST_EFFORT, REQUIRED, rich_plan};
use crate::common::{NOW, RUN, at, entry, held, no_go, plan, west};
use lifeboat_model::decide::{Conclusion, Failure, conclude, left_behind};
use lifeboat_model::journal::{Call, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Requirement;
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Period, Plan};

/// The note that `step` saw `name` as the run needs it.
fn ready((step, name): (Step, &str)) -> Entry {
    entry(step, name, at(-170), Note::Ready { what: "seen".to_owned() })
}

fn promoted_and_verified() -> Vec<Entry> {
    let mut entries = Calls::Accepted.entries(Step::PromoteDatabase, "orders", -200);
    entries.extend([writers_verified(-160), traffic_verified(-60)]);
    entries
}

/// Each subset of `all`.
fn every_subset<T: Copy>(all: &[T]) -> Vec<Vec<T>> {
    let of = |bits: usize| all.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, t)| *t).collect();
    (0..1 << all.len()).map(of).collect()
}

fn ends(plan: Option<&Plan>, entries: &[Entry]) -> Outcome {
    conclude(RUN, Purpose::Act, Some(&held(Mode::Failover)), entries, None, plan, NOW).outcome
}

#[test]
fn s11_completed_only_with_every_required_resource_seen_ready_and_best_effort_ones_do_not_count() {
    let plan = rich_plan();
    let mut completed = 0;
    for (required, best_effort) in every_subset(&REQUIRED)
        .into_iter()
        .flat_map(|r| every_subset(&BEST_EFFORT).into_iter().map(move |b| (r.clone(), b)))
    {
        let mut entries = promoted_and_verified();
        entries.extend(required.iter().chain(&best_effort).map(|r| ready(*r)));
        let expected = if required.len() == REQUIRED.len() { Outcome::Completed } else { Outcome::NeedsOperator };
        assert_eq!(ends(Some(&plan), &entries), expected, "{required:?} {best_effort:?}");
        completed += u32::from(expected == Outcome::Completed);
    }
    assert_eq!(completed, 16);
}

#[test]
fn s11_what_one_step_saw_of_its_resource_does_not_speak_for_another_steps() {
    let plan = rich_plan();
    for (n, (step, name)) in REQUIRED.into_iter().enumerate() {
        let others = (0..4).filter(|m| *m != n).map(|m| ready(REQUIRED[m]));
        let mut entries: Vec<Entry> = promoted_and_verified().into_iter().chain(others).collect();
        entries.extend(Step::ALL.into_iter().filter(|s| *s != step).map(|s| ready((s, name))));
        entries.extend(["", "orders", "store", BEST_EFFORT[n].1].map(|other| ready((step, other))));
        assert_eq!(ends(Some(&plan), &entries), Outcome::NeedsOperator, "{step} {name}");
        entries.push(ready((step, name)));
        assert_eq!(ends(Some(&plan), &entries), Outcome::Completed, "{step} {name}");
    }
}

#[test]
fn s11_a_run_whose_plan_cannot_be_read_is_not_completed() {
    every_case(|case, with_plan| {
        let failure = case.failed.then(failure);
        let got = conclude(RUN, Purpose::Act, case.lock, case.entries, failure.as_ref(), None, NOW);
        let expected = if case.changed() { Outcome::NeedsOperator } else { Outcome::Unchanged };
        assert_eq!(got.outcome, expected);
        assert_eq!(got.lock.is_some(), with_plan.lock.is_some());
    });
}

#[test]
fn s7_a_run_that_was_completed_rests_as_long_as_its_plan_says_and_an_hour_without_one() {
    let mut plan = plan();
    plan.automation.cool_down = Period::seconds(7200);
    let lock = held(Mode::Failover);
    for (plan, rest_s) in [(Some(&plan), 7200), (None, 3600)] {
        let entries = [concluded(Outcome::Completed)];
        let got = conclude(RUN, Purpose::Act, Some(&lock), &entries, None, plan, NOW);
        assert_eq!(got.lock.and_then(|l| l.cool_down_until), Some(at(rest_s)));
    }
}

#[test]
fn s11_every_call_counts_as_a_change_but_one_that_only_adds_capacity() {
    for (step, calls) in Step::ALL.into_iter().flat_map(|s| CALLS.map(|c| (s, c))) {
        let entries = calls.entries(step, "web", -200);
        let changed = calls.may_have_changed() && step != Step::ScaleCompute;
        let expected = if changed { Outcome::NeedsOperator } else { Outcome::Unchanged };
        for failed in [false, true] {
            let failure = failed.then(failure);
            let lock = held(Mode::Switchover);
            let got = conclude(RUN, Purpose::Act, Some(&lock), &entries, failure.as_ref(), Some(&PLAN), NOW);
            assert_eq!(got.outcome, expected, "{step} {calls:?}");
        }
        let mut entries = entries;
        entries.extend(Calls::Accepted.entries(Step::ScaleCompute, "search", -100));
        assert_eq!(ends(Some(&PLAN), &entries), expected, "more capacity is no change: {step} {calls:?}");
    }
}

#[test]
fn s17_a_rehearsal_ends_as_rehearsed_or_unchanged_and_touches_no_lock() {
    let call = Call { operation: "rds:FailoverGlobalCluster".to_owned(), region: west(), parameters: [].into() };
    let would_call = entry(Step::PromoteDatabase, "orders", at(-100), Note::WouldCall { call });
    let assessed = entry(Step::Assess, "store", at(-110), Note::Assessed { verdict: no_go(at(-110)) });
    let journals =
        [vec![], vec![would_call.clone()], vec![assessed, would_call, writers_verified(-90), traffic_verified(-80)]];
    for (entries, lock) in journals.iter().flat_map(|j| every_lock().into_iter().map(move |l| (j, l))) {
        for (failed, plan) in [(false, Some(plan())), (true, Some(plan())), (false, None), (true, None)] {
            let failure = failed.then(failure);
            let end = |entries: &[Entry], failure: Option<&Failure>| {
                conclude(RUN, Purpose::Rehearse, lock.as_ref(), entries, failure, plan.as_ref(), NOW)
            };
            let outcome = if failed { Outcome::Unchanged } else { Outcome::Rehearsed };
            assert_eq!(end(entries, failure.as_ref()), Conclusion { outcome, lock: None }, "{lock:?}");
            for recorded in OUTCOMES {
                let again: Vec<Entry> = entries.iter().cloned().chain([concluded(recorded)]).collect();
                let expected = Conclusion { outcome: recorded, lock: None };
                assert_eq!(end(&again, failure.as_ref()), expected, "s10: it says what it said first");
            }
        }
    }
}

#[test]
fn s17_a_rehearsal_that_intended_a_call_was_none_and_is_judged_as_a_run() {
    every_case(|case, as_run| {
        if case.database == Calls::Nothing && case.routing == Calls::Nothing {
            return;
        }
        let failure = case.failed.then(failure);
        let got = conclude(RUN, Purpose::Rehearse, case.lock, case.entries, failure.as_ref(), Some(&PLAN), NOW);
        assert_eq!(got, as_run);
    });
}

#[test]
fn whoever_was_rehearsed_with_a_lock_is_looked_at_by_a_person() {
    let lock = held(Mode::Failover);
    let got = conclude(RUN, Purpose::Act, Some(&lock), &[concluded(Outcome::Rehearsed)], None, Some(&PLAN), NOW);
    assert_eq!(got, Conclusion { outcome: Outcome::Rehearsed, lock: Some(lock.needs_operator()) });
}

#[test]
fn what_was_left_behind_is_named_in_the_order_of_the_steps() {
    let plan = rich_plan();
    for (requirement, all) in [(Requirement::Required, REQUIRED), (Requirement::BestEffort, BEST_EFFORT)] {
        for seen in every_subset(&all) {
            let entries: Vec<Entry> = seen.iter().map(|r| ready(*r)).collect();
            let expected: Vec<(Step, &str)> = all.into_iter().filter(|r| !seen.contains(r)).collect();
            let got: Vec<(Step, &str)> =
                left_behind(&plan, requirement, &entries).into_iter().map(|(s, n)| (s, n.as_str())).collect();
            assert_eq!(got, expected);
        }
    }
}

#[test]
fn a_failure_is_told_in_the_words_of_its_message() {
    let table = [
        ("{\"errorMessage\":\"plan store (disabled)\",\"errorType\":\"Lifeboat.Refused\"}", "plan store (disabled)"),
        ("{\"errorMessage\":7}", "{\"errorMessage\":7}"),
        ("{\"message\":\"x\"}", "{\"message\":\"x\"}"),
        ("no cause was given", "no cause was given"),
        ("", "no cause was given; the execution's history shows the state"),
    ];
    for (cause, message) in table {
        let failure = Failure { error: "Lifeboat.Refused".to_owned(), cause: cause.to_owned() };
        assert_eq!(failure.in_words(), format!("Lifeboat.Refused: {message}"));
    }
}
