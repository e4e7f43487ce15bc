//! What nobody may read who is not to act on it: task tokens, and credentials.
//!
//! A run that asks a person has a task token, with which `SendTaskSuccess` answers in that person's place. It is in the
//! question that the table holds, and in what Step Functions itself keeps of the execution; it is nowhere else.

use std::cell::RefCell;
use std::rc::Rc;

use lifeboat_cli::summary::{self, Style};
use lifeboat_cli::{html, picture};
use lifeboat_model::Period;
use lifeboat_model::plan::Policy;
use lifeboat_model::report::Outcome;
use lifeboat_simulator::world::Sent;
use lifeboat_simulator::{DrillOptions, Played, Scenario, World, play};
use serde_json::{Value, json};

use crate::common::{at, options, said, template};

/// The drills of runs that ask: one that is approved, one that is denied, one whose answer is no answer, one that nobody
/// answers.
fn answers() -> [Option<Value>; 4] {
    [
        Some(json!({"decision": "approve", "by": "the owner", "reason": "it is down", "max_data_loss": "1m"})),
        Some(json!({"decision": "deny", "by": "the owner", "reason": "it comes back"})),
        Some(json!({"decision": "perhaps"})),
        None,
    ]
}

fn asking() -> DrillOptions {
    let mut options = options(Scenario::RegionalOutage, 1);
    options.plan.automation.policy = Policy::Approve;
    options.plan.automation.consent = None;
    options
}

/// Plays a run that asks and is given `answer`; and the token with which it was given, or would have been.
fn asked(answer: Option<Value>) -> (Played, String) {
    let token = Rc::new(RefCell::new(String::new()));
    let seen = Rc::clone(&token);
    let played = play(&asking(), |world| {
        let person = world.clone();
        world.executor().spawn(async move { *seen.borrow_mut() = give(&person, answer).await });
    });
    let token = token.borrow().clone();
    (played.expect("an outage can be drilled"), token)
}

async fn give(world: &World, answer: Option<Value>) -> String {
    let asked = loop {
        let asked = world.state().table.approvals.values().next().cloned();
        match asked {
            Some(asked) => break asked,
            None => world.sleep(Period::seconds(1)).await,
        }
    };
    world.sleep(Period::seconds(60)).await;
    if let Some(answer) = answer {
        assert_eq!(world.send_task(&asked.token, Ok(answer)), Sent::Taken);
    }
    asked.token
}

/// Everything of a drill that is written, sent, logged or shown, each with its name.
fn told(played: &Played) -> Vec<(&'static str, String)> {
    let state = played.world.state();
    let json = |value: Result<String, serde_json::Error>| value.expect("JSON");
    vec![
        ("the report of the drill", json(serde_json::to_string(&played.report))),
        ("its page", html::page(&played.report)),
        ("its picture", picture::standalone(&played.report)),
        ("its summary", summary::of(&played.report, &[], Style::Coloured)),
        ("the messages", format!("{:?}", state.messages.published)),
        ("the stored reports", state.messages.stored.iter().map(|s| s.body.as_str()).collect()),
        ("the lines of metrics", state.messages.printed.concat()),
        ("the journals", format!("{:?}", state.table.journal)),
        ("the locks", format!("{:?}", state.table.locks)),
        ("the question, printed to debug", format!("{:?}", state.table.approvals)),
        ("the calls", format!("{:?}", state.lambda.calls)),
        ("the log of the world", format!("{:?}", state.log.events)),
    ]
}

#[test]
fn s6_the_task_token_of_a_run_that_asks_is_in_nothing_that_is_written_sent_logged_or_shown() {
    for answer in answers() {
        let approved = answer.as_ref().is_some_and(|a| a["decision"] == "approve");
        let (played, token) = asked(answer);
        assert!(token.len() > 20, "no token was given out: {token:?}");
        assert_eq!(played.report.outcome == Some(Outcome::Completed), approved, "{:?}", played.report.complaints);
        for (what, text) in told(&played) {
            assert!(text.len() > 2, "{what} is empty: the test looks at nothing");
            assert!(!text.contains(&token), "{what} holds the token");
        }
    }
}

#[test]
fn s6_the_logs_of_executions_are_without_their_data_which_holds_the_token() {
    let logging = "Resources/FailoverStateMachine/Properties/Logging";
    assert_eq!(said(&format!("{logging}/Level")), "ALL");
    let data = at(&template(), &format!("{logging}/IncludeExecutionData")).and_then(|y| y.as_bool());
    assert_eq!(data, Some(false));
}

#[test]
fn no_secret_is_a_variable_of_a_function_or_a_parameter_or_output_of_the_stack() {
    let template = template();
    let names = |path: &str| -> Vec<String> {
        let found = at(&template, path).and_then(saphyr::Yaml::as_mapping);
        found.into_iter().flatten().filter_map(|(name, _)| name.as_str().map(str::to_owned)).collect()
    };
    let mut all = [names("Parameters"), names("Outputs"), names("Globals/Function/Environment/Variables")].concat();
    for (name, kind, _) in crate::encryption::resources() {
        if kind == "AWS::Serverless::Function" {
            all.extend(names(&format!("Resources/{name}/Properties/Environment/Variables")));
        }
    }
    assert!(all.len() > 20, "{all:?}");
    for name in all {
        let lower = name.to_lowercase();
        assert!(!["secret", "password", "token", "credential"].iter().any(|w| lower.contains(w)), "{name}");
    }
}
