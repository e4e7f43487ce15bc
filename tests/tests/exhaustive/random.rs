//! Long schedules by chance. One that fails is made smaller, and kept in `tests/regressions`, to be played first next time.

use std::cell::RefCell;

use lifeboat_simulator::explore::{Choices, DEVIATIONS, explore};
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::stories::{STORIES, Story, machine, root};
use crate::tally::{Tally, wrong_with};

/// How many calls a run makes at the most that a schedule reaches into.
const CALLS: u32 = 260;

/// Plays `drills` schedules, on all cores.
pub fn play(drills: u64) -> Tally {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let each = u32::try_from(drills.div_ceil(threads as u64)).unwrap_or(u32::MAX);
    let mut whole = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|worker| scope.spawn(move || play_some(worker, each))).collect();
        for worker in workers {
            match worker.join() {
                Ok(tally) => whole.add(tally),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    whole
}

fn play_some(worker: usize, cases: u32) -> Tally {
    let file: &'static str =
        Box::leak(root().join("tests/regressions/schedules.txt").display().to_string().into_boxed_str());
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(file))),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let seed = [worker as u8 + 1; 32];
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let choice = (0..CALLS, 0..DEVIATIONS.len());
    let schedule = (0..STORIES.len(), any::<u16>(), proptest::collection::vec(choice, 3..=12));
    let schedule = schedule.prop_map(|(story, seed, choices)| {
        let story = Story { seed: u64::from(seed), ..STORIES[story] };
        let add = |all: Choices, (call, what): (u32, usize)| all.and(call, DEVIATIONS[what].1);
        (story, choices.into_iter().fold(Choices::default(), add))
    });
    let (machine, tally) = (machine(), RefCell::new(Tally::default()));
    let played = runner.run(&schedule, |(story, choices)| {
        let seen = explore(&story.options(&machine, choices.clone())).expect("a mode of its own");
        // What a schedule chose for calls that were not made did not happen, and is not counted.
        tally.borrow_mut().note(&choices, &seen);
        let wrong = wrong_with(&seen);
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(TestCaseError::fail(format!("{}\n    {}", wrong.join("; "), story.command(&choices)))),
        }
    });
    if let Err(failed) = played {
        panic!("{failed}");
    }
    tally.into_inner()
}
