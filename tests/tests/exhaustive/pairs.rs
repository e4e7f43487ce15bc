//! Pairs: something goes wrong, and then something else does.

use lifeboat_simulator::explore::{CallMade, Choices, DEVIATIONS, Deviation, Event, Nature, Seen};

use crate::stories::STORIES;
use crate::tally::{self, Drill, Tally};
use crate::thinned;

/// How many second deviations are drawn for each first one.
const DRAWN: u64 = 4;

/// A fault, and then another or a person who stops everything, each at a write of the table or a call that changes the
/// workload: all pairs, of the stories with a database alone.
pub fn of_changes(scale: usize) -> Tally {
    let changes = |made: &CallMade| matches!(made.nature, Nature::Write | Nature::Mutation);
    let fault = |what: Deviation| matches!(what, Deviation::Fault(_));
    let second = |what: Deviation| fault(what) || matches!(what, Deviation::Event(Event::KillSwitch | Event::Stop));
    let mut firsts = Vec::new();
    for story in STORIES.into_iter().filter(|story| story.plan == "database") {
        for (call, made) in tally::quiet_calls(&story).iter().enumerate().filter(|(_, made)| changes(made)) {
            let meets = DEVIATIONS.into_iter().filter(|(_, what)| fault(*what) && made.may_meet(*what));
            firsts.extend(meets.map(|(_, what)| (story, Choices::default().and(call as u32, what))));
        }
    }
    play_with_seconds(&thinned(firsts, scale), |(_, first), seen| {
        let later = later_calls(first, seen).filter(|(_, made)| changes(made));
        later
            .flat_map(|(call, made)| {
                let meets = DEVIATIONS.into_iter().filter(move |(_, what)| second(*what) && made.may_meet(*what));
                meets.map(move |(_, what)| (call, what))
            })
            .map(|(call, what)| first.and(call, what))
            .collect()
    })
}

/// For each single deviation some second ones, drawn from all that can follow.
pub fn drawn(scale: usize) -> Tally {
    let firsts = thinned(tally::singles(), scale);
    play_with_seconds(&firsts, |drill: &Drill, seen| {
        let (_, first) = drill;
        let mut rng = fastrand::Rng::with_seed(seed_of(first));
        let later: Vec<(u32, CallMade)> = later_calls(first, seen).collect();
        let mut seconds = Vec::new();
        while seconds.len() < DRAWN as usize && !later.is_empty() {
            let (call, made) = later[rng.usize(..later.len())];
            let (_, what) = DEVIATIONS[rng.usize(..DEVIATIONS.len())];
            if made.may_meet(what) {
                seconds.push(first.and(call, what));
            }
        }
        seconds
    })
}

/// Plays `firsts` on all cores, and after each of them what follows from how it went.
pub fn play_with_seconds(firsts: &[Drill], follow: impl Fn(&Drill, &Seen) -> Vec<Choices> + Sync) -> Tally {
    tally::on_all_cores(firsts, |machine, tally, first| {
        let seen = tally::play(machine, tally, first);
        for choices in follow(first, &seen) {
            tally::play(machine, tally, &(first.0, choices));
        }
    })
}

/// The calls after the last choice.
pub fn later_calls<'a>(choices: &Choices, seen: &'a Seen) -> impl Iterator<Item = (u32, CallMade)> + 'a {
    let last = choices.iter().map(|choice| choice.call).max().unwrap_or(0);
    seen.calls.iter().enumerate().map(|(call, made)| (call as u32, *made)).filter(move |(call, _)| *call > last)
}

/// The same choices draw the same, on every machine.
fn seed_of(choices: &Choices) -> u64 {
    choices
        .to_string()
        .bytes()
        .fold(1469598103934665603, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(1099511628211))
}
