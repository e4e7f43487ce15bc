//! Reads a run's report out of its journal.

use lifeboat_model::decide::left_behind;
use lifeboat_model::ending::Ending;
use lifeboat_model::journal::{Effect, Entry, Note, may_have_changed_something, newest, newest_verdict};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::Approval;
use lifeboat_model::plan::Requirement;
use lifeboat_model::report::{
    Approver, CallMade, LeftBehind, Measured, Objectives, Outcome, Predicted, RtoFrom, RunReport, Standing,
};
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Plan, Timestamp};

use crate::{calls, timeline};

/// The report of the concluded run whose journal is `entries`, in any order. `plan` is the one that it went by. `None`
/// when the journal has no conclusion, or one that does not say what the run was.
pub fn of(plan: &Plan, entries: &[Entry]) -> Option<RunReport> {
    let entries = timeline::in_order(entries);
    let entries = entries.as_slice();
    let (concluded, outcome, ending) = conclusion(entries)?;
    let began_at = ending.admitted_at.or(entries.first().map(|e| e.at)).unwrap_or(concluded.at);
    let calls = calls::made(entries, began_at);
    let objectives = Objectives { rto_s: plan.objectives.rto.as_seconds(), rpo_s: plan.objectives.rpo.as_seconds() };
    Some(RunReport {
        version: 1,
        outcome,
        what_next: outcome.what_next().to_owned(),
        cause: ending.cause.clone(),
        plan: plan.name.clone(),
        plan_version: ending.plan_version,
        run_id: concluded.run_id.clone(),
        source: ending.direction.source.clone(),
        target: ending.direction.target.clone(),
        mode: ending.mode,
        purpose: ending.purpose,
        trigger: ending.trigger.clone(),
        approver: approver(&ending.approval, entries),
        stopped: ending.stopped.clone(),
        consent: ending.consent.clone(),
        admitted_at: ending.admitted_at,
        began_at,
        ended_at: concluded.at,
        run_s: concluded.at.seconds_since(began_at),
        objectives,
        predicted: newest_verdict(entries).map(predicted),
        measured: measured(outcome, ending.mode, entries, &calls, began_at, objectives),
        timeline: timeline::lines(entries, ending.admitted_at, began_at),
        still_suspended: calls::still_suspended(&calls),
        would_call: calls::would_call(entries),
        left_behind: not_seen_to(plan, outcome, entries),
        calls,
    })
}

/// The first conclusion that says what the run was: a later one only repeats it.
fn conclusion(entries: &[Entry]) -> Option<(&Entry, Outcome, &Ending)> {
    entries.iter().find_map(|entry| {
        let (outcome, ending) = entry.note.conclusion()?;
        Some((entry, outcome, ending?))
    })
}

/// From the lock as it was; or from the journal, where the yes stands before the lock has it.
fn approver(approval: &Approval, entries: &[Entry]) -> Option<Approver> {
    match approval {
        Approval::Given { by, reason, at } => Some(Approver { by: by.clone(), reason: reason.clone(), at: *at }),
        Approval::NotNeeded | Approval::Awaited => entries.iter().find_map(|entry| {
            let (by, reason) = entry.note.approval()?;
            Some(Approver { by: by.to_owned(), reason: reason.to_owned(), at: entry.at })
        }),
    }
}

fn predicted(verdict: &Verdict) -> Predicted {
    Predicted {
        at: verdict.assessed_at,
        rpo_s: verdict.predicted_rpo_s,
        rto_s: verdict.predicted_rto_s,
        impaired_since: verdict.impaired_since,
        reasons: verdict.reasons.clone(),
        warnings: verdict.warnings.clone(),
    }
}

fn measured(
    outcome: Outcome,
    mode: Mode,
    entries: &[Entry],
    calls: &[CallMade],
    began_at: Timestamp,
    objectives: Objectives,
) -> Measured {
    let served_at = entries.iter().find(|e| e.note == Note::TrafficVerified).map(|e| e.at);
    let impaired_since = newest_verdict(entries).and_then(|v| v.impaired_since);
    let (from, rto_from) = match impaired_since {
        Some(since) => (since, RtoFrom::Impairment),
        None => (began_at, RtoFrom::Run),
    };
    let rto_s = served_at.map(|at| at.seconds_since(from));
    let rpo_s = loss_bound(outcome, mode, entries, calls);
    Measured {
        rto_s,
        rto_from: rto_s.map(|_| rto_from),
        rto: rto_s.map(|rto_s| Standing::of(rto_s, objectives.rto_s)),
        rpo_s,
        rpo: rpo_s.map(|rpo_s| Standing::of(rpo_s, objectives.rpo_s)),
    }
}

fn loss_bound(outcome: Outcome, mode: Mode, entries: &[Entry], calls: &[CallMade]) -> Option<f64> {
    let promotions = calls.iter().filter(|c| c.step == Step::PromoteDatabase && c.effect != Effect::None);
    let first = promotions.map(|c| c.at).min()?;
    match (mode, outcome) {
        (Mode::Switchover, Outcome::Completed) => Some(0.0),
        (Mode::Switchover, Outcome::Unchanged | Outcome::NeedsOperator | Outcome::Rehearsed) => None,
        (Mode::Failover, _) => {
            let before: Vec<Entry> = entries.iter().filter(|e| e.at <= first).cloned().collect();
            newest_verdict(&before).and_then(|v| v.predicted_rpo_s)
        }
    }
}

/// What nobody saw as the run needs it: of a completed run the best effort that failed, of one that stopped half-way also
/// what is required, and the databases whose writers no fresh read showed in the target after the last promotion.
fn not_seen_to(plan: &Plan, outcome: Outcome, entries: &[Entry]) -> Vec<LeftBehind> {
    let beside = |requirement, required| {
        let left = left_behind(plan, requirement, entries).into_iter();
        left.map(move |(step, name)| LeftBehind { step, resource: name.to_string(), required })
    };
    match outcome {
        Outcome::Completed => beside(Requirement::BestEffort, false).collect(),
        Outcome::NeedsOperator => databases(plan, entries)
            .into_iter()
            .chain(beside(Requirement::Required, true))
            .chain(beside(Requirement::BestEffort, false))
            .collect(),
        Outcome::Unchanged | Outcome::Rehearsed => Vec::new(),
    }
}

fn databases(plan: &Plan, entries: &[Entry]) -> Vec<LeftBehind> {
    let promotions: Vec<Entry> = entries.iter().filter(|e| e.step == Step::PromoteDatabase).cloned().collect();
    let promoted = newest(&promotions, |n| matches!(n, Note::Intent { .. }));
    let verified = newest(entries, |n| *n == Note::WritersVerified);
    if !may_have_changed_something(&promotions) || promoted < verified {
        return Vec::new();
    }
    let names = plan.databases.iter().map(|d| d.name.to_string());
    names.map(|resource| LeftBehind { step: Step::PromoteDatabase, resource, required: true }).collect()
}
