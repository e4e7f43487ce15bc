//! The key figures, each against what the plan asks for.

use lifeboat_model::report::Report;
use maud::{Markup, html};

use crate::figures::{duration, percent, thousands};
use crate::story::{self, Verdict};

/// One figure.
struct Tile {
    name: &'static str,
    value: String,
    about: String,
    verdict: Option<Verdict>,
    /// The share of the objective that was used up, in percent.
    gauge: Option<f64>,
}

pub(super) fn tiles(report: &Report) -> Markup {
    let tiles =
        [recovery(report), data_loss(report), requests(report), writes(report), overhead(report), safety(report)];
    html! {
        section.tiles aria-label="Key figures" {
            @for tile in &tiles { (draw(tile)) }
        }
    }
}

fn draw(tile: &Tile) -> Markup {
    let class = match tile.verdict {
        Some(Verdict::Met) => "tile good",
        Some(Verdict::Missed | Verdict::NotYet) => "tile bad",
        Some(Verdict::NotAtStake) | None => "tile",
    };
    html! {
        div class=(class) {
            p.tile-name { (tile.name) }
            p.tile-value { (tile.value) }
            @if let Some(gauge) = tile.gauge {
                div.gauge { div style=(format!("width:{:.1}%", gauge.clamp(0.0, 100.0))) {} }
            }
            p.tile-about { (tile.about) }
        }
    }
}

fn against(objective_s: f64, verdict: Verdict) -> String {
    format!("objective {}: {}", duration(objective_s), verdict.as_str())
}

fn recovery(report: &Report) -> Tile {
    let (objective_s, verdict) = (report.objectives.rto_s, story::rto_verdict(report));
    Tile {
        name: "Recovery (RTO)",
        value: story::rto_text(report),
        about: against(objective_s, verdict),
        verdict: Some(verdict),
        gauge: report.rto_s.map(|rto_s| rto_s * 100.0 / objective_s),
    }
}

fn data_loss(report: &Report) -> Tile {
    let (objective_s, verdict) = (report.objectives.rpo_s, story::rpo_verdict(report));
    Tile {
        name: "Data loss (RPO)",
        value: duration(report.rpo_s),
        about: against(objective_s, verdict),
        verdict: Some(verdict),
        gauge: Some(report.rpo_s * 100.0 / objective_s),
    }
}

fn requests(report: &Report) -> Tile {
    let (failed, total) = (report.requests_failed, report.requests_total);
    Tile {
        name: "Requests failed",
        value: thousands(failed),
        about: format!("of {}, {}", thousands(total), percent(failed, total)),
        verdict: None,
        gauge: None,
    }
}

fn writes(report: &Report) -> Tile {
    let conflicting = report.writes_conflicting;
    Tile {
        name: "Writes lost",
        value: thousands(report.writes_lost),
        about: format!("of {} acknowledged; {conflicting} conflicting", thousands(report.writes_acknowledged)),
        verdict: (conflicting > 0).then_some(Verdict::Missed),
        gauge: None,
    }
}

fn overhead(report: &Report) -> Tile {
    Tile {
        name: "Own overhead",
        value: duration(report.overhead_s),
        about: format!("of a run of {}; the rest is AWS's own time", duration(report.run_s)),
        verdict: None,
        gauge: None,
    }
}

fn safety(report: &Report) -> Tile {
    let (checks, violations) = story::checks(report);
    Tile {
        name: "Invariants violated",
        value: thousands(violations),
        about: format!("in {} checks of {}", thousands(checks), report.invariants.len()),
        verdict: Some(if violations == 0 { Verdict::Met } else { Verdict::Missed }),
        gauge: None,
    }
}
