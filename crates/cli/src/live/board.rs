//! What the moving view shows at one moment: pure, so that it can be tested without a terminal.

use lifeboat_model::Plan;
use lifeboat_model::report::Report;
use lifeboat_simulator::world::Happening;

use super::Moment;
use super::rows::Rows;
use super::steps::{self, Step};
use crate::{MACHINE, story};
use lifeboat_report::figures::duration;

/// At most so many items of one map are shown.
const ITEMS_MAX: usize = 8;
/// An item that takes less than this is not worth a line.
const ITEM_MIN_S: f64 = 2.0;

/// The steps of the main run.
#[derive(Clone, Debug)]
pub(super) struct Board<'a> {
    report: &'a Report,
    plan: &'a Plan,
    run: Option<String>,
    pub(super) rows: Rows,
}

impl<'a> Board<'a> {
    /// A board on which nothing has happened yet. Its rows are all that will come, so that nothing jumps.
    pub(super) fn new(report: &'a Report, plan: &'a Plan, moments: &[Moment]) -> Self {
        let run = story::main_run(report).map(|r| r.name.clone());
        let mut board = Self { report, plan, run, rows: Rows::default() };
        for step in steps::of(MACHINE) {
            if step.is_detour && !board.is_entered(&step.name, moments) {
                continue;
            }
            board.rows.push(&step, None);
            for item in board.items(&step, moments).into_iter().take(ITEMS_MAX) {
                board.rows.push(&step, Some(item));
            }
        }
        board
    }

    fn is_entered(&self, name: &str, moments: &[Moment]) -> bool {
        moments.iter().any(|m| match &m.happening {
            Happening::Entered { run, state, .. } => Some(run) == self.run.as_ref() && state == name,
            Happening::Left { .. } | Happening::Noted(_) => false,
        })
    }

    /// The items of a map that take their time, by name.
    fn items(&self, step: &Step, moments: &[Moment]) -> Vec<String> {
        let mut spans: Vec<(String, f64, f64)> = Vec::new();
        for moment in moments {
            let (run, state, item) = match &moment.happening {
                Happening::Entered { run, state, item: Some(item), .. }
                | Happening::Left { run, state, item: Some(item), .. } => (run, state, item),
                Happening::Entered { item: None, .. } | Happening::Left { item: None, .. } | Happening::Noted(_) => {
                    continue;
                }
            };
            if Some(run) != self.run.as_ref() || !step.inner.contains(state) {
                continue;
            }
            match spans.iter_mut().find(|(name, ..)| name == item) {
                Some((_, _, until_s)) => *until_s = moment.at_s,
                None => spans.push((item.clone(), moment.at_s, moment.at_s)),
            }
        }
        spans.retain(|(_, from_s, until_s)| until_s - from_s >= ITEM_MIN_S);
        spans.sort_by(|a, b| a.0.cmp(&b.0));
        spans.into_iter().map(|(name, ..)| name).collect()
    }

    /// Takes note of what happened.
    pub(super) fn hear(&mut self, moment: &Moment) {
        match &moment.happening {
            Happening::Entered { run, state, item, .. } if Some(run) == self.run.as_ref() => {
                let about = steps::purpose(state, &self.report.source, &self.report.target, self.plan);
                self.rows.enter(state, item.as_deref(), moment.at_s, about);
            }
            Happening::Left { run, state, item, problem } if Some(run) == self.run.as_ref() => {
                self.rows.leave(state, item.as_deref(), moment.at_s, problem.clone());
            }
            Happening::Entered { .. } | Happening::Left { .. } | Happening::Noted(_) => {}
        }
    }

    /// How the recovery stands against the objective at `now_s`: seconds gone, and what to say.
    pub(super) fn recovery(&self, now_s: f64) -> (f64, String) {
        let objective = duration(self.report.objectives.rto_s);
        let Some(from_s) = story::failing_from_s(self.report).filter(|from| *from <= now_s) else {
            return (0.0, format!("RTO objective {objective}"));
        };
        let gone_s = now_s - from_s;
        match self.report.rto_s.filter(|rto| *rto <= gone_s) {
            Some(rto_s) => (rto_s, format!("{} of {objective}: all served again", duration(rto_s))),
            None => (gone_s, format!("{} of {objective}", duration(gone_s.round()))),
        }
    }

    /// What clients got in the second before `now_s`.
    pub(super) fn clients(&self, now_s: f64) -> String {
        let second = (now_s.max(0.0) as usize).min(self.report.availability.len().saturating_sub(1));
        self.report.availability.get(second).map_or(String::new(), |a| {
            let all = a.ok + a.failed;
            format!("{} of {all} requests a second served", a.ok)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drill_command;

    fn played(arguments: &[&str]) -> (Report, Plan, Vec<Moment>) {
        drill_command::tests::played(arguments)
    }

    fn at_end(arguments: &[&str]) -> Vec<(&'static str, String)> {
        let (report, plan, moments) = played(arguments);
        let mut board = Board::new(&report, &plan, &moments);
        moments.iter().for_each(|m| board.hear(m));
        board.rows.0.iter().map(|r| r.line(1e6)).collect()
    }

    #[test]
    fn every_step_and_database_of_a_completed_run_is_done() {
        let lines = at_end(&[]);
        assert!(lines.iter().all(|(mark, _)| *mark == "\u{2713}"), "{lines:?}");
        for name in ["Admit", "  catalog", "  orders", "Conclude"] {
            assert!(lines.iter().any(|(_, line)| line.contains(name)), "{name}: {lines:?}");
        }
    }

    #[test]
    fn a_stalled_promotion_is_marked_and_what_was_not_reached_stays_pending() {
        let lines = at_end(&["--scenario", "promotion-stalls"]);
        let at = |name: &str| lines.iter().position(|(_, l)| l.trim_start().starts_with(name)).expect("a row");
        let mark = |name: &str| lines.get(at(name)).map(|(mark, _)| *mark);
        // There is a service of that name as well.
        let promoted = lines.iter().skip(at("PromoteDatabases"));
        let orders = promoted.clone().find(|(_, l)| l.trim_start().starts_with("orders")).map(|(mark, _)| *mark);
        assert_eq!(orders, Some("\u{2717}"), "{lines:?}");
        assert_eq!(mark("PromoteDatabases"), Some("\u{2717}"), "{lines:?}");
        assert_eq!(mark("ShiftTraffic"), Some("\u{b7}"), "{lines:?}");
        assert_eq!(mark("ConcludeFailure"), Some("\u{2713}"), "{lines:?}");
    }

    #[test]
    fn the_clock_of_the_recovery_stops_when_all_are_served_again() {
        let (report, plan, moments) = played(&[]);
        let board = Board::new(&report, &plan, &moments);
        let rto_s = report.rto_s.expect("recovered");
        assert_eq!(board.recovery(1e6).0, rto_s);
        assert_eq!(board.recovery(0.0).0, 0.0);
    }
}
