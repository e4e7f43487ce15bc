//! The steps of a run and where they stand: the same of a drill and of a run in AWS. Pure.

use lifeboat_report::figures::duration;
use lifeboat_report::text;

use super::steps::Step;

/// Where a step stands. Times are seconds from the view's origin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Status {
    Pending,
    Running { since_s: f64 },
    Done { took_s: f64 },
    Failed { problem: String },
}

/// A step or an item of a map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) step: Step,
    pub(crate) item: Option<String>,
    pub(crate) status: Status,
    /// What it does or waits for.
    pub(crate) about: String,
    pub(crate) first_s: Option<f64>,
}

/// The steps in their order, each with the items that are shown of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows(pub(crate) Vec<Row>);

impl Rows {
    /// Puts a row that has not begun at the end.
    pub(crate) fn push(&mut self, step: &Step, item: Option<String>) {
        self.0.push(Row::new(step, item));
    }

    /// The row of `item` in the map called `map`; a new one, at the end of that map, when there is none.
    #[cfg(feature = "aws")]
    pub(crate) fn item(&mut self, map: &str, item: &str) -> Option<&mut Row> {
        let of_map = |row: &Row| row.step.name == map;
        let last = self.0.iter().rposition(of_map)?;
        let known = self.0.iter().position(|row| of_map(row) && row.item.as_deref() == Some(item));
        let at = known.unwrap_or(last + 1);
        if known.is_none() {
            let step = self.0.get(last)?.step.clone();
            self.0.insert(at, Row::new(&step, Some(item.to_owned())));
        }
        self.0.get_mut(at)
    }

    /// Takes note that a state was entered.
    pub(crate) fn enter(&mut self, state: &str, item: Option<&str>, at_s: f64, about: String) {
        if let Some(row) = self.row(state, item) {
            let since_s = *row.first_s.get_or_insert(at_s);
            row.status = Status::Running { since_s };
            row.about = about;
        }
    }

    /// Takes note that a state was left, with the problem that ended it.
    pub(crate) fn leave(&mut self, state: &str, item: Option<&str>, at_s: f64, problem: Option<String>) {
        let failed_item = self.failed_item(state).filter(|_| item.is_none());
        let Some(row) = self.row(state, item) else { return };
        let since_s = row.first_s.unwrap_or(at_s);
        match problem.or(failed_item) {
            Some(problem) => row.status = Status::Failed { problem },
            None if row.item.is_none() || row.step.last.contains(state) => {
                row.status = Status::Done { took_s: at_s - since_s };
            }
            None => {}
        }
    }

    /// What became of a map of which an item failed.
    fn failed_item(&self, map: &str) -> Option<String> {
        let of_map = |row: &&Row| row.step.name == map && row.item.is_some();
        let failed = |row: &Row| matches!(row.status, Status::Failed { .. });
        self.0.iter().filter(of_map).any(failed).then(|| "not all of its items".to_owned())
    }

    /// The row of a state, or of an item within the map that the state is in.
    pub(crate) fn row(&mut self, state: &str, item: Option<&str>) -> Option<&mut Row> {
        self.0.iter_mut().find(|row| match item {
            Some(_) => row.item.as_deref() == item && row.step.inner.contains(state),
            None => row.item.is_none() && row.step.name == state,
        })
    }
}

impl Row {
    fn new(step: &Step, item: Option<String>) -> Self {
        Self { step: step.clone(), item, status: Status::Pending, about: String::new(), first_s: None }
    }

    /// The mark and the line. A detour is empty until it is taken.
    pub(crate) fn line(&self, now_s: f64) -> (&'static str, String) {
        let name = match &self.item {
            Some(item) => format!("{}{}", "  ".repeat(self.step.depth + 1), text::clean(item)),
            None => format!("{}{}", "  ".repeat(self.step.depth), self.step.name),
        };
        let line = |took: String, about: &str| format!("{name:<20}{took:>11}  {about}").trim_end().to_owned();
        match &self.status {
            Status::Pending if self.step.is_detour => (" ", String::new()),
            Status::Pending => ("\u{b7}", name),
            Status::Running { since_s } => {
                ("\u{25b8}", line(duration((now_s - since_s).max(0.0)), &text::clean(&self.about)))
            }
            Status::Done { took_s } => ("\u{2713}", line(duration(*took_s), "")),
            Status::Failed { problem } => ("\u{2717}", line(String::new(), &text::clean(problem))),
        }
    }
}
