//! What a run's report says, over the journals of runs that ended in every way.

mod common;

use common::{
    ADMITTED, at, by_alarm, call, completed, concluded, ending, entry, made, plan, promotion, refused, rehearsed,
    report, stalled, verdict,
};
use lifeboat_model::ending::Ending;
use lifeboat_model::journal::{Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::Approval;
use lifeboat_model::report::{Approver, LeftBehind, Measured, Outcome, RtoFrom, Standing};
use lifeboat_model::request::{Mode, Trigger};

#[test]
fn a_completed_failover_is_measured_against_its_objectives() {
    let report = report(&completed());
    assert_eq!((report.outcome, report.cause.as_deref()), (Outcome::Completed, None));
    assert_eq!((report.plan_version, &report.trigger), (7, &by_alarm()));
    assert_eq!((report.admitted_at, report.began_at, report.run_s), (Some(ADMITTED), ADMITTED, 191.0));
    let expected = Measured {
        rto_s: Some(310.0),
        rto_from: Some(RtoFrom::Impairment),
        rto: Some(Standing::Met),
        rpo_s: Some(1.5),
        rpo: Some(Standing::Met),
    };
    assert_eq!(report.measured, expected);
    let ui = LeftBehind { step: Step::ScaleCompute, resource: "ui".to_owned(), required: false };
    assert_eq!(report.left_behind, [ui]);
}

#[test]
fn every_call_has_its_effect_and_its_request_id_or_error() {
    let report = report(&completed());
    let calls: Vec<_> = report
        .calls
        .iter()
        .map(|c| (c.at_s, c.resource.as_str(), c.attempt, c.effect, c.request_id.as_deref(), c.error.as_deref()))
        .collect();
    assert_eq!(
        calls,
        [
            (2.0, "orders", 1, Effect::None, None, Some("the service's words")),
            (2.5, "checkout", 1, Effect::Accepted, Some("request-1-of-checkout"), None),
            (5.0, "orders", 2, Effect::Accepted, Some("request-2-of-orders"), None),
            (121.0, "store", 1, Effect::Accepted, Some("request-1-of-store"), None),
        ]
    );
    assert!(report.calls.iter().all(|c| c.took_s == Some(1.0) && c.call.is_some()));
}

#[test]
fn the_order_of_the_journals_lines_does_not_matter() {
    for journal in [completed(), stalled(), refused(), rehearsed()] {
        let (first, mut lines) = (report(&journal), journal.clone());
        for _ in 0..lines.len() {
            lines.rotate_left(1);
            assert_eq!(report(&lines), first);
        }
        assert!(first.timeline.is_sorted_by_key(|l| l.at), "{:?}", first.timeline);
    }
}

#[test]
fn a_refused_run_has_its_reasons_and_measures_nothing() {
    let report = report(&refused());
    let predicted = report.predicted.as_ref().expect("it was assessed");
    assert_eq!((predicted.reasons.len(), predicted.warnings.len()), (1, 1));
    assert_eq!(report.measured, Measured { rto_s: None, rto_from: None, rto: None, rpo_s: None, rpo: None });
    assert!(report.calls.is_empty() && report.left_behind.is_empty());
    assert_eq!(report.cause.as_deref(), Some("Lifeboat.Refused: database orders (lag-unknown)"));
}

#[test]
fn a_stalled_promotion_leaves_its_databases_and_bounds_the_loss() {
    let report = report(&stalled());
    assert_eq!(report.outcome, Outcome::NeedsOperator);
    assert_eq!((report.measured.rto_s, report.measured.rpo_s), (None, Some(1.5)));
    let left: Vec<_> = report.left_behind.iter().map(|l| (l.resource.as_str(), l.required)).collect();
    assert_eq!(left, [("orders", true), ("checkout", true), ("ui", false)]);
}

#[test]
fn a_rehearsal_says_once_what_it_would_call_and_counts_from_its_first_line() {
    let report = report(&rehearsed());
    assert_eq!((report.admitted_at, report.began_at, report.run_s), (None, at(1.0), 3.0));
    let would: Vec<_> = report.would_call.iter().map(|w| w.call.operation.as_str()).collect();
    assert_eq!(would, ["rds:FailoverGlobalCluster"]);
    assert!(report.calls.is_empty());
}

#[test]
fn the_approver_is_the_one_in_the_lock_or_in_the_journal() {
    let said = entry(Step::RequestApproval, "store", 1.5, Note::Approved { by: "Ada".into(), reason: "yes".into() });
    let given = Approval::Given { by: "Ada".into(), reason: "yes".into(), at: at(1.5) };
    let ada = Approver { by: "Ada".into(), reason: "yes".into(), at: at(1.5) };
    let with = |approval, lines: &[Entry]| {
        let conclusion = concluded(9.0, Outcome::Unchanged, Ending { approval, ..ending(None) });
        report(&[lines, &[conclusion]].concat()).approver
    };
    assert_eq!(with(given, &[]), Some(ada.clone()));
    assert_eq!(with(Approval::Awaited, &[said]), Some(ada));
    assert_eq!(with(Approval::Awaited, &[]), None);
}

#[test]
fn a_switchover_loses_nothing_when_it_completes_and_promises_nothing_when_it_does_not() {
    for (outcome, expected) in [(Outcome::Completed, Some(0.0)), (Outcome::NeedsOperator, None)] {
        let mut lines = completed();
        lines.pop();
        let trigger = Trigger::Operator { name: None };
        lines.push(concluded(
            191.0,
            outcome,
            Ending { mode: Mode::Switchover, consent: None, trigger, ..ending(None) },
        ));
        assert_eq!(report(&lines).measured.rpo_s, expected, "{outcome:?}");
    }
}

#[test]
fn without_an_impairment_recovery_counts_from_the_runs_beginning() {
    let mut lines = completed();
    for line in &mut lines {
        if let Note::Assessed { verdict } = &mut line.note {
            verdict.impaired_since = None;
        }
    }
    let measured = report(&lines).measured;
    assert_eq!((measured.rto_s, measured.rto_from), (Some(190.0), Some(RtoFrom::Run)));
}

#[test]
fn the_loss_is_that_of_the_verdict_behind_the_promotion_and_not_of_a_later_one() {
    let mut lines = completed();
    let mut later = verdict(30.0, Vec::new());
    later.predicted_rpo_s = Some(99.0);
    lines.push(entry(Step::Assess, "store", 30.0, Note::Assessed { verdict: later }));
    assert_eq!(report(&lines).measured.rpo_s, Some(1.5));
}

#[test]
fn a_call_whose_fate_nobody_wrote_is_unknown_and_an_outcome_without_intent_is_kept() {
    let [intent, outcome] = made(Step::PromoteDatabase, "orders", 1, 2.0, promotion(), Effect::Accepted);
    let end = || concluded(9.0, Outcome::NeedsOperator, ending(None));
    let lost = report(&[intent, end()]).calls;
    assert_eq!(lost.iter().map(|c| (c.effect, c.took_s)).collect::<Vec<_>>(), [(Effect::Unknown, None)]);
    assert!(lost.iter().all(|c| c.error.is_some()));
    let kept = report(&[outcome, end()]).calls;
    assert_eq!(kept.iter().map(|c| (c.effect, c.call.is_none())).collect::<Vec<_>>(), [(Effect::Accepted, true)]);
}

#[test]
fn a_service_stays_suspended_until_a_resuming_call_is_accepted() {
    let scaling = |n: u32, suspended: &str, effect| {
        let parameters = [("MinCapacity", "4"), ("SuspendedState.DynamicScalingInSuspended", suspended)];
        let call = call("application-autoscaling:RegisterScalableTarget", &parameters);
        made(Step::ScaleCompute, "ui", n, f64::from(n), call, effect)
    };
    for (first, second, is_left) in [
        (Some(("true", Effect::Accepted)), None, true),
        (Some(("true", Effect::Unknown)), None, true),
        (Some(("true", Effect::None)), None, false),
        (Some(("true", Effect::Accepted)), Some(("false", Effect::Accepted)), false),
        (Some(("true", Effect::Accepted)), Some(("false", Effect::Unknown)), true),
        (Some(("true", Effect::Accepted)), Some(("false", Effect::None)), true),
        (Some(("false", Effect::Accepted)), None, false),
        (Some(("false", Effect::Accepted)), Some(("true", Effect::Accepted)), true),
    ] {
        let calls = [first, second].into_iter().flatten().zip(1..);
        let mut lines: Vec<Entry> = calls.flat_map(|((state, effect), n)| scaling(n, state, effect)).collect();
        lines.push(concluded(9.0, Outcome::Completed, ending(None)));
        assert_eq!(report(&lines).still_suspended == ["ui"], is_left, "{first:?} {second:?}");
    }
}

#[test]
fn a_journal_without_a_conclusion_that_tells_the_run_makes_no_report() {
    let mut lines = completed();
    lines.pop();
    assert_eq!(lifeboat_report::of(&plan(), &lines), None);
    lines.push(entry(Step::Conclude, "store", 9.0, Note::Concluded { outcome: Outcome::Unchanged, ending: None }));
    assert_eq!(lifeboat_report::of(&plan(), &lines), None);
}
