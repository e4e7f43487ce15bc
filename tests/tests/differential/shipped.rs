//! The shipped machine: the same answers of its functions, through both interpreters, must lead through the same states at the
//! same times to the same calls and the same end.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::cases::{Answer, Script, TokenAnswer, read, root};
use crate::known::SHIPPED;
use crate::trace::Trace;
use crate::{oracle, ours};

/// A script for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    about: String,
    /// What `admit` plans otherwise than [`planned`].
    #[serde(default)]
    steps: Map<String, Value>,
    /// What functions answer otherwise than `done`, by the name of their step (`PromoteDatabase`), or by that and the first
    /// resource of a share (`PromoteDatabase orders`).
    #[serde(default)]
    functions: BTreeMap<String, Vec<Answer>>,
    #[serde(default)]
    tokens: Vec<TokenAnswer>,
    #[serde(default = "all_of_it")]
    chance: f64,
    expect: Expected,
}

/// What must come of it, derived by hand; everything else that both do must only be the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    output: Option<Value>,
    error: Option<String>,
    cause: Option<String>,
    ends_at_s: f64,
    entered: BTreeMap<String, Vec<String>>,
    /// What `conclude` was told last.
    concluded: Option<Value>,
}

const fn all_of_it() -> f64 {
    1.0
}

/// One service, one database, nothing else; five seconds to settle in.
fn planned() -> Value {
    json!({
        "request_approval": false, "approval_timeout_s": 900, "isolate_source": false, "scale_first": false,
        "services": [{"resources": ["web"]}], "databases": [{"resources": ["orders"]}],
        "caches": [], "brokers": [], "tables": [], "drains": [], "scaled": [], "best_effort": [], "settle_s": 5,
    })
}

/// The steps that answer `done` when they have nothing else to say.
const STEPS: [&str; 13] = [
    "Assess",
    "RequestApproval",
    "IsolateSource",
    "ScaleCompute",
    "PromoteDatabase",
    "PromoteCache",
    "PromoteBroker",
    "CheckTable",
    "VerifyWriters",
    "ShiftTraffic",
    "VerifyTraffic",
    "Conclude",
    "Admit",
];

fn arn(step: &str) -> String {
    match step.split_once(' ') {
        Some((step, resource)) => format!("${{{step}FunctionArn}} {resource}"),
        None => format!("${{{step}FunctionArn}}"),
    }
}

fn returns(value: Value) -> Vec<Answer> {
    vec![Answer { returns: Some(value), ..Answer::default() }]
}

impl Run {
    fn script(&self, definition: &Value) -> Script {
        let mut steps = planned();
        for (name, value) in &self.steps {
            assert!(steps.get(name).is_some(), "{name} is nothing that admit plans");
            steps[name] = value.clone();
        }
        let done = json!({"status": "done", "changed": true});
        let mut functions: BTreeMap<String, Vec<Answer>> =
            STEPS.iter().map(|step| (arn(step), returns(done.clone()))).collect();
        functions.insert(arn("Admit"), returns(json!({"evidence": {"run": {"epoch": 7}, "steps": steps}})));
        functions.insert(arn("Conclude"), returns(json!({"outcome": "Completed"})));
        for (step, answers) in &self.functions {
            assert!(STEPS.contains(&step.split(' ').next().unwrap_or_default()), "{step} is no step");
            functions.insert(arn(step), answers.clone());
        }
        Script {
            definition: definition.clone(),
            input: json!({"plan": "retail-store", "target": "us-west-2", "mode": "failover"}),
            chance: self.chance,
            functions,
            tokens: self.tokens.clone(),
        }
    }

    fn unlike(&self, trace: &Trace) -> Vec<String> {
        let Expected { output, error, cause, ends_at_s, entered, concluded } = &self.expect;
        let outcome = match (error, cause) {
            (Some(error), Some(cause)) => Err((error.clone(), cause.clone())),
            (None, None) => Ok(output.clone().unwrap_or_default()),
            (Some(_), None) | (None, Some(_)) => panic!("an error and its cause go together"),
        };
        let mut unlike = Vec::new();
        let mut check = |same: bool, expected: String, was: String| {
            if !same {
                unlike.push(format!("expected {expected}\n     was {was}"));
            }
        };
        check(outcome == trace.outcome, format!("{outcome:?}"), format!("{:?}", trace.outcome));
        check(*ends_at_s == trace.ends_at_s, format!("{ends_at_s}"), format!("{}", trace.ends_at_s));
        for (branch, states) in entered {
            let was = trace.entered.get(branch).cloned().unwrap_or_default();
            check(*states == was, format!("{branch}: {states:?}"), format!("{was:?}"));
        }
        if let Some(expected) = concluded {
            let mut calls =
                trace.calls.iter().zip(&trace.payloads).filter(|(call, _)| call.ends_with(&arn("Conclude")));
            let was = calls.next_back().map(|(_, payload)| payload);
            check(Some(expected) == was, format!("{expected}"), format!("{was:?}"));
        }
        unlike
    }
}

pub fn definition() -> Value {
    let path = root().join("statemachine/failover.asl.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_shipped_machine_ends_as_its_functions_answers_make_it() {
    let (definition, runs) = (definition(), read::<Run>("shipped"));
    assert!(runs.len() >= 12, "{} scripts", runs.len());
    let wrong: Vec<String> = runs
        .iter()
        .map(|(name, run)| (name, run, run.unlike(&ours::run(&run.script(&definition)))))
        .filter(|(_, _, unlike)| !unlike.is_empty())
        .map(|(name, run, unlike)| format!("{name}: {}\n{}", run.about, unlike.join("\n")))
        .collect();
    assert!(wrong.is_empty(), "{} of {} scripts:\n{}", wrong.len(), runs.len(), wrong.join("\n\n"));
}

#[test]
fn the_other_interpreter_takes_the_shipped_machine_through_the_same_states_to_the_same_end() {
    let (definition, runs) = (definition(), read::<Run>("shipped"));
    for known in SHIPPED {
        assert!(runs.contains_key(known.case), "{} is no script", known.case);
    }
    let scripts: Vec<Script> = runs.values().map(|run| run.script(&definition)).collect();
    let theirs = oracle::run(&scripts.iter().collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for (((name, run), script), theirs) in runs.iter().zip(&scripts).zip(&theirs) {
        let ours = ours::run(script);
        let differs = ours.differs_from_other(theirs);
        let known = SHIPPED.iter().find(|k| k.case == name);
        if differs != known.map_or(&[][..], |k| k.differs) {
            let why = known.map_or("not known", |k| k.why);
            wrong.push(format!("{name}: {}\n{differs:?} ({why})\nours {ours:#?}\ntheirs {theirs:#?}", run.about));
        }
    }
    assert!(wrong.is_empty(), "{} of {} scripts:\n{}", wrong.len(), runs.len(), wrong.join("\n\n"));
}
