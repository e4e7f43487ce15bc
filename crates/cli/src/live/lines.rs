//! Progress where nobody can watch it move: a line for each notable happening.

use std::io::{self, Write};

use lifeboat_model::report::{Event, Lane, Report};
use lifeboat_report::text;
use lifeboat_simulator::world::Happening;

use super::Moment;
use crate::story;
use lifeboat_report::figures::{clock_tenths, duration};

/// Writes the lines. Progress that cannot be written is not worth failing for.
pub(crate) fn show(report: &Report, moments: &[Moment]) {
    let mut err = io::stderr().lock();
    let _ = lines(report, moments).iter().try_for_each(|line| writeln!(err, "{line}"));
}

/// Time since the incident, lane, text.
fn lines(report: &Report, moments: &[Moment]) -> Vec<String> {
    let origin = story::incident_s(report);
    let notable = moments.iter().filter_map(|m| match &m.happening {
        Happening::Noted(event) if is_notable(event) => Some((m.at_s, event)),
        Happening::Noted(_) | Happening::Entered { .. } | Happening::Left { .. } => None,
    });
    notable.map(|(at_s, event)| line(at_s - origin, event)).collect()
}

/// A map's item that took less is not worth a line.
const ITEM_MIN_S: f64 = 2.0;

/// The waits between two looks, and the short items of maps, are the machine's plumbing.
pub(super) fn is_notable(event: &Event) -> bool {
    let is_item = !event.text.contains(": ") && event.text.contains(' ');
    let is_short = event.until_s.is_some_and(|until| until - event.at_s < ITEM_MIN_S);
    event.lane != Lane::Run || !(event.text.starts_with("WaitFor") || is_item && is_short)
}

/// One line.
pub(super) fn line(at_s: f64, event: &Event) -> String {
    let took = event.until_s.map_or(String::new(), |until| format!(" (took {})", duration(until - event.at_s)));
    format!("{:>10}  {:<9}  {}{took}", clock_tenths(at_s), story::lane_name(event.lane), text::clean(&event.text))
}
