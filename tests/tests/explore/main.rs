//! Every single fault at every call of every story, with all invariants checked after every call.

mod stories;
mod tally;

use std::collections::BTreeSet;

use lifeboat_model::limits::Step;
use lifeboat_model::report::Outcome;
use lifeboat_simulator::Scenario;
use lifeboat_simulator::explore::{Choices, DEVIATIONS, Deviation, Ending, Event};

/// Drills are short and many: half of their time would be the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[test]
fn every_single_deviation_at_every_call_keeps_every_invariant_ends_by_name_and_can_be_put_right() {
    let tally = tally::play_all(&tally::singles());
    tally.assert_all_well();
    let names: BTreeSet<&str> = DEVIATIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(tally.happened.keys().copied().collect::<BTreeSet<&str>>(), names, "a deviation never happened");
    for outcome in [Outcome::Completed, Outcome::Unchanged, Outcome::NeedsOperator, Outcome::Rehearsed] {
        assert!(tally.endings.contains_key(&Ending::With(outcome)), "{} was never reached", outcome.as_str());
    }
}

#[test]
fn s9_a_failover_that_nobody_decided_on_for_half_an_hour_is_still_possible() {
    let (story, what) = (stories::STORIES[2], Deviation::Event(Event::KillSwitch));
    assert_eq!(story.scenario, Scenario::ApprovedFailover);
    let seen = tally::quiet_calls(&story);
    let first = (0..seen.len() as u32).find(|call| seen[*call as usize].step == Step::RequestApproval);
    let drill = (story, Choices::default().and(first.expect("it asks"), what));
    let tally = tally::play_all(&[drill]);
    tally.assert_all_well();
    assert_eq!(tally.recoveries.keys().collect::<Vec<_>>(), ["an acknowledgement and 1 run(s)"]);
}

#[test]
fn s6_a_consent_that_ends_between_decision_and_call_is_no_consent() {
    let ends = |drill: &tally::Drill| drill.1.iter().all(|choice| choice.what.name() == "consent-expires");
    let drills: Vec<tally::Drill> = tally::singles().into_iter().filter(ends).collect();
    let tally = tally::play_all(&drills);
    tally.assert_all_well();
    for outcome in [Outcome::Completed, Outcome::Unchanged] {
        assert!(tally.endings.contains_key(&Ending::With(outcome)), "{} was never reached", outcome.as_str());
    }
}
