//! The counts, as SAFETY.md shows them.

use std::collections::BTreeSet;
use std::fmt::Write;

use lifeboat_model::report::Outcome;
use lifeboat_simulator::explore::{DEVIATIONS, Ending};
use lifeboat_simulator::invariants::STATEMENTS;

use crate::Part;
use crate::tally::Tally;

/// Fails when something that has to be seen was never seen.
pub fn complete(whole: &Tally) {
    for (name, _) in DEVIATIONS {
        assert!(whole.happened.contains_key(name), "{name} never happened");
    }
    for outcome in [Outcome::Completed, Outcome::Unchanged, Outcome::NeedsOperator, Outcome::Rehearsed] {
        assert!(whole.endings.contains_key(&Ending::With(outcome)), "{} was never reached", outcome.as_str());
    }
    let checked: BTreeSet<&str> = whole.checks.keys().copied().collect();
    for (id, _) in STATEMENTS {
        assert!(checked.contains(id), "{id} was never checked");
    }
}

/// The table, in Markdown.
pub fn of(parts: &[Part], whole: &Tally) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").expect("a text takes words");
    line("| | drills | runs | calls |".to_owned());
    line("|---|---:|---:|---:|".to_owned());
    let row = |name: &str, t: &Tally| format!("| {name} | {} | {} | {} |", n(t.drills), n(t.runs), n(t.calls));
    for part in parts {
        line(row(part.name, &part.tally));
    }
    line(row("**all**", whole));
    line(String::new());
    line(format!("Drills that failed: {}.", n(whole.failed)));
    line(String::new());
    let endings = whole.endings.iter().map(|(ending, count)| format!("{} {}", ending.as_str(), n(*count)));
    line(format!("How the runs ended: {}.", endings.collect::<Vec<_>>().join(", ")));
    line(String::new());
    let recoveries = whole.recoveries.iter().map(|(what, count)| format!("{what} {}", n(*count)));
    line(format!(
        "What it took afterwards until one Region had everything: {}.",
        recoveries.collect::<Vec<_>>().join(", ")
    ));
    line(String::new());
    let happened = whole.happened.iter().map(|(name, count)| format!("{name} {}", n(*count)));
    line(format!("What went wrong, and how often: {}.", happened.collect::<Vec<_>>().join(", ")));
    line(String::new());
    let checks = STATEMENTS.iter().map(|(id, _)| format!("{id} {}", n(whole.checks.get(id).copied().unwrap_or(0))));
    line(format!("How often each invariant was checked: {}.", checks.collect::<Vec<_>>().join(", ")));
    text
}

/// A number with its thousands apart.
fn n(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join(",")
}
