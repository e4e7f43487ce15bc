//! A million drills in which something goes wrong: every single deviation, pairs, interleavings, long random schedules.
//!
//! `make exhaustive` runs it and puts the table of counts that it writes into SAFETY.md. It fails when a drill violates an
//! invariant, ends without a name or cannot be put right afterwards, when a chosen deviation did not happen, and when one
//! kind of deviation, outcome or check never did.

#[path = "../explore/stories.rs"]
mod stories;
#[path = "../explore/tally.rs"]
mod tally;

mod interleavings;
mod pairs;
mod random;
mod table;

use std::time::Instant;

use tally::Tally;

/// Drills are short and many: half of their time would be the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many drills there are to be, at least.
const DRILLS: u64 = 1_000_000;

/// How many of them are long schedules at the least.
const SCHEDULES: u64 = 50_000;

/// A part of the whole.
pub struct Part {
    /// Its name in the table.
    pub name: &'static str,
    /// What it counted.
    pub tally: Tally,
    /// How long it took, in seconds.
    pub seconds: f64,
}

fn main() {
    let scale = scale();
    let mut parts = Vec::new();
    part(&mut parts, "every single deviation at every call", || tally::play_all(&thinned(tally::singles(), scale)));
    part(&mut parts, "pairs at calls that change something", || pairs::of_changes(scale));
    part(&mut parts, "one run beside another, and a process that stands still", || interleavings::play(scale));
    part(&mut parts, "other pairs, drawn", || pairs::drawn(scale));
    let so_far: u64 = parts.iter().map(|part| part.tally.drills).sum();
    let rest = (DRILLS / scale as u64).saturating_sub(so_far).max(SCHEDULES / scale as u64);
    part(&mut parts, "schedules of three to twelve, drawn", || random::play(rest));
    let mut whole = Tally::default();
    parts.iter().for_each(|part| whole.add(part.tally.clone()));
    table::complete(&whole);
    let text = table::of(&parts, &whole);
    println!("{text}");
    if let Some(file) = std::env::var_os("LIFEBOAT_TABLE") {
        std::fs::write(&file, text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }
}

/// Plays a part, and fails when one of its drills does.
fn part(parts: &mut Vec<Part>, name: &'static str, play: impl FnOnce() -> Tally) {
    let started = Instant::now();
    let tally = play();
    let seconds = started.elapsed().as_secs_f64();
    println!("{name}: {} drills in {seconds:.0} s", tally.drills);
    tally.assert_all_well();
    parts.push(Part { name, tally, seconds });
}

/// Of how many drills one is played: 1, unless somebody only wants to try it.
fn scale() -> usize {
    let asked = std::env::var("ONE_OF").ok().map(|text| text.parse().unwrap_or_else(|e| panic!("ONE_OF={text}: {e}")));
    asked.unwrap_or(1)
}

/// One of `scale` of them.
pub fn thinned<T>(all: Vec<T>, scale: usize) -> Vec<T> {
    all.into_iter().step_by(scale).collect()
}
