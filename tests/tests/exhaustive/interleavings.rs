//! Two at work at the same time, one of which is held up: every pair of a start, a copy, an alarm or a run that a person
//! stopped with one preemption after it.

use lifeboat_simulator::Scenario;
use lifeboat_simulator::explore::{Choices, DEVIATIONS, Deviation};

use crate::pairs::{later_calls, play_with_seconds};
use crate::stories::STORIES;
use crate::tally::{self, Drill, Tally};
use crate::thinned;

/// What sets a second one to work, or leaves one at work behind the back of a run that was stopped.
const BESIDE: [&str; 8] = [
    "start-again",
    "start-opposite",
    "start-elsewhere",
    "alarm",
    "delivered-twice",
    "delivered-late",
    "aborted",
    "redriven",
];
/// What holds a process up between two calls.
const HELD_UP: [&str; 4] = ["pause", "pause-after", "hang-before", "hang-after"];

fn named(names: &[&str]) -> Vec<Deviation> {
    DEVIATIONS.into_iter().filter(|(name, _)| names.contains(name)).map(|(_, what)| what).collect()
}

/// Plays all of them in every failover and switchover; with two operators, two preemptions.
pub fn play(scale: usize) -> Tally {
    let held_up = named(&HELD_UP);
    let mut firsts: Vec<Drill> = Vec::new();
    for story in STORIES.into_iter().filter(|story| story.plan == "database") {
        let beside = match story.scenario {
            Scenario::RegionalOutage
            | Scenario::PlannedSwitchover
            | Scenario::ApprovedFailover
            | Scenario::ActiveActiveSwitchover
            | Scenario::ActiveActiveOutage => named(&BESIDE),
            Scenario::TwoOperators => held_up.clone(),
            _ => continue,
        };
        for (call, made) in tally::quiet_calls(&story).iter().enumerate() {
            let meets = beside.iter().filter(|what| made.may_meet(**what));
            firsts.extend(meets.map(|what| (story, Choices::default().and(call as u32, *what))));
        }
    }
    play_with_seconds(&thinned(firsts, scale), |(_, first), seen| {
        let mut seconds = Vec::new();
        for (call, made) in later_calls(first, seen) {
            seconds.extend(held_up.iter().filter(|what| made.may_meet(**what)).map(|what| first.and(call, *what)));
        }
        seconds
    })
}
