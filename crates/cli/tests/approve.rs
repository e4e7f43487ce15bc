//! `lifeboat approve` and `lifeboat deny`, with a table and a state machine that only pretend.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use lifeboat_cli::answer::{Question, Said, outlook};
use lifeboat_cli::exit::{Exit, Failure};
use lifeboat_model::decide::{Answer, Decision};
use lifeboat_model::plan::Name;
use lifeboat_model::{Period, Region, Timestamp};
use lifeboat_ports::{Approvals, AskedApproval, CallError, Delivery, Fault};
use serde_json::{Value, json};

const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:alarm-1";
const TOKEN: &str = "much-secret";
const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

/// What the table and Step Functions say, and what they were told.
struct Pretended {
    asked: Result<Option<AskedApproval>, CallError>,
    taken: Result<Delivery, CallError>,
    answers: RefCell<Vec<(Region, String, Value)>>,
}

#[async_trait(?Send)]
impl Approvals for Pretended {
    async fn asked(&self, _: &Name) -> Result<Option<AskedApproval>, CallError> {
        self.asked.clone()
    }

    async fn answer(&self, region: &Region, token: &str, output: &Value) -> Result<Delivery, CallError> {
        self.answers.borrow_mut().push((region.clone(), token.to_owned(), output.clone()));
        self.taken.clone()
    }
}

fn asked() -> AskedApproval {
    let expires_at = NOW.plus(Period::seconds(600));
    AskedApproval { run_id: RUN.to_owned(), token: TOKEN.to_owned(), asked_at: NOW, expires_at }
}

fn world(asked: Option<AskedApproval>) -> Pretended {
    Pretended { asked: Ok(asked), taken: Ok(Delivery::Taken), answers: RefCell::default() }
}

fn failing(fault: Fault) -> CallError {
    CallError::new("states:SendTaskSuccess", "us-west-2", fault)
}

/// What `work` comes to: nothing here waits.
fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn yes() -> Said {
    Said {
        decision: Decision::Approve,
        by: Some("the owner".to_owned()),
        reason: "the store must sell".to_owned(),
        max_data_loss: Some(Period::seconds(30)),
    }
}

fn no() -> Said {
    Said { decision: Decision::Deny, max_data_loss: None, ..yes() }
}

fn answered(world: &Pretended, said: Said) -> Result<(String, Answer, Value), Failure> {
    let answer = said.into_answer()?;
    let plan = "retail-store".parse().expect("a name");
    now(async {
        let question = Question::about(&plan, world, NOW).await?;
        question.answer(&answer, world).await?;
        let told = question.as_json(&answer);
        Ok((question.in_lines(), answer, told))
    })
}

fn refused(world: &Pretended, said: Said) -> (String, Exit) {
    let failure = answered(world, said).expect_err("a failure");
    let told = failure.to_string();
    assert!(!format!("{told} {failure:?}").contains(TOKEN), "{failure:?}");
    (told, failure.exit())
}

#[test]
fn a_yes_reaches_the_region_of_the_run_with_its_bound() {
    let world = world(Some(asked()));
    let (lines, answer, told) = answered(&world, yes()).expect("answered");
    let output =
        json!({"decision": "approve", "by": "the owner", "reason": "the store must sell", "max_data_loss": "30s"});
    let region: Region = "us-west-2".parse().expect("a Region");
    assert_eq!(*world.answers.borrow(), [(region, TOKEN.to_owned(), output.clone())]);
    for shown in ["retail-store", RUN, "2027-01-15T08:00:00.000Z", "2027-01-15T08:10:00.000Z"] {
        assert!(lines.contains(shown), "{lines}");
    }
    assert!(outlook(&answer).contains("30s"));
    assert_eq!((&told["run"], &told["answer"]), (&json!(RUN), &output));
    assert!(!format!("{lines}{told}").contains(TOKEN));
}

#[test]
fn a_no_needs_no_bound_and_a_yes_without_one_says_whose_consent_counts() {
    let world = world(Some(asked()));
    let (_, answer, _) = answered(&world, no()).expect("answered");
    assert_eq!(outlook(&answer), "denied: the run ends and changes nothing\n");
    let sent = world.answers.borrow()[0].2.clone();
    assert_eq!(sent, json!({"decision": "deny", "by": "the owner", "reason": "the store must sell"}));
    let (_, answer, _) = answered(&world, Said { max_data_loss: None, ..yes() }).expect("answered");
    assert!(outlook(&answer).contains("the plan's consent"));
}

#[test]
fn what_is_malformed_names_its_option_and_is_never_sent() {
    let cases = [
        ("--by", Said { by: None, ..yes() }),
        ("--by", Said { by: Some("x".repeat(201)), ..yes() }),
        ("--reason", Said { reason: " ".to_owned(), ..yes() }),
        ("--reason", Said { reason: "two\nlines".to_owned(), ..yes() }),
        ("--reason", Said { reason: "x".repeat(501), ..yes() }),
    ];
    for (option, said) in cases {
        let world = world(Some(asked()));
        let (told, exit) = refused(&world, said);
        assert!(told.contains(option), "{told}");
        assert_eq!(exit, Exit::BadInput);
        assert!(world.answers.borrow().is_empty());
    }
}

#[test]
fn a_question_that_was_never_asked_has_expired_or_is_of_no_run_is_refused_before_anything_is_sent() {
    let cases = [
        ("no run of plan retail-store waits", None),
        ("expired at 2027-01-15T08:00:00.000Z", Some(AskedApproval { expires_at: NOW, ..asked() })),
        ("no execution", Some(AskedApproval { run_id: "alarm-1".to_owned(), ..asked() })),
    ];
    for (why, question) in cases {
        let world = world(question);
        let (told, exit) = refused(&world, yes());
        assert!(told.contains(why) && told.ends_with("nothing was changed"), "{told}");
        assert_eq!(exit, Exit::NotAsExpected);
        assert!(world.answers.borrow().is_empty());
    }
}

#[test]
fn a_question_that_is_no_longer_open_says_so_and_names_the_run() {
    let world = Pretended { taken: Ok(Delivery::NotOpen), ..world(Some(asked())) };
    let (told, exit) = refused(&world, no());
    assert!(told.contains("no longer open") && told.contains(RUN), "{told}");
    assert_eq!(exit, Exit::NotAsExpected);
}

#[test]
fn s10_a_lost_reply_is_an_unknown_fate_and_a_refusal_is_not() {
    for fault in [Fault::TimedOut, Fault::Internal] {
        let world = Pretended { taken: Err(failing(fault)), ..world(Some(asked())) };
        let (told, exit) = refused(&world, yes());
        assert!(told.contains("look again at the run") && told.contains(RUN), "{told}");
        assert_eq!(exit, Exit::Unknown);
        assert_eq!(world.answers.borrow().len(), 1, "sent once");
    }
    for fault in [Fault::Denied, Fault::Throttled, Fault::Unreachable, Fault::Invalid] {
        let world = Pretended { taken: Err(failing(fault)), ..world(Some(asked())) };
        let (told, exit) = refused(&world, yes());
        assert!(told.ends_with("nothing was answered"), "{told}");
        assert_eq!(exit, Exit::NotDone);
    }
}

#[test]
fn a_table_that_does_not_answer_is_no_unknown_fate() {
    for fault in [Fault::TimedOut, Fault::Internal, Fault::Denied] {
        let world = Pretended { asked: Err(failing(fault)), ..world(None) };
        assert_eq!(refused(&world, yes()).1, Exit::NotDone);
        assert!(world.answers.borrow().is_empty());
    }
}

#[test]
fn what_stands_in_the_table_does_not_steer_the_terminal() {
    let hostile = AskedApproval { run_id: format!("{RUN}\u{1b}[2J\nplan     another"), ..asked() };
    let pretended = world(Some(hostile));
    let plan = "retail-store".parse().expect("a name");
    let refused = now(Question::about(&plan, &pretended, NOW)).expect_err("no execution has such a name").to_string();
    assert!(refused.contains("\\u{1b}[2J") && !refused.chars().any(char::is_control), "{refused}");
}
