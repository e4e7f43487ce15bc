//! The SSM document that answers a run: what its script makes of a question.

use lifeboat_model::Period;
use lifeboat_model::decide::{Answer, Decision};
use serde_json::{Value, json};

use crate::document_stage::{Document, TOKEN, assert_patterns, made};

const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:alarm-1";

fn document() -> Document {
    Document::named("Approve")
}

fn question() -> Value {
    json!({
        "run_id": {"S": RUN}, "token": {"S": TOKEN},
        "asked_at": {"N": "1800000000000"}, "expires_at": {"N": "99000000000000"},
    })
}

fn performed(values: &[(&str, &str)], item: &Value, fails: &str) -> Value {
    let items = if item.is_null() { json!({}) } else { json!({"plan#retail-store approval": item}) };
    document().performed(values, &items, fails)
}

const YES: [(&str, &str); 5] = [
    ("Plan", "retail-store"),
    ("Decision", "approve"),
    ("By", "the \"owner\""),
    ("Reason", "it's {{ down }}, \\ and \"quoted\", \u{fc}"),
    ("MaxDataLoss", "30s"),
];

#[test]
fn the_decisions_that_the_document_offers_are_those_that_a_run_takes() {
    let decisions = document().words("parameters/Decision/allowedValues");
    assert_eq!(decisions, [Decision::Approve, Decision::Deny].map(|d| d.as_str().to_owned()));
}

#[test]
fn the_answer_of_the_document_is_read_as_what_was_said_and_is_sent_once_to_its_own_region() {
    let said = performed(&YES, &question(), "");
    assert_eq!(said["returned"]["run"], RUN, "{said}");
    let [read, sent] = said["calls"].as_array().expect("calls").as_slice() else { panic!("{said}") };
    let key = json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "approval"}});
    assert_eq!((&read["Key"], &read["TableName"], &read["ConsistentRead"]), (&key, &json!("lifeboat"), &json!(true)));
    assert_eq!(
        (&sent["region"], &sent["attempts"], &sent["taskToken"]),
        (&json!("us-west-2"), &json!(1), &json!(TOKEN))
    );
    let output: Value = serde_json::from_str(sent["output"].as_str().expect("a text")).expect("JSON");
    let expected = Answer {
        decision: Decision::Approve,
        by: YES[2].1.to_owned(),
        reason: YES[3].1.to_owned(),
        max_data_loss: Some(Period::seconds(30)),
    };
    assert_eq!(Answer::read(&output), Ok(expected.clone()));
    assert_eq!(output, expected.output());

    let no = [YES[0], ("Decision", "deny"), YES[2], ("Reason", "not\ttoday\n"), ("MaxDataLoss", "")];
    let said = performed(&no, &question(), "");
    let output: Value = serde_json::from_str(said["calls"][1]["output"].as_str().expect("a text")).expect("JSON");
    let denied = Answer::read(&output).expect("an answer");
    assert_eq!((denied.decision, denied.reason.as_str(), denied.max_data_loss), (Decision::Deny, "not today", None));
}

#[test]
fn the_role_of_the_document_holds_exactly_the_calls_that_its_script_makes() {
    assert_eq!(document().granted(), made(&performed(&YES, &question(), "")));
}

#[test]
fn the_document_refuses_what_no_answer_can_change_before_it_sends_anything() {
    let mut expired = question();
    expired["expires_at"] = json!({"N": "1000"});
    let mut elsewhere = question();
    elsewhere["run_id"] = json!({"S": RUN.replace("us-west-2", "us-east-1")});
    let blank = [YES[0], YES[1], YES[2], ("Reason", "  "), YES[4]];
    let cases = [
        ("waits for approval", &YES, Value::Null),
        ("has expired", &YES, expired),
        ("another Region", &YES, elsewhere),
        ("must say something", &blank, question()),
    ];
    for (why, values, item) in cases {
        let said = performed(values, &item, "");
        let raised = said["raised"].as_str().unwrap_or_default();
        assert!(raised.contains(why) && raised.ends_with("nothing was changed"), "{said}");
        assert_eq!(said["calls"].as_array().map(Vec::len), Some(1), "{said}");
    }
}

#[test]
fn the_document_tells_a_question_that_is_closed_from_a_refusal_and_both_from_an_unknown_fate() {
    let cases = [
        ("TaskTimedOut", "it was answered, its time is over"),
        ("TaskDoesNotExist", "it was answered, its time is over"),
        ("InvalidToken", "it was answered, its time is over"),
        ("AccessDeniedException", "did not take the answer: AccessDeniedException"),
        ("ReadTimeoutError", "nobody knows whether"),
    ];
    for (fails, why) in cases {
        let said = performed(&YES, &question(), fails);
        let raised = said["raised"].as_str().unwrap_or_default();
        assert!(raised.contains(why) && raised.contains(RUN), "{said}");
    }
}

#[test]
fn what_the_parameters_let_through_is_an_answer() {
    let bound = document().pattern("MaxDataLoss");
    let bounds = ["1ms", "99999999ms", "99999s", "9999m", "1h", "99h"];
    for value in bounds {
        let output = json!({"decision": "approve", "by": "me", "reason": "x", "max_data_loss": value});
        assert!(Answer::read(&output).is_ok(), "{value}");
    }
    let all = |values: &[&str]| values.iter().map(|v| ((*v).to_owned(), bound.clone())).collect::<Vec<_>>();
    assert_patterns(&[all(&bounds), all(&[""])].concat(), &all(&["0s", "30", "30 s", "169h", "30s;"]));
}
