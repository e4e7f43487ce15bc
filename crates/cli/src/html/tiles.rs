//! The key figures, each against what the plan asks for.

use lifeboat_model::report::Report;
use lifeboat_report::html::{self, Look, Tile};
use maud::Markup;

use crate::story::{self, Verdict};
use lifeboat_report::figures::{duration, percent, thousands};

pub(super) fn tiles(report: &Report) -> Markup {
    let tiles =
        [recovery(report), data_loss(report), requests(report), writes(report), overhead(report), safety(report)];
    html::tiles(&tiles)
}

const fn look(verdict: Verdict) -> Look {
    match verdict {
        Verdict::Met => Look::Good,
        Verdict::Missed | Verdict::NotYet => Look::Bad,
        Verdict::NotAtStake => Look::Plain,
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
        look: look(verdict),
        gauge_percent: report.rto_s.map(|rto_s| rto_s * 100.0 / objective_s),
    }
}

fn data_loss(report: &Report) -> Tile {
    let (objective_s, verdict) = (report.objectives.rpo_s, story::rpo_verdict(report));
    Tile {
        name: "Data loss (RPO)",
        value: duration(report.rpo_s),
        about: against(objective_s, verdict),
        look: look(verdict),
        gauge_percent: Some(report.rpo_s * 100.0 / objective_s),
    }
}

fn requests(report: &Report) -> Tile {
    let (failed, total) = (report.requests_failed, report.requests_total);
    Tile {
        name: "Requests failed",
        value: thousands(failed),
        about: format!("of {}, {}", thousands(total), percent(failed, total)),
        look: Look::Plain,
        gauge_percent: None,
    }
}

fn writes(report: &Report) -> Tile {
    let conflicting = report.writes_conflicting;
    Tile {
        name: "Writes lost",
        value: thousands(report.writes_lost),
        about: format!("of {} acknowledged; {conflicting} conflicting", thousands(report.writes_acknowledged)),
        look: if conflicting > 0 { Look::Bad } else { Look::Plain },
        gauge_percent: None,
    }
}

fn overhead(report: &Report) -> Tile {
    Tile {
        name: "Own overhead",
        value: duration(report.overhead_s),
        about: format!("of a run of {}; the rest is AWS's own time", duration(report.run_s)),
        look: Look::Plain,
        gauge_percent: None,
    }
}

fn safety(report: &Report) -> Tile {
    let (checks, violations) = story::checks(report);
    Tile {
        name: "Invariants violated",
        value: thousands(violations),
        about: format!("in {} checks of {}", thousands(checks), report.invariants.len()),
        look: if violations == 0 { Look::Good } else { Look::Bad },
        gauge_percent: None,
    }
}
