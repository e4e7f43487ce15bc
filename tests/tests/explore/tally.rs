//! Plays drills on all cores, and counts what happened in them.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lifeboat_simulator::explore::{CallMade, Choice, Choices, Ending, Recovery, Seen, explore};
use lifeboat_simulator::machine::Machine;

use crate::stories::{STORIES, Story, machine};

/// How many kinds of failures are told.
const TOLD: usize = 25;

/// A drill to play: of which story, by which choices.
pub type Drill = (Story, Choices);

/// What happened in many drills.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Drills.
    pub drills: u64,
    /// Executions of the state machine in them.
    pub runs: u64,
    /// Calls.
    pub calls: u64,
    /// How often each deviation happened.
    pub happened: BTreeMap<&'static str, u64>,
    /// How often each ending was reached.
    pub endings: BTreeMap<Ending, u64>,
    /// How often each invariant was checked.
    pub checks: BTreeMap<&'static str, u64>,
    /// What it took afterwards.
    pub recoveries: BTreeMap<String, u64>,
    /// How many drills failed.
    pub failed: u64,
    /// What went wrong by which deviations: how often, and the first with the command that shows it.
    pub failures: BTreeMap<String, (u64, String)>,
}

impl Tally {
    /// Counts a drill all of whose choices have to happen.
    pub fn count(&mut self, (story, choices): &Drill, seen: &Seen) {
        self.note(choices, seen);
        let mut wrong = wrong_with(seen);
        if seen.happened != choices.count() {
            wrong.push(format!("choices: {} of {} happened", seen.happened, choices.count()));
        }
        if !wrong.is_empty() {
            self.failed += 1;
            let by: Vec<&str> = choices.iter().map(|choice| choice.what.name()).collect();
            let kinds: Vec<&str> = wrong.iter().filter_map(|w| w.split(':').next()).collect();
            let told = format!("{}\n    {}", wrong.join("; "), story.command(choices));
            self.failures.entry(format!("{} by {}", kinds.join(", "), by.join(", "))).or_insert((0, told)).0 += 1;
        }
    }

    /// Counts what happened, and judges nothing.
    pub fn note(&mut self, choices: &Choices, seen: &Seen) {
        self.drills += 1;
        self.runs += seen.endings.len() as u64;
        self.calls += seen.calls.len() as u64;
        let reached = |choice: &&Choice| (choice.call as usize) < seen.calls.len();
        for choice in choices.iter().filter(reached) {
            *self.happened.entry(choice.what.name()).or_default() += 1;
        }
        for ending in &seen.endings {
            *self.endings.entry(*ending).or_default() += 1;
        }
        for (id, checks) in &seen.checks {
            *self.checks.entry(id).or_default() += checks;
        }
        let tries = match &seen.recovery {
            Recovery::NotNeeded => "nothing".to_owned(),
            Recovery::ByHand => "traffic moved by hand again".to_owned(),
            Recovery::Runs(runs) => format!("an acknowledgement and {runs} run(s)"),
            Recovery::Stuck(_) => "not reached".to_owned(),
        };
        *self.recoveries.entry(tries).or_default() += 1;
    }

    /// Adds what another tally counted.
    pub fn add(&mut self, other: Self) {
        self.drills += other.drills;
        self.runs += other.runs;
        self.calls += other.calls;
        self.failed += other.failed;
        sum(&mut self.happened, other.happened);
        sum(&mut self.endings, other.endings);
        sum(&mut self.checks, other.checks);
        sum(&mut self.recoveries, other.recoveries);
        for (kind, (n, told)) in other.failures {
            self.failures.entry(kind).or_insert((0, told)).0 += n;
        }
    }

    /// Fails with the first failures.
    pub fn assert_all_well(&self) {
        let told = self.failures.iter().take(TOLD).map(|(kind, (n, first))| format!("{n} times {kind}: {first}\n"));
        assert_eq!(self.failed, 0, "{} of {} drills failed:\n{}", self.failed, self.drills, told.collect::<String>());
    }
}

fn sum<K: Ord>(counts: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, n) in more {
        *counts.entry(key).or_default() += n;
    }
}

/// What went wrong in a drill, whatever was chosen for it.
pub fn wrong_with(seen: &Seen) -> Vec<String> {
    let mut wrong = seen.violations.clone();
    if seen.endings.contains(&Ending::Nameless) {
        wrong.push("a run ended without a name, or never".to_owned());
    }
    if let Recovery::Stuck(why) = &seen.recovery {
        wrong.push(format!("people could not put it right: {why}"));
    }
    wrong
}

/// The calls that each story makes when nothing is chosen.
pub fn quiet_calls(story: &Story) -> Vec<CallMade> {
    explore(&story.options(&machine(), Choices::default())).expect("a mode of its own").calls
}

/// Plays `drills` on all cores.
pub fn play_all(drills: &[Drill]) -> Tally {
    on_all_cores(drills, |machine, tally, drill| _ = play(machine, tally, drill))
}

/// Plays one.
pub fn play(machine: &Rc<Machine>, tally: &mut Tally, drill: &Drill) -> Seen {
    let (story, choices) = drill;
    let seen = explore(&story.options(machine, choices.clone())).expect("a mode of its own");
    tally.count(drill, &seen);
    seen
}

/// Does `work` for each of `drills`, on all cores.
pub fn on_all_cores(drills: &[Drill], work: impl Fn(&Rc<Machine>, &mut Tally, &Drill) + Sync) -> Tally {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Tally::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (machine, mut tally) = (machine(), Tally::default());
                while let Some(drill) = drills.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(&machine, &mut tally, drill);
                }
                total.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(tally);
            });
        }
    });
    total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Every single deviation at every call of every story.
pub fn singles() -> Vec<Drill> {
    let mut drills = Vec::new();
    for story in STORIES {
        for (call, made) in quiet_calls(&story).iter().enumerate() {
            for (_, what) in lifeboat_simulator::explore::DEVIATIONS {
                if made.may_meet(what) {
                    drills.push((story, Choices::default().and(call as u32, what)));
                }
            }
        }
    }
    drills
}
