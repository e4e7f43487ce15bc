//! What is known of a run that is followed: pure, fed with what AWS said.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::journal::{Entry, Note, newest_verdict};
use lifeboat_model::plan::Name;
use lifeboat_model::request::Purpose;
use lifeboat_model::{Direction, Plan, Request, Timestamp};
use lifeboat_ports::{CallError, Execution, Happened, RunEvent};
use serde_json::Value;

use super::{Ended, Line, What};
use crate::MACHINE;
use crate::live::rows::{Rows, Status};
use crate::live::steps;

/// A run that is followed.
#[derive(Clone, Debug)]
pub struct Follow {
    run: ExecutionArn,
    pub(super) plan: Option<Plan>,
    request: Option<Request>,
    started_at: Option<Timestamp>,
    pub(super) rows: Rows,
    /// Which state an event belongs to, by its number.
    owner: BTreeMap<i64, String>,
    /// The events that were failures, by their numbers.
    failures: BTreeMap<i64, String>,
    /// The newest failure that says why: that of a map or of parallel branches says only that there was one.
    why: Option<String>,
    /// States that look again and again: to leave one of them says nothing.
    looping: BTreeSet<String>,
    pub(super) entries: BTreeMap<String, Entry>,
    /// Since when nobody answers, and why.
    silent: Option<(Timestamp, String)>,
    ended: Option<(Timestamp, Ended)>,
}

impl Follow {
    /// A run of which nothing is known yet.
    pub fn new(run: ExecutionArn) -> Self {
        let mut rows = Rows::default();
        for step in steps::of(MACHINE) {
            rows.push(&step, None);
        }
        Self {
            run,
            plan: None,
            request: None,
            started_at: None,
            rows,
            owner: BTreeMap::new(),
            failures: BTreeMap::new(),
            why: None,
            looping: looping(&serde_json::from_str(MACHINE).unwrap_or(Value::Null)),
            entries: BTreeMap::new(),
            silent: None,
            ended: None,
        }
    }

    /// The run.
    pub const fn run(&self) -> &ExecutionArn {
        &self.run
    }

    /// The plan, where it could be read.
    pub const fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// The plan's name, where the run's request could be read.
    pub fn plan_name(&self) -> Option<Name> {
        self.request.as_ref().map(|request| request.plan.clone())
    }

    /// What was asked for.
    pub const fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// From where to where.
    pub fn direction(&self) -> Option<Direction> {
        self.plan.as_ref()?.direction_to(&self.request.as_ref()?.target)
    }

    /// When it was started.
    pub const fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// How it ended.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref().map(|(_, ended)| ended)
    }

    /// When it ended.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended.as_ref().map(|(at, _)| *at)
    }

    /// Since when nobody answers, and why.
    pub fn silence(&self) -> Option<(Timestamp, &str)> {
        self.silent.as_ref().map(|(since, why)| (*since, why.as_str()))
    }

    /// Since when clients are, or may be, without service, and until when they were; nothing of a rehearsal.
    pub fn recovery(&self) -> Option<(Timestamp, Option<Timestamp>)> {
        let request = self.request.as_ref()?;
        if request.purpose == Purpose::Rehearse {
            return None;
        }
        let entries: Vec<Entry> = self.entries.values().cloned().collect();
        let from = newest_verdict(&entries).and_then(|v| v.impaired_since).or(self.started_at)?;
        let until = entries.iter().find(|e| e.note == Note::TrafficVerified).map(|e| e.at);
        Some((from, until))
    }

    /// Whether it waits for a person's answer.
    pub fn waits_for_a_person(&self) -> bool {
        let waits = |row: &crate::live::rows::Row| {
            row.step.name == "RequestApproval" && matches!(row.status, Status::Running { .. })
        };
        self.ended.is_none() && self.rows.0.iter().any(waits)
    }

    /// Takes the plan.
    pub fn know(&mut self, plan: Plan) {
        self.plan = Some(plan);
    }

    /// Takes what the execution says of itself.
    pub fn see(&mut self, execution: &Execution) {
        self.started_at = Some(execution.started_at);
        if self.request.is_none() {
            let input = execution.input.as_deref().and_then(|text| serde_json::from_str(text).ok());
            self.request = input.and_then(|input: Value| Request::read(&input).ok());
        }
    }

    /// Takes that somebody answers again.
    pub fn answered(&mut self) -> Vec<Line> {
        let Some((at, _)) = self.silent.take() else { return Vec::new() };
        vec![Line { at, what: What::Answered }]
    }

    /// Takes that nobody answers since `since`. Told when it begins; the view counts on.
    pub fn silent(&mut self, since: Timestamp, error: &CallError) -> Vec<Line> {
        let is_new = self.silent.is_none();
        self.silent = Some((since, error.to_string()));
        let what = What::Silent { for_s: 0.0, error: error.to_string() };
        if is_new { vec![Line { at: since, what }] } else { Vec::new() }
    }

    /// Takes that the execution ended, if it did.
    pub fn end(&mut self, execution: &Execution) -> Vec<Line> {
        let Some(ended) = Ended::of(execution) else { return Vec::new() };
        let at = execution.stopped_at.unwrap_or(execution.started_at);
        for row in &mut self.rows.0 {
            if matches!(row.status, Status::Running { .. }) {
                row.status = Status::Failed { problem: "broken off".to_owned() };
            }
        }
        self.ended = Some((at, ended.clone()));
        vec![Line { at, what: What::Ended { ended } }]
    }

    /// Takes what happened, and answers what of it is worth telling.
    pub fn hear(&mut self, events: &[RunEvent]) -> Vec<Line> {
        events.iter().filter_map(|event| self.hear_one(event).map(|what| Line { at: event.at, what })).collect()
    }

    fn hear_one(&mut self, event: &RunEvent) -> Option<What> {
        let at_s = self.since_start(event.at);
        let before = self.owner.get(&event.previous).cloned();
        let owner = match &event.what {
            Happened::Entered { state } | Happened::Exited { state } => Some(state.clone()),
            Happened::Failed { .. } | Happened::Aborted | Happened::Called | Happened::Other(_) => before,
        };
        let state = owner?;
        self.owner.insert(event.id, state.clone());
        match &event.what {
            Happened::Entered { .. } => {
                let is_first = self.rows.row(&state, None)?.first_s.is_none();
                let about = self.purpose(&state);
                self.rows.enter(&state, None, at_s, about.clone());
                is_first.then_some(What::Entered { state, about })
            }
            // A state whose error was caught is left too: what came before says which.
            Happened::Exited { .. } => match self.failures.get(&event.previous).cloned() {
                Some(problem) => {
                    self.fail(&state, &problem, at_s);
                    None
                }
                None => {
                    self.rows.leave(&state, None, at_s, None);
                    self.settle_items(&state, at_s);
                    let took_s = at_s - self.rows.row(&state, None)?.first_s.unwrap_or(at_s);
                    (!self.looping.contains(&state)).then_some(What::Left { state, took_s })
                }
            },
            Happened::Failed { error, cause } if cause.is_empty() => {
                let problem = self.why.clone().unwrap_or_else(|| error.clone());
                self.failures.insert(event.id, problem.clone());
                // Of a map within a branch that fails with it, nothing else is told.
                let within =
                    self.rows.0.iter().find(|row| row.step.inner.contains(&state)).map(|r| r.step.name.clone());
                if let Some(map) = within {
                    self.fail(&map, &problem, at_s);
                }
                None
            }
            Happened::Failed { error, cause } => {
                let problem = format!("{error}: {cause}");
                self.failures.insert(event.id, problem.clone());
                self.why = Some(problem);
                Some(What::Failed { state, error: error.clone(), cause: cause.clone() })
            }
            Happened::Aborted | Happened::Called | Happened::Other(_) => None,
        }
    }

    /// A state failed, and what was under way within it is broken off.
    fn fail(&mut self, state: &str, problem: &str, at_s: f64) {
        self.rows.leave(state, None, at_s, Some(problem.to_owned()));
        self.settle_items(state, at_s);
        let depth = self.rows.row(state, None).map(|row| row.step.depth);
        let after = self.rows.0.iter().position(|row| row.item.is_none() && row.step.name == state);
        let (Some(depth), Some(after)) = (depth, after) else { return };
        for row in self.rows.0.iter_mut().skip(after + 1).take_while(|row| row.item.is_some() || row.step.depth > depth)
        {
            if matches!(row.status, Status::Running { .. }) {
                row.status = Status::Failed { problem: "broken off".to_owned() };
            }
        }
    }

    /// What of a map's items is not yet known to be done, once the map is.
    fn settle_items(&mut self, map: &str, at_s: f64) {
        let Some(of_map) = self.rows.row(map, None).map(|row| row.status.clone()) else { return };
        for row in self.rows.0.iter_mut().filter(|row| row.step.name == map && row.item.is_some()) {
            let Status::Running { since_s } = row.status else { continue };
            row.status = match of_map {
                Status::Done { .. } => Status::Done { took_s: at_s - since_s },
                Status::Failed { .. } => Status::Failed { problem: format!("not finished; {}", row.about) },
                Status::Pending | Status::Running { .. } => continue,
            };
        }
    }

    fn purpose(&self, state: &str) -> String {
        match (&self.plan, self.direction()) {
            (Some(plan), Some(way)) => steps::purpose(state, way.source.as_str(), way.target.as_str(), plan),
            (Some(_) | None, _) => String::new(),
        }
    }

    /// Seconds since the run was started.
    pub fn since_start(&self, at: Timestamp) -> f64 {
        at.seconds_since(self.started_at.unwrap_or(at))
    }
}

/// The tasks that are followed by a choice, which may send them back.
fn looping(machine: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, state) in machine["States"].as_object().into_iter().flatten() {
        let next = state["Next"].as_str().and_then(|next| machine["States"].get(next));
        if state["Type"] == "Task" && next.is_some_and(|next| next["Type"] == "Choice") {
            found.insert(name.clone());
        }
        for branch in state["Branches"].as_array().into_iter().flatten().chain(state.get("ItemProcessor")) {
            found.extend(looping(branch));
        }
    }
    found
}
