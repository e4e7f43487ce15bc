//! The timeline's events as shapes: repeated looks of one step become one bar, long texts become labels.

use lifeboat_model::report::{Event, Lane, Report};
use lifeboat_report::picture::place::{Item, Tone};
use lifeboat_report::picture::scale::Scale;

/// The lanes, from top to bottom.
pub(super) const LANES: [(Lane, &str); 7] = [
    (Lane::World, "World"),
    (Lane::Detection, "Detection"),
    (Lane::Run, "Run"),
    (Lane::Capacity, "Capacity"),
    (Lane::Databases, "Data"),
    (Lane::Traffic, "Traffic"),
    (Lane::Operator, "Operator"),
];

/// A label is no longer.
const LABEL_MAX: usize = 44;
/// The shortest bar of a map's item, in pixels.
const SEEN_PX: f64 = 4.0;
/// Looks of one step that are no further apart are one bar.
const PAUSE_MAX_S: f64 = 12.0;

/// What happened in `lane`, as shapes.
pub(super) fn items(report: &Report, lane: Lane, scale: &Scale) -> Vec<Item> {
    let events: Vec<Event> = report.timeline.iter().filter(|e| e.lane == lane).cloned().collect();
    let events = if lane == Lane::Run { joined(&events) } else { events };
    // What is too short to be seen of the items of a map would only push the rest down.
    let is_seen =
        |e: &&Event| !is_map_item(e) || e.until_s.is_none_or(|until| scale.x(until) - scale.x(e.at_s) >= SEEN_PX);
    let shape = |event: &Event| Item {
        from: scale.x(event.at_s),
        until: scale.x(event.until_s.unwrap_or(event.at_s)),
        is_moment: event.until_s.is_none(),
        label: label(report, &event.text),
        full: event.text.clone(),
        tone: tone(event),
    };
    events.iter().filter(is_seen).map(shape).collect()
}

/// One bar for a step that was called again and again, without the waits in between.
fn joined(events: &[Event]) -> Vec<Event> {
    let mut bars: Vec<(Event, u32)> = Vec::new();
    for event in events {
        let Some(until) = event.until_s else {
            bars.push((event.clone(), 1));
            continue;
        };
        let plumbing = event.text.starts_with("WaitFor") || until - event.at_s < 0.02;
        if plumbing {
            continue;
        }
        let same = |(bar, _): &&mut (Event, u32)| {
            head(&bar.text) == head(&event.text)
                && bar.until_s.is_some_and(|end| (0.0..=PAUSE_MAX_S).contains(&(event.at_s - end)))
        };
        match bars.iter_mut().rev().find(same) {
            Some((bar, count)) => {
                bar.until_s = Some(until);
                bar.text.clone_from(&event.text);
                *count += 1;
            }
            None => bars.push((event.clone(), 1)),
        }
    }
    let named = |(mut event, count): (Event, u32)| {
        if count > 1 {
            let head_len = head(&event.text).len();
            event.text.insert_str(head_len, &format!(" \u{d7}{count}"));
        }
        event
    };
    bars.into_iter().map(named).collect()
}

/// The state and its item, without the error it was left with.
fn head(text: &str) -> &str {
    text.split_once(": ").map_or(text, |(head, _)| head)
}

/// A state within a map, named with its item: `PromoteDatabase orders`.
fn is_map_item(event: &Event) -> bool {
    let item = head(&event.text).split(' ').nth(1);
    event.lane == Lane::Run && event.until_s.is_some() && item.is_some_and(|item| !item.starts_with('\u{d7}'))
}

/// A text short enough to stand beside its shape.
fn label(report: &Report, text: &str) -> String {
    let mut label = text.to_owned();
    for run in &report.runs {
        let short = if report.runs.len() == 1 { "run".to_owned() } else { format!("run {}", run.name) };
        label = label.replace(&format!("execution {}", run.name), &short);
    }
    if label.chars().count() <= LABEL_MAX {
        return label;
    }
    let kept: String = label.chars().take(LABEL_MAX).collect();
    let end = [": ", " (", "; "].iter().filter_map(|mark| kept.rfind(mark)).max().filter(|end| *end > 12);
    match end {
        Some(end) => kept.chars().take(kept.get(..end).map_or(0, |s| s.chars().count())).collect(),
        None => kept.trim_end().to_owned() + "\u{2026}",
    }
}

fn tone(event: &Event) -> Tone {
    let text = &event.text;
    match event.lane {
        Lane::World if text.contains("comes back") => Tone::Good,
        Lane::World => Tone::Bad,
        Lane::Detection if text.ends_with(": ALARM") => Tone::Warn,
        Lane::Detection => Tone::Calm,
        Lane::Run if text.contains(": Lifeboat.") || text.contains(" fails") || text.contains(": States.") => Tone::Bad,
        Lane::Run if text.ends_with(" succeeds") => Tone::Good,
        Lane::Run => Tone::Calm,
        Lane::Databases if text.contains("does not end") => Tone::Bad,
        Lane::Capacity | Lane::Databases | Lane::Traffic => Tone::Good,
        Lane::Operator => Tone::Warn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(at_s: f64, until_s: f64, text: &str) -> Event {
        Event { at_s, until_s: Some(until_s), lane: Lane::Run, text: text.to_owned() }
    }

    #[test]
    fn the_looks_of_one_step_are_one_bar_and_an_error_stays_on_it() {
        let bars = joined(&[
            bar(0.0, 45.0, "PromoteDatabase orders"),
            bar(0.0, 45.0, "PromoteDatabase catalog"),
            bar(45.0, 46.0, "WaitForPromotion orders"),
            bar(46.0, 90.0, "PromoteDatabase orders: Lifeboat.Refused"),
            bar(200.0, 210.0, "PromoteDatabase orders"),
        ]);
        let bars: Vec<(&str, f64, Option<f64>)> = bars.iter().map(|b| (b.text.as_str(), b.at_s, b.until_s)).collect();
        assert_eq!(
            bars,
            [
                ("PromoteDatabase orders \u{d7}2: Lifeboat.Refused", 0.0, Some(90.0)),
                ("PromoteDatabase catalog", 0.0, Some(45.0)),
                ("PromoteDatabase orders", 200.0, Some(210.0)),
            ]
        );
    }
}
