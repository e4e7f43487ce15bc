//! The SSM document of the template: its form, and its script, run by Python with an AWS that only pretends.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use lifeboat_model::Period;
use lifeboat_model::decide::{Answer, Decision};
use saphyr::Yaml;
use serde_json::{Value, json};

use crate::common::{at, template};

const CONTENT: &str = "Resources/ApproveDocument/Properties/Content";
const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:alarm-1";
const TOKEN: &str = "much-secret";

/// Runs the script of standard input with modules in place of boto3's, and prints what it returned, raised and called.
const STAGE: &str = r#"
import json, re, sys, types
given = json.load(sys.stdin)
calls, printed = [], []

class ClientError(Exception):
    def __init__(self, code):
        super().__init__("quoting " + given["token"])
        self.response = {"Error": {"Code": code}}

class Client:
    def __init__(self, service, region_name, config=None):
        self.at = {"service": service, "region": region_name}
        self.once = bool(config and config.retries == {"total_max_attempts": 1})
    def get_item(self, **call):
        calls.append({**self.at, "call": "GetItem", **call})
        return {"Item": given["item"]} if given["item"] else {}
    def send_task_success(self, **call):
        calls.append({**self.at, "call": "SendTaskSuccess", "once": self.once, **call})
        if given["fails"] == "ReadTimeoutError":
            raise type("ReadTimeoutError", (Exception,), {})(given["token"])
        if given["fails"]:
            raise ClientError(given["fails"])

class Config:
    def __init__(self, **settings):
        self.__dict__.update(settings)

def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made

module("boto3", client=Client)
module("botocore")
module("botocore.config", Config=Config)
module("botocore.exceptions", ClientError=ClientError)
for value, pattern in given["patterns"]:
    assert re.search(pattern, value), (value, pattern)
for value, pattern in given["not_patterns"]:
    assert not re.search(pattern, value), (value, pattern)
scope = {}
exec(given["script"], scope)
try:
    said = {"returned": scope[given["handler"]](given["events"], {})}
except Exception as error:
    said = {"raised": str(error)}
print(json.dumps({**said, "calls": calls}))
"#;

fn python(given: &Value) -> Value {
    let mut child = Command::new("python3")
        .args(["-c", STAGE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3, which `make test` needs, runs the script of the document");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(given.to_string().as_bytes()).expect("Python listens");
    drop(input);
    let output = child.wait_with_output().expect("Python ends");
    assert!(output.status.success(), "the script could not be run");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn word(path: &str) -> String {
    let template = template();
    at(&template, path).and_then(Yaml::as_str).unwrap_or_else(|| panic!("{path} is no text")).to_owned()
}

fn words(path: &str) -> Vec<String> {
    let template = template();
    let list = at(&template, path).and_then(Yaml::as_vec).unwrap_or_else(|| panic!("{path} is no list"));
    list.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect()
}

fn keys(path: &str) -> Vec<String> {
    let template = template();
    let map = at(&template, path).and_then(Yaml::as_mapping).unwrap_or_else(|| panic!("{path} is no mapping"));
    map.keys().filter_map(|k| k.as_str().map(str::to_owned)).collect()
}

fn main_step() -> Yaml<'static> {
    let template = template();
    let steps = at(&template, &format!("{CONTENT}/mainSteps")).and_then(Yaml::as_vec).expect("steps");
    assert_eq!(steps.len(), 1);
    steps[0].clone()
}

fn of_step(path: &str) -> String {
    let step = main_step();
    at(&step, path).and_then(Yaml::as_str).unwrap_or_else(|| panic!("{path} is no text")).to_owned()
}

/// What the script is given when a person fills the parameters in with `values`, in us-west-2.
fn events(values: &[(&str, &str)]) -> Value {
    let step = main_step();
    let payload = at(&step, "inputs/InputPayload").and_then(Yaml::as_mapping).expect("a payload");
    let events = payload.iter().map(|(name, value)| {
        let name = name.as_str().expect("a name").to_owned();
        let parameter = value.as_str().and_then(|v| v.strip_prefix("{{ ")?.strip_suffix(" }}"));
        let filled = match (parameter, name.as_str()) {
            (Some(parameter), _) => values.iter().find(|(p, _)| *p == parameter).map_or("", |(_, v)| *v),
            (None, "region" | "table_region") => "us-west-2",
            (None, "table") => "lifeboat",
            (None, other) => panic!("{other} comes from nowhere"),
        };
        (name, json!(filled))
    });
    Value::Object(events.collect())
}

fn question() -> Value {
    json!({
        "run_id": {"S": RUN}, "token": {"S": TOKEN},
        "asked_at": {"N": "1800000000000"}, "expires_at": {"N": "99000000000000"},
    })
}

fn performed(values: &[(&str, &str)], item: &Value, fails: &str) -> Value {
    let script = of_step("inputs/Script");
    let said = python(&json!({
        "script": script, "handler": of_step("inputs/Handler"), "events": events(values), "item": item, "fails": fails,
        "token": TOKEN, "patterns": [], "not_patterns": [],
    }));
    for shown in ["returned", "raised"] {
        assert!(!said[shown].to_string().contains(TOKEN), "the history of an automation would show the token: {said}");
    }
    said
}

const YES: [(&str, &str); 5] = [
    ("Plan", "retail-store"),
    ("Decision", "approve"),
    ("By", "the \"owner\""),
    ("Reason", "it's {{ down }}, \\ and \"quoted\", \u{fc}"),
    ("MaxDataLoss", "30s"),
];

#[test]
fn the_document_is_an_automation_whose_parameters_say_what_they_are_for() {
    assert_eq!(word("Resources/ApproveDocument/Properties/DocumentType"), "Automation");
    assert_eq!(word(&format!("{CONTENT}/schemaVersion")), "0.3");
    assert_eq!(word(&format!("{CONTENT}/assumeRole")), "{{ AutomationAssumeRole }}");
    let parameters = keys(&format!("{CONTENT}/parameters"));
    let expected = ["Plan", "Decision", "By", "Reason", "MaxDataLoss", "AutomationAssumeRole"];
    assert_eq!(parameters, expected);
    for parameter in parameters {
        assert!(word(&format!("{CONTENT}/parameters/{parameter}/description")).len() > 20, "{parameter}");
    }
    let decisions = words(&format!("{CONTENT}/parameters/Decision/allowedValues"));
    assert_eq!(decisions, [Decision::Approve, Decision::Deny].map(|d| d.as_str().to_owned()));
    assert_eq!(of_step("action"), "aws:executeScript");
    assert_eq!(words(&format!("{CONTENT}/outputs")), ["Answer.Run", "Answer.Said"]);
    // The only text of a person's that SSM pastes is in the payload.
    assert!(!of_step("inputs/Script").contains("{{"));
}

#[test]
fn the_answer_of_the_document_is_read_as_what_was_said_and_is_sent_once_to_its_own_region() {
    let said = performed(&YES, &question(), "");
    assert_eq!(said["returned"]["run"], RUN, "{said}");
    let [read, sent] = said["calls"].as_array().expect("calls").as_slice() else { panic!("{said}") };
    let key = json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "approval"}});
    assert_eq!((&read["Key"], &read["TableName"], &read["ConsistentRead"]), (&key, &json!("lifeboat"), &json!(true)));
    assert_eq!(
        (&sent["region"], &sent["once"], &sent["taskToken"]),
        (&json!("us-west-2"), &json!(true), &json!(TOKEN))
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
    let said = performed(&YES, &question(), "");
    let prefix = |call: &Value| match call["service"].as_str() {
        Some("stepfunctions") => "states".to_owned(),
        service => service.unwrap_or_default().to_owned(),
    };
    let calls = said["calls"].as_array().expect("calls");
    let made: BTreeSet<String> =
        calls.iter().map(|c| format!("{}:{}", prefix(c), c["call"].as_str().unwrap_or_default())).collect();
    let template = template();
    let policies = at(&template, "Resources/ApproveDocumentRole/Properties/Policies").and_then(Yaml::as_vec);
    let statements = policies.expect("policies").iter().filter_map(|p| at(p, "PolicyDocument/Statement")?.as_vec());
    let actions = statements.flatten().map(|s| at(s, "Action").and_then(Yaml::as_str).expect("one action").to_owned());
    assert_eq!(actions.collect::<BTreeSet<_>>(), made);
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
    let pattern = |parameter: &str| word(&format!("{CONTENT}/parameters/{parameter}/allowedPattern"));
    let bound = pattern("MaxDataLoss");
    let bounds = ["1ms", "99999999ms", "99999s", "9999m", "1h", "99h"];
    for value in bounds {
        let output = json!({"decision": "approve", "by": "me", "reason": "x", "max_data_loss": value});
        assert!(Answer::read(&output).is_ok(), "{value}");
    }
    let long = "x".repeat(500);
    let mut fit: Vec<(&str, String)> = bounds.iter().map(|b| (*b, bound.clone())).collect();
    fit.extend([("", bound.clone()), ("retail-store", pattern("Plan")), (&long, pattern("Reason"))]);
    let unfit = [("0s", &bound), ("30", &bound), ("30 s", &bound), ("169h", &bound), ("30s;", &bound)];
    let longer = "x".repeat(501);
    let unfit: Vec<(&str, String)> = unfit
        .map(|(value, pattern)| (value, pattern.clone()))
        .into_iter()
        .chain([("plan#x", pattern("Plan")), (longer.as_str(), pattern("Reason")), (longer.as_str(), pattern("By"))])
        .collect();
    python(&json!({
        "script": "def answer(events, context): pass", "handler": "answer", "events": {}, "item": null, "fails": "",
        "token": TOKEN, "patterns": fit, "not_patterns": unfit,
    }));
}
