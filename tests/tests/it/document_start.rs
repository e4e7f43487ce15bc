//! The SSM documents that start a run: what they ask the state machine for, and what they refuse.

use lifeboat_model::Request;
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Purpose, Trigger};
use serde_json::{Value, json};

use crate::common::region;
use crate::document_stage::{AUTOMATION, Document, STATE_MACHINE, assert_patterns, made};
use crate::requests::execution_with;

const STARTERS: [&str; 3] = ["Failover", "Switchover", "Rehearse"];
const BY: &str = "the \"owner\"\t";
const REASON: &str = "it's {{ down }}, \\ and \"quoted\", \u{fc}";

type Filled = Vec<(&'static str, &'static str)>;

fn filled() -> Filled {
    vec![("Plan", "retail-store"), ("Target", "us-west-2"), ("By", BY), ("Reason", REASON), ("MaxDataLoss", "45s")]
}

fn with(name: &'static str, value: &'static str) -> Filled {
    filled().into_iter().filter(|(n, _)| *n != name).chain([(name, value)]).collect()
}

/// The input of the execution that the document called `name` starts.
fn input(name: &'static str, values: &Filled) -> Value {
    let said = Document::named(name).performed(values, &json!({}), "");
    let [call] = said["calls"].as_array().expect("calls").as_slice() else { panic!("{said}") };
    serde_json::from_str(call["input"].as_str().unwrap_or_else(|| panic!("{said}"))).expect("JSON")
}

#[test]
fn the_documents_that_start_a_run_have_one_script() {
    let scripts = STARTERS.map(|name| Document::named(name).of_step("inputs/Script"));
    assert!(scripts.iter().all(|s| *s == scripts[0]));
}

#[test]
fn what_a_document_starts_is_a_request_that_says_what_the_person_said_whatever_quotes_are_in_it() {
    for (name, mode, purpose, asked) in [
        ("Failover", Mode::Failover, Purpose::Act, Some("45s")),
        ("Switchover", Mode::Switchover, Purpose::Act, None),
        ("Rehearse", Mode::Failover, Purpose::Rehearse, None),
    ] {
        let input = input(name, &filled());
        let request = Request::read(&input).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        assert_eq!((request.plan.as_str(), &request.target), ("retail-store", &region("us-west-2")));
        assert_eq!((request.mode, request.purpose), (mode, purpose), "{name}");
        assert_eq!(request.trigger, Trigger::Operator { name: Some(BY.trim().to_owned()) });
        assert_eq!(input["comment"], REASON);
        let consent = request.consent.map(|c| (c.max_data_loss.to_string(), c.accepted_by, c.reason));
        assert_eq!(consent, asked.map(|loss| (loss.to_owned(), BY.trim().to_owned(), REASON.to_owned())), "{name}");
    }
    let rehearsed = Request::read(&input("Rehearse", &with("Of", "switchover"))).expect("a request");
    assert_eq!((rehearsed.mode, rehearsed.purpose), (Mode::Switchover, Purpose::Rehearse));
}

#[test]
fn what_a_document_starts_in_a_calm_world_ends_as_the_same_request_by_hand_does() {
    let cases = [
        ("Failover", Outcome::Unchanged, "source-healthy"),
        ("Switchover", Outcome::Completed, ""),
        ("Rehearse", Outcome::Rehearsed, ""),
    ];
    for (name, expected, why) in cases {
        let (_, outcome, cause) = execution_with(input(name, &filled()));
        assert_eq!(outcome, Some(expected), "{name}: {cause}");
        assert!(cause.contains(why), "{name}: {cause}");
    }
}

#[test]
fn a_document_starts_one_execution_of_its_own_machine_and_says_where_run_and_report_are() {
    let execution = format!("by-document-{AUTOMATION}");
    assert!(execution.len() <= 80);
    let run = format!("{}:{execution}", STATE_MACHINE.replace(":stateMachine:", ":execution:"));
    for name in STARTERS {
        let said = Document::named(name).performed(&filled(), &json!({}), "");
        let call = &said["calls"][0];
        assert_eq!((&call["stateMachineArn"], &call["name"]), (&json!(STATE_MACHINE), &json!(execution)));
        // Twice does no harm: name and input are the same.
        assert_eq!((&call["region"], &call["attempts"]), (&json!("us-west-2"), &json!(2)));
        assert_eq!(said["returned"]["run"], json!(run));
        let link = |word: &str| said["returned"][word].as_str().unwrap_or_default().to_owned();
        let console = "https://us-west-2.console.aws.amazon.com";
        assert_eq!(link("console"), format!("{console}/states/home?region=us-west-2#/v2/executions/details/{run}"));
        let key = format!("runs/retail-store/{execution}/report.html");
        assert_eq!(link("report"), format!("{console}/s3/object/the-reports?region=us-west-2&prefix={key}"));
        assert_eq!(Document::named(name).granted(), made(&said), "its role holds this call and no other");
    }
}

#[test]
fn a_document_run_outside_of_the_target_or_without_a_name_and_a_reason_refuses_before_it_calls_anything() {
    let cases = [
        (with("Target", "us-east-1"), "this is us-west-2 and the target is us-east-1: run the document there"),
        (with("By", " \t"), "By and Reason must say something"),
        (with("Reason", "  "), "By and Reason must say something"),
    ];
    for name in STARTERS {
        for (values, why) in &cases {
            let said = Document::named(name).performed(values, &json!({}), "");
            let raised = said["raised"].as_str().unwrap_or_default();
            assert!(raised.contains(why) && raised.ends_with("nothing was started"), "{said}");
            assert_eq!(said["calls"], json!([]));
        }
    }
}

#[test]
fn a_document_tells_a_run_that_was_not_started_from_one_of_which_nobody_knows() {
    let cases = [
        ("ExecutionAlreadyExists", "was started and has ended: look at it"),
        ("AccessDeniedException", "no run was started: AccessDeniedException: the service's words"),
        ("ReadTimeoutError", "nobody knows whether execution by-document-"),
    ];
    for name in STARTERS {
        for (fails, why) in cases {
            let said = Document::named(name).performed(&filled(), &json!({}), fails);
            assert!(said["raised"].as_str().is_some_and(|r| r.contains(why)), "{said}");
        }
    }
}

#[test]
fn what_the_parameters_let_through_is_a_request_and_what_they_do_not_is_none() {
    let long = |n: usize| "x".repeat(n);
    for name in STARTERS {
        let document = Document::named(name);
        let all = |parameter: &str, values: &[String]| {
            values.iter().map(|v| (v.clone(), document.pattern(parameter))).collect::<Vec<_>>()
        };
        let texts = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let mut fit = [
            all("Plan", &[texts(&["a", "retail-store"]), vec![long(48)]].concat()),
            all("Target", &texts(&["us-west-2", "ap-southeast-4", "us-gov-west-1"])),
            all("By", &[texts(&["me", "\"x\" <x@example.com>"]), vec![long(200)]].concat()),
            all("Reason", &[texts(&[REASON]), vec![long(500)]].concat()),
        ]
        .concat();
        let mut unfit = [
            all("Plan", &[texts(&["", "A", "1a", "plan#x", "a b"]), vec![long(49)]].concat()),
            all("Target", &texts(&["", "west", "us-west", "us-west-2a", "US-WEST-2"])),
            all("By", &[texts(&["", "a\nb"]), vec![long(201)]].concat()),
            all("Reason", &[texts(&["", "a\nb"]), vec![long(501)]].concat()),
        ]
        .concat();
        if name == "Failover" {
            let bounds = texts(&["1ms", "30s", "99999s", "9999m", "99h"]);
            for bound in &bounds {
                let request = json!({"plan": "a", "target": "us-west-2", "mode": "failover", "consent": {
                    "max_data_loss": bound, "accepted_by": "me", "reason": "x", "expires": "2027-01-01T00:00:00Z"}});
                assert!(Request::read(&request).is_ok(), "{bound}");
            }
            fit.extend(all("MaxDataLoss", &bounds));
            unfit.extend(all("MaxDataLoss", &texts(&["", "0s", "30", "30 s", "HOW MUCH", "-1s", "169h"])));
        }
        assert_patterns(&fit, &unfit);
    }
}
