//! What a person's answer makes of a run that waits for it.

use crate::common::{NOW, at, by_alarm, consent, held};
use lifeboat_model::decide::{
    Answer, Answered, CONSENT_OF_APPROVAL, Decision, Unanswerable, answer_belongs_in, approve,
};
use lifeboat_model::lock::{Approval, Lock};
use lifeboat_model::request::Mode;
use lifeboat_model::{Period, ReasonCode};
use serde_json::json;

fn waiting(mode: Mode) -> Lock {
    let mut lock = held(mode);
    lock.run.trigger = by_alarm();
    lock.run.approval = Approval::Awaited;
    lock.run.consent = None;
    lock
}

fn answer(decision: Decision, max_data_loss: Option<Period>) -> Answer {
    Answer { decision, by: "the owner".to_owned(), reason: "the store must sell".to_owned(), max_data_loss }
}

fn reason_of(answered: Answered) -> ReasonCode {
    match answered {
        Answered::Stop(reason) => reason.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn s6_an_approval_brings_a_consent_of_its_own_for_this_run_its_bound_and_an_hour() {
    let yes = answer(Decision::Approve, Some(Period::seconds(20)));
    let Answered::Go(lock) = approve(&waiting(Mode::Failover), &yes, NOW) else { panic!("go") };
    let consent = lock.run.consent.clone().expect("a consent");
    assert_eq!(consent.max_data_loss, Period::seconds(20));
    assert_eq!((consent.accepted_by.as_str(), consent.expires), ("the owner", at(3600)));
    assert_eq!((consent.reason.as_str(), CONSENT_OF_APPROVAL), ("the store must sell", Period::seconds(3600)));
    let given = Approval::Given { by: "the owner".to_owned(), reason: "the store must sell".to_owned(), at: NOW };
    assert_eq!(lock.run.approval, given);
    assert_eq!(lock.epoch, waiting(Mode::Failover).epoch);
}

#[test]
fn s6_an_approval_without_a_bound_stands_on_the_plans_consent_while_that_holds() {
    let yes = answer(Decision::Approve, None);
    let mut standing = waiting(Mode::Failover);
    standing.run.consent = Some(consent(at(1)));
    let Answered::Go(lock) = approve(&standing, &yes, NOW) else { panic!("go") };
    assert_eq!(lock.run.consent, Some(consent(at(1))));
    standing.run.consent = Some(consent(NOW));
    assert_eq!(reason_of(approve(&standing, &yes, NOW)), ReasonCode::ConsentMissing);
    assert_eq!(reason_of(approve(&waiting(Mode::Failover), &yes, NOW)), ReasonCode::ConsentMissing);
}

#[test]
fn a_bound_in_the_answer_goes_before_the_plans() {
    let mut standing = waiting(Mode::Failover);
    standing.run.consent = Some(consent(at(3600)));
    let yes = answer(Decision::Approve, Some(Period::seconds(5)));
    let Answered::Go(lock) = approve(&standing, &yes, NOW) else { panic!("go") };
    assert_eq!(lock.run.consent.map(|c| c.max_data_loss), Some(Period::seconds(5)));
}

#[test]
fn a_switchover_needs_no_consent_and_gets_none() {
    for bound in [None, Some(Period::seconds(5))] {
        let mut waiting = waiting(Mode::Switchover);
        waiting.run.consent = Some(consent(at(3600)));
        let Answered::Go(lock) = approve(&waiting, &answer(Decision::Approve, bound), NOW) else { panic!("go") };
        assert_eq!(lock.run.consent, None);
    }
}

#[test]
fn a_denial_ends_the_run_and_says_who_and_why() {
    let no = answer(Decision::Deny, Some(Period::seconds(5)));
    for mode in [Mode::Switchover, Mode::Failover] {
        let mut waiting = waiting(mode);
        waiting.run.consent = Some(consent(at(3600)));
        let Answered::Stop(reason) = approve(&waiting, &no, NOW) else { panic!("stop") };
        assert_eq!(reason.code, ReasonCode::ApprovalDenied);
        assert_eq!(reason.detail, "the owner denied it: the store must sell");
    }
}

#[test]
fn s10_an_answer_that_is_recorded_is_not_recorded_again_whatever_it_says() {
    let mut lock = waiting(Mode::Failover);
    for approval in
        [Approval::NotNeeded, Approval::Given { by: "somebody".to_owned(), reason: "x".to_owned(), at: at(-10) }]
    {
        lock.run.approval = approval;
        for decision in [Decision::Approve, Decision::Deny] {
            assert_eq!(approve(&lock, &answer(decision, None), NOW), Answered::Already);
        }
    }
}

#[test]
fn an_answer_that_cannot_be_read_names_every_field_and_is_no_yes() {
    let cases = [
        (json!("yes"), vec!["answer"]),
        (json!({}), vec!["by", "decision", "reason"]),
        (json!({"decision": "ok", "by": "a", "reason": "b"}), vec!["decision"]),
        (
            json!({"decision": "approve", "by": " ", "reason": "b", "max_data_loss": "lots"}),
            vec!["by", "max_data_loss"],
        ),
        (json!({"decision": "approve", "by": "a", "reason": "b", "force": true}), vec!["force"]),
    ];
    for (input, fields) in cases {
        let mut found: Vec<String> = Answer::read(&input).expect_err("bad").into_iter().map(|p| p.field).collect();
        found.sort();
        assert_eq!(found, fields, "{input}");
    }
}

#[test]
fn an_answer_is_read_as_it_was_given_within_its_bounds() {
    let read = |decision: &str, by: usize, reason: usize| {
        Answer::read(&json!({"decision": decision, "by": "a".repeat(by), "reason": "b".repeat(reason)}))
    };
    for (word, decision) in [("approve", Decision::Approve), ("deny", Decision::Deny)] {
        let expected = Answer { decision, by: "a".repeat(200), reason: "b".repeat(500), max_data_loss: None };
        assert_eq!(read(word, 200, 500), Ok(expected));
    }
    assert!(read("approve", 201, 1).is_err() && read("approve", 1, 501).is_err());
    let bound = json!({"decision": "approve", "by": "a", "reason": "b", "max_data_loss": "20s"});
    assert_eq!(Answer::read(&bound).expect("an answer").max_data_loss, Some(Period::seconds(20)));
}

#[test]
fn s6_an_approval_changes_consent_and_approval_and_nothing_else_of_the_lock() {
    for (mode, inherits_change) in [Mode::Switchover, Mode::Failover].into_iter().flat_map(|m| [(m, false), (m, true)])
    {
        let before = Lock { inherits_change, cool_down_until: Some(at(-9)), ..waiting(mode) };
        let yes = answer(Decision::Approve, Some(Period::seconds(20)));
        let Answered::Go(after) = approve(&before, &yes, NOW) else { panic!("go") };
        let mut expected = before.clone();
        (expected.run.consent, expected.run.approval) = (after.run.consent.clone(), after.run.approval.clone());
        assert_eq!(*after, expected);
        assert_eq!(after.run.consent.is_some(), mode == Mode::Failover);
    }
}

#[test]
fn an_answer_that_is_written_is_read_as_the_same() {
    for decision in [Decision::Approve, Decision::Deny] {
        for bound in [None, Some(Period::ms(1500)), Some(Period::seconds(30))] {
            let mut said = answer(decision, bound);
            said.reason = "\"quoted\", {braced}, \\ and \u{fc}".to_owned();
            assert_eq!(Answer::read(&said.output()), Ok(said));
        }
    }
}

#[test]
fn an_answer_belongs_in_the_region_of_its_run_and_only_until_it_expires() {
    let run = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:alarm-1";
    let region = "us-west-2".parse().expect("a Region");
    assert_eq!(answer_belongs_in(run, at(1), NOW), Ok(region));
    assert_eq!(answer_belongs_in(run, NOW, NOW), Err(Unanswerable::Expired));
    assert_eq!(answer_belongs_in(run, NOW, at(1)), Err(Unanswerable::Expired));
    for other in [
        "alarm-1",
        "arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat-failover",
        "arn:aws:rds:us-west-2:111122223333:execution:lifeboat-failover:alarm-1",
        "arn:aws:states::111122223333:execution:lifeboat-failover:alarm-1",
    ] {
        assert_eq!(answer_belongs_in(other, at(1), NOW), Err(Unanswerable::NoSuchRun), "{other}");
    }
}
