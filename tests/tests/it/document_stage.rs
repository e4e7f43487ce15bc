//! The SSM documents of the template, and a stage for their scripts: Python, with an AWS that only pretends.

use std::io::Write;
use std::process::{Command, Stdio};

use saphyr::Yaml;
use serde_json::{Value, json};

use crate::common::{at, template};

/// The documents, by the names of their resources without `Document`.
pub const DOCUMENTS: [&str; 5] = ["Failover", "Switchover", "Rehearse", "Stop", "Approve"];

/// What the service says of every refusal.
pub const TOKEN: &str = "much-secret";

/// The id of the automation.
pub const AUTOMATION: &str = "0a1b2c3d-1111-4222-8333-444455556666";

/// The state machine of us-west-2.
pub const STATE_MACHINE: &str = "arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat-failover";

/// Runs the script of standard input with modules in place of boto3's, and prints what it returned, raised and called.
const STAGE: &str = r#"
import json, re, sys, types
given = json.load(sys.stdin)
items, calls = given["items"], []

class ClientError(Exception):
    def __init__(self, code):
        super().__init__("quoting " + given["token"])
        self.response = {"Error": {"Code": code, "Message": "the service's words"}}

class BotoCoreError(Exception):
    pass

class Client:
    def __init__(self, service, region_name, config=None):
        self.at = {"service": service, "region": region_name, "attempts": config and config.retries["total_max_attempts"]}
    def change(self, name, call):
        calls.append({**self.at, "call": name, **call})
        if given["fails"] == "ReadTimeoutError":
            raise type("ReadTimeoutError", (BotoCoreError,), {})(given["token"])
        if given["fails"]:
            raise ClientError(given["fails"])
    def get_item(self, **call):
        calls.append({**self.at, "call": "GetItem", **call})
        item = items.get(place(call))
        return {"Item": item} if item else {}
    def update_item(self, **call):
        self.change("UpdateItem", call)
        item = items.setdefault(place(call), dict(call["Key"]))
        verb, *rest = call["UpdateExpression"].split()
        if verb == "SET":
            name, _, value = rest
            item[name] = call["ExpressionAttributeValues"][value]
        else:
            item.pop(rest[0], None)
        return {}
    def send_task_success(self, **call):
        self.change("SendTaskSuccess", call)
        return {}
    def start_execution(self, **call):
        self.change("StartExecution", call)
        return {"executionArn": call["stateMachineArn"].replace(":stateMachine:", ":execution:") + ":" + call["name"]}

class Config:
    def __init__(self, **settings):
        self.__dict__.update(settings)

def place(call):
    return call["Key"]["pk"]["S"] + " " + call["Key"]["sk"]["S"]

def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made

module("boto3", client=Client)
module("botocore")
module("botocore.config", Config=Config)
module("botocore.exceptions", BotoCoreError=BotoCoreError, ClientError=ClientError)
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
print(json.dumps({**said, "calls": calls, "items": items}))
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

/// Asserts that Python finds every pattern in its value, or none in its own.
pub fn assert_patterns(fit: &[(String, String)], unfit: &[(String, String)]) {
    python(&json!({
        "script": "def nothing(events, context): pass", "handler": "nothing", "events": {}, "items": {}, "fails": "",
        "token": TOKEN, "patterns": fit, "not_patterns": unfit,
    }));
}

/// A document of the template.
pub struct Document {
    /// The name of its resource without `Document`.
    pub name: &'static str,
    /// Its resource.
    pub resource: Yaml<'static>,
    /// Its role.
    pub role: Yaml<'static>,
}

impl Document {
    /// The document with this name.
    pub fn named(name: &'static str) -> Self {
        let template = template();
        let get = |what: &str| at(&template, &format!("Resources/{name}{what}")).cloned();
        let (resource, role) = (get("Document").expect("a document"), get("DocumentRole").expect("its role"));
        Self { name, resource, role }
    }

    /// What stands in its content under the keys of `path`.
    pub fn content(&self, path: &str) -> Option<&Yaml<'static>> {
        at(&self.resource, &format!("Properties/Content/{path}"))
    }

    /// A text of its content.
    pub fn word(&self, path: &str) -> String {
        let found = self.content(path).and_then(Yaml::as_str);
        found.unwrap_or_else(|| panic!("{} {path} is no text", self.name)).to_owned()
    }

    /// The texts of a list of its content.
    pub fn words(&self, path: &str) -> Vec<String> {
        let list = self.content(path).and_then(Yaml::as_vec).unwrap_or_else(|| panic!("{path} is no list"));
        list.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect()
    }

    /// The keys of a mapping of its content.
    pub fn keys(&self, path: &str) -> Vec<String> {
        let map = self.content(path).and_then(Yaml::as_mapping).unwrap_or_else(|| panic!("{path} is no mapping"));
        map.keys().filter_map(|k| k.as_str().map(str::to_owned)).collect()
    }

    /// Its only step.
    pub fn step(&self) -> &Yaml<'static> {
        let steps = self.content("mainSteps").and_then(Yaml::as_vec).expect("steps");
        assert_eq!(steps.len(), 1, "{}", self.name);
        &steps[0]
    }

    /// A text of its step.
    pub fn of_step(&self, path: &str) -> String {
        at(self.step(), path).and_then(Yaml::as_str).unwrap_or_else(|| panic!("{path} is no text")).to_owned()
    }

    /// The pattern of a parameter.
    pub fn pattern(&self, parameter: &str) -> String {
        self.word(&format!("parameters/{parameter}/allowedPattern"))
    }

    /// What the script is given when a person fills the parameters in with `values`, in us-west-2.
    fn events(&self, values: &[(&str, &str)]) -> Value {
        let payload = at(self.step(), "inputs/InputPayload").and_then(Yaml::as_mapping).expect("a payload");
        let events = payload.iter().map(|(name, value)| {
            let name = name.as_str().expect("a name").to_owned();
            let filled = match (value.as_str(), name.as_str()) {
                (Some(text), _) => match text.strip_prefix("{{ ").and_then(|t| t.strip_suffix(" }}")) {
                    Some(parameter) => self.filled(parameter, values),
                    None => text.replace("{{ automation:EXECUTION_ID }}", AUTOMATION),
                },
                (None, "region" | "table_region") => "us-west-2".to_owned(),
                (None, "table") => "lifeboat".to_owned(),
                (None, "state_machine") => STATE_MACHINE.to_owned(),
                (None, "bucket") => "the-reports".to_owned(),
                (None, other) => panic!("{other} comes from nowhere"),
            };
            (name, json!(filled))
        });
        Value::Object(events.collect())
    }

    fn filled(&self, parameter: &str, values: &[(&str, &str)]) -> String {
        match values.iter().find(|(name, _)| *name == parameter) {
            Some((_, value)) => (*value).to_owned(),
            None => self.word(&format!("parameters/{parameter}/default")),
        }
    }

    /// What its script returned or raised, the calls that it made and the items of the table then; every change fails with
    /// `fails`, unless that is empty.
    pub fn performed(&self, values: &[(&str, &str)], items: &Value, fails: &str) -> Value {
        let said = python(&json!({
            "script": self.of_step("inputs/Script"), "handler": self.of_step("inputs/Handler"),
            "events": self.events(values), "items": items, "fails": fails,
            "token": TOKEN, "patterns": [], "not_patterns": [],
        }));
        for shown in ["returned", "raised"] {
            assert!(
                !said[shown].to_string().contains(TOKEN),
                "the history of an automation would show the token: {said}"
            );
        }
        said
    }

    /// The actions that its role allows.
    pub fn granted(&self) -> Vec<String> {
        let policies = at(&self.role, "Properties/Policies").and_then(Yaml::as_vec).expect("policies");
        let statements = policies.iter().filter_map(|p| at(p, "PolicyDocument/Statement")?.as_vec()).flatten();
        let actions = statements.flat_map(|s| match at(s, "Action") {
            Some(one) if one.as_str().is_some() => vec![one.as_str().unwrap_or_default().to_owned()],
            Some(many) => many.as_vec().into_iter().flatten().filter_map(|a| a.as_str().map(str::to_owned)).collect(),
            None => Vec::new(),
        });
        actions.collect()
    }
}

/// The IAM actions of the calls that a script made.
pub fn made(said: &Value) -> Vec<String> {
    let calls = said["calls"].as_array().expect("calls");
    let action = |call: &Value| {
        let service = call["service"].as_str().unwrap_or_default().replace("stepfunctions", "states");
        format!("{service}:{}", call["call"].as_str().unwrap_or_default())
    };
    calls.iter().map(action).collect()
}
