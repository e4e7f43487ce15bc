//! Folder, state, template resource, permission, limit and document: one name, one figure, both sides.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::decide::TRANSITION_FRESH;
use lifeboat_model::limits::{FUNCTIONS_AT_ONCE, LEASE, Step, VERIFY_WRITERS_WINDOW, WATCH};
use lifeboat_model::report::Outcome;
use lifeboat_model::{ReasonCode, StepError};
use lifeboat_simulator::invariants::STATEMENTS;
use lifeboat_simulator::{DrillOptions, Scenario, play};
use lifeboat_wire::platform::own_variables;
use saphyr::Yaml;
use serde_json::Value;

use crate::common::{at, machine, options, region, root, template, text, whole_plan};

fn definition() -> Value {
    serde_json::from_str(&text("statemachine/failover.asl.json")).expect("JSON before substitution")
}

/// Every object in the definition that is a state, with its name.
fn states(value: &Value, found: &mut Vec<(String, Value)>) {
    if let Some(states) = value.get("States").and_then(Value::as_object) {
        found.extend(states.iter().map(|(name, state)| (name.clone(), state.clone())));
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|v| states(v, found)),
        Value::Array(items) => items.iter().for_each(|v| states(v, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn all_states() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    states(&definition(), &mut found);
    found
}

#[test]
fn every_step_has_its_folder_state_and_template_resource_and_there_are_no_others() {
    let names: BTreeSet<String> = Step::ALL.iter().map(|s| s.as_str().to_owned()).collect();
    let folders = std::fs::read_dir(root().join("functions")).expect("functions/");
    let folders: BTreeSet<String> =
        folders.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, names);

    let in_machine: BTreeSet<String> = Step::ALL
        .iter()
        .filter(|s| **s != Step::StartRun)
        .map(|s| format!("${{{}FunctionArn}}", s.state_name()))
        .collect();
    let called: BTreeSet<String> = machine().tasks().into_iter().map(|(function, _)| function).collect();
    assert_eq!(called, in_machine);
    let substituted = at(&template(), "Resources/FailoverStateMachine/Properties/DefinitionSubstitutions")
        .and_then(Yaml::as_mapping)
        .map(|m| m.iter().filter_map(|(name, _)| name.as_str().map(|n| format!("${{{n}}}"))).collect::<BTreeSet<_>>());
    assert_eq!(substituted, Some(in_machine));
    let state_names: BTreeSet<String> = all_states().into_iter().map(|(name, _)| name).collect();
    for step in Step::ALL.into_iter().filter(|s| *s != Step::StartRun) {
        assert!(state_names.contains(&step.state_name()), "no state {}", step.state_name());
    }

    let template = template();
    let resources = at(&template, "Resources").and_then(Yaml::as_mapping).expect("resources");
    let functions: BTreeSet<String> = resources
        .iter()
        .filter(|(_, r)| r.as_mapping_get("Type").and_then(Yaml::as_str) == Some("AWS::Serverless::Function"))
        .filter_map(|(name, _)| name.as_str().map(str::to_owned))
        .collect();
    assert_eq!(functions, Step::ALL.iter().map(|s| format!("{}Function", s.state_name())).collect());
    for step in Step::ALL {
        let path = |rest: &str| format!("Resources/{}Function/{rest}", step.state_name());
        let word = |rest: &str| at(&template, &path(rest)).and_then(Yaml::as_str).map(str::to_owned);
        assert_eq!(word("Metadata/BuildMethod").as_deref(), Some("rust-cargolambda"));
        assert_eq!(word("Metadata/BuildProperties/Binary").as_deref(), Some(step.as_str()));
        assert_eq!(word("Properties/CodeUri"), Some(format!("functions/{step}")));
    }
}

#[test]
fn the_simulated_lambda_gives_each_function_the_variables_that_the_template_gives_it() {
    let template = template();
    for step in Step::ALL {
        let path = format!("Resources/{}Function/Properties/Environment/Variables", step.state_name());
        let variables = at(&template, &path).and_then(Yaml::as_mapping);
        let declared: BTreeSet<&str> = variables.into_iter().flatten().filter_map(|(name, _)| name.as_str()).collect();
        let given = own_variables(step, &region("us-west-2"));
        assert_eq!(given.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), declared, "{step}");
    }
}

#[test]
fn s5_the_lease_outlives_every_hard_timeout_and_the_template_and_machine_keep_to_the_limits() {
    let template = template();
    for step in Step::ALL {
        let path = format!("Resources/{}Function/Properties/Timeout", step.state_name());
        let timeout = at(&template, &path).and_then(Yaml::as_integer);
        assert_eq!(timeout.map(|s| s * 1000), Some(step.timeout().as_ms()), "{step}");
        // The longest gap between two signs of life: a process that hangs, and the waits of its retries.
        assert!(LEASE.as_ms() > step.timeout().as_ms() + 5_000 + 3 * 8_000, "{step} may outlive its lease");
        assert!(WATCH < step.timeout() || !matches!(step, Step::PromoteDatabase | Step::VerifyTraffic));
    }
    assert!(VERIFY_WRITERS_WINDOW < Step::VerifyWriters.timeout());
    for (function, seconds) in machine().tasks() {
        let step =
            Step::ALL.into_iter().find(|s| function == format!("${{{}FunctionArn}}", s.state_name())).expect("a step");
        match (seconds, step) {
            (Some(seconds), _) => {
                assert_eq!(i64::from(seconds) * 1000, step.timeout().as_ms() + 5_000, "{function}");
            }
            // A person is waited for as long as the plan says.
            (None, step) => assert_eq!(step, Step::RequestApproval),
        }
    }
    let age = at(&template, "Resources/StartRunFunction/Properties/EventInvokeConfig/MaximumEventAgeInSeconds");
    assert_eq!(age.and_then(Yaml::as_integer).map(|s| s * 1000), Some(TRANSITION_FRESH.as_ms()));
}

#[test]
fn s13_every_task_has_a_time_limit_bounded_retries_and_a_way_to_conclude() {
    for (name, state) in all_states() {
        let is = |word: &str| state["Type"] == word;
        if is("Task") {
            let waits_for_a_person = state["TimeoutSeconds"] == "{% $steps.approval_timeout_s %}";
            assert!(state["TimeoutSeconds"].is_u64() || waits_for_a_person && name == "RequestApproval", "{name}");
        }
        let at_once = match name.as_str() {
            "WarmUp" => None,
            // Four kinds of resource in one map.
            "MoveBestEffortResources" => Some(4 * FUNCTIONS_AT_ONCE),
            _ => Some(FUNCTIONS_AT_ONCE),
        };
        if is("Map")
            && let Some(at_once) = at_once
        {
            assert_eq!(state["MaxConcurrency"], at_once, "{name}");
        }
        for retrier in state["Retry"].as_array().into_iter().flatten() {
            assert_eq!(retrier["JitterStrategy"], "FULL", "{name}");
            assert!(retrier["MaxAttempts"].as_u64().is_some_and(|n| n <= 5), "{name}");
            assert!(retrier["MaxDelaySeconds"].as_u64().is_some_and(|n| n <= 8), "{name}");
        }
    }
    let machine = definition();
    for (name, state) in machine["States"].as_object().expect("states") {
        if matches!(state["Type"].as_str(), Some("Task" | "Map" | "Parallel")) {
            let last =
                state["Catch"].as_array().and_then(|c| c.last()).unwrap_or_else(|| panic!("{name} catches nothing"));
            assert_eq!(last["ErrorEquals"][0], "States.ALL", "{name}");
            let next = last["Next"].as_str().unwrap_or_default();
            assert!(matches!(next, "ConcludeFailure" | "OutcomeUnknown"), "{name} leads to {next}");
        }
    }
}

#[test]
fn the_error_names_that_the_machine_branches_on_are_those_that_steps_fail_with() {
    let mut retried = BTreeSet::new();
    for (_, state) in all_states() {
        for retrier in state["Retry"].as_array().into_iter().flatten() {
            let names = retrier["ErrorEquals"].as_array().into_iter().flatten().filter_map(Value::as_str);
            retried.extend(names.filter(|n| n.starts_with("Lifeboat.")).map(str::to_owned));
        }
    }
    // Rejected and Refused are final; the other two are tried again.
    let expected: BTreeSet<String> = StepError::NAMES[2..].iter().map(|&n| n.to_owned()).collect();
    assert_eq!(retried, expected);
    let asl = text("statemachine/failover.asl.json");
    for outcome in [Outcome::Unchanged, Outcome::NeedsOperator] {
        assert!(asl.contains(outcome.as_str()), "{}", outcome.as_str());
    }
}

/// The IAM actions that a step's role grants, without those of logs, traces, queue and keys.
fn granted(template: &Yaml<'static>, step: Step) -> BTreeSet<String> {
    let path = format!("Resources/{}Role/Properties/Policies", step.state_name());
    let policies = at(template, &path).and_then(Yaml::as_vec).expect("policies");
    let statements =
        policies.iter().filter_map(|p| at(p, "PolicyDocument/Statement")).filter_map(Yaml::as_vec).flatten();
    let actions = statements.flat_map(|statement| match statement.as_mapping_get("Action") {
        Some(one) if one.as_str().is_some() => vec![one.as_str().unwrap_or_default().to_owned()],
        Some(many) => many.as_vec().into_iter().flatten().filter_map(|a| a.as_str().map(str::to_owned)).collect(),
        None => Vec::new(),
    });
    let ours = |action: &String| !["logs:", "xray:", "sqs:", "kms:"].iter().any(|p| action.starts_with(p));
    actions.filter(ours).collect()
}

#[test]
fn s16_each_role_holds_exactly_the_calls_that_its_step_was_seen_to_make() {
    let mut made: BTreeMap<Step, BTreeSet<String>> = BTreeMap::new();
    let as_shipped = Scenario::ALL.map(|scenario| options(scenario, 1));
    let with_more_kinds = [Scenario::RegionalOutage, Scenario::PlannedSwitchover]
        .map(|scenario| DrillOptions { plan: whole_plan(), ..options(scenario, 1) });
    for options in as_shipped.iter().chain(&with_more_kinds) {
        let played = play(options, |_| {}).expect("each scenario has its own mode");
        for call in &played.world.state().lambda.calls {
            let actions = made.entry(call.step).or_default();
            match call.operation {
                "dns:Query" => {}
                // The port's one read is two calls: the global cluster, and the member in the Region.
                "rds:DescribeGlobalClusters" => {
                    actions.extend(["rds:DescribeGlobalClusters".to_owned(), "rds:DescribeDBClusters".to_owned()]);
                }
                // A service is described together with its scaling and, behind a load balancer, its tasks' health.
                "ecs:DescribeServices" => {
                    let together = [
                        "ecs:DescribeServices",
                        "application-autoscaling:DescribeScalableTargets",
                        "elasticloadbalancing:DescribeTargetHealth",
                    ];
                    actions.extend(together.map(str::to_owned));
                }
                operation => {
                    actions.insert(operation.to_owned());
                }
            }
        }
    }
    let template = template();
    for step in Step::ALL {
        assert_eq!(granted(&template, step), made.remove(&step).unwrap_or_default(), "{step}");
    }
}

#[test]
fn the_runbook_has_a_word_on_every_reason_and_outcome_and_safety_on_every_invariant() {
    let runbook = text("RUNBOOK.md");
    for code in ReasonCode::ALL {
        assert!(runbook.contains(&format!("`{}`", code.as_str())), "RUNBOOK says nothing of {}", code.as_str());
    }
    for outcome in [Outcome::Completed, Outcome::Unchanged, Outcome::NeedsOperator] {
        assert!(runbook.contains(outcome.as_str()), "RUNBOOK says nothing of {}", outcome.as_str());
    }
    let safety = text("SAFETY.md");
    for (id, statement) in STATEMENTS {
        assert!(safety.contains(&format!("## {id} ")), "SAFETY has no section on {id}");
        assert!(safety.contains(statement), "SAFETY says of {id} something else than: {statement}");
    }
}

#[test]
fn every_test_that_safety_names_exists() {
    let mut sources = String::new();
    let mut folders = vec![root().join("tests"), root().join("crates"), root().join("functions")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                sources.push_str(&std::fs::read_to_string(path).expect("a source file"));
            }
        }
    }
    let safety = text("SAFETY.md");
    let named: BTreeSet<&str> = safety
        .split('`')
        .filter(|w| w.len() > 20 && w.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        .collect();
    assert!(named.len() > 20, "SAFETY names only {} tests", named.len());
    for test in named {
        assert!(sources.contains(&format!("fn {test}(")), "SAFETY names {test}, which does not exist");
    }
}
