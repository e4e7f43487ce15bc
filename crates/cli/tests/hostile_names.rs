//! Whatever resources are called, it is text in the page, in the picture and in the terminal.

use lifeboat_cli::summary::{self, Style};
use lifeboat_cli::{MACHINE, html, picture, plan_file};
use lifeboat_model::report::{DamagedWrite, Event, Lane, Report};
use lifeboat_simulator::machine::Machine;
use lifeboat_simulator::{DrillOptions, Scenario, drill};

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{1b}[2J";

/// A report in which every text that could come from outside is hostile.
fn report() -> Report {
    let plan = plan_file::load(None).expect("the example");
    let scenario = Scenario::PromotionStalls;
    let options = DrillOptions::of(scenario, plan, Machine::read(MACHINE).expect("the shipped machine").into(), 1);
    let mut report = drill(&options, |_, _| {}).expect("a drill");
    let hostile = || HOSTILE.to_owned();
    let texts = [&mut report.scenario, &mut report.plan, &mut report.source, &mut report.target, &mut report.expected];
    for text in texts {
        *text = hostile();
    }
    report.mode = hostile();
    report.began_at = hostile();
    report.passed = false;
    report.complaints.push(hostile());
    for (lane, until_s) in [(Lane::World, None), (Lane::Databases, Some(700.0)), (Lane::Run, Some(650.0))] {
        report.timeline.push(Event { at_s: 500.0, until_s, lane, text: hostile() });
    }
    for event in &mut report.timeline {
        event.text.push_str(HOSTILE);
    }
    let run = report.run_report.as_mut().expect("the main run was concluded");
    run.run_id = hostile();
    run.cause = Some(hostile());
    run.still_suspended = vec![hostile()];
    for call in &mut run.calls {
        call.resource = hostile();
        call.request_id = Some(hostile());
        call.error = Some(hostile());
        if let Some(call) = &mut call.call {
            call.operation = hostile();
            call.parameters.insert(hostile(), hostile());
        }
    }
    for left in &mut run.left_behind {
        left.resource = hostile();
    }
    for run in &mut report.runs {
        run.name = hostile();
        run.region = hostile();
        run.started_by = hostile();
        run.error = Some(hostile());
        run.cause = Some(format!("{HOSTILE} -- {HOSTILE}"));
    }
    let damage = DamagedWrite { id: 1, database: hostile(), region: hostile(), at_s: 400.0, damage: hostile() };
    report.damaged_writes.push(damage);
    for result in report.invariants.values_mut() {
        result.violations = 1;
        result.first_violation = Some(hostile());
    }
    report
}

fn is_harmless(markup: &str) {
    let lower = markup.to_lowercase();
    for bad in ["<script", "<img", "javascript:", "src="] {
        let outside = lower.match_indices(bad).find(|(n, _)| {
            // `src=x` is there as text; as an attribute it would follow an unescaped `<img`.
            bad != "src=" || !lower.get(..*n).is_some_and(|before| before.ends_with("&lt;img "))
        });
        assert_eq!(outside, None, "{bad}");
    }
    assert!(lower.contains("&lt;script&gt;alert(1)"), "the names are there, escaped");
}

#[test]
fn hostile_names_are_text_in_the_page_and_in_the_picture() {
    let report = report();
    is_harmless(&html::page(&report));
    is_harmless(&picture::standalone(&report));
}

#[test]
fn the_page_asks_for_nothing_from_elsewhere() {
    let page = html::page(&report());
    assert!(page.contains("default-src 'none'"), "a policy forbids it");
    for bad in ["http://", "https://", "url(", "@import", "<link", "<iframe"] {
        let found = page.replace("http://www.w3.org/2000/svg", "").contains(bad);
        assert!(!found, "{bad}");
    }
}

#[test]
fn hostile_names_do_not_steer_the_terminal() {
    let text = summary::of(&report(), &[], Style::Plain);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
