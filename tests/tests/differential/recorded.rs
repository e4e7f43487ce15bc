//! Runs of the deployed machine in an emulated AWS, as `make e2e` records them: our own runner, given the answers that the built
//! functions gave there, must go through the same states, branch by branch, to the same end.
//!
//! Those in `recorded/` are of one such run; after a change of the machine, put those of a new one in their place. `make e2e` holds
//! the runner to its own, in the folder LIFEBOAT_RECORDED.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::cases::{Answer, Script, read_all, root};
use crate::trace::{Event, Outcome, Trace};
use crate::{ours, shipped};

/// What was recorded of one run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    input: Value,
    functions: BTreeMap<String, Vec<Answer>>,
    result: Ended,
    events: Vec<Event>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    output: Option<Value>,
    error: Option<String>,
    cause: Option<String>,
}

/// The states by branch, without their times: there they were real ones.
fn states(trace: &Trace) -> BTreeMap<String, Vec<String>> {
    let name = |line: &String| line.split_once(' ').map_or(line.as_str(), |(_, name)| name).to_owned();
    trace.entered.iter().map(|(branch, lines)| (branch.clone(), lines.iter().map(name).collect())).collect()
}

/// Whether both went through the same states. A run that fails ends its other branches wherever they are: which is a matter of
/// milliseconds there, so of those the one has to be where the other one was, or was about to be.
fn same(ours: &Trace, theirs: &Trace) -> bool {
    let (failed, ours, theirs) = (theirs.outcome.is_err(), states(ours), states(theirs));
    let none = Vec::new();
    let branches: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    branches.into_iter().all(|branch| {
        let (a, b) = (ours.get(branch).unwrap_or(&none), theirs.get(branch).unwrap_or(&none));
        a == b || failed && branch != "top" && (a.starts_with(b) || b.starts_with(a))
    })
}

fn folder() -> PathBuf {
    std::env::var_os("LIFEBOAT_RECORDED")
        .map_or_else(|| root().join("tests/tests/differential/recorded"), PathBuf::from)
}

#[test]
fn our_runner_goes_through_the_states_that_the_deployed_machine_went_through() {
    let (definition, runs) = (shipped::definition(), read_all::<Recorded>(&folder()));
    assert!(runs.len() >= 5, "{} recorded runs in {}", runs.len(), folder().display());
    let mut wrong = Vec::new();
    for (name, run) in runs {
        let outcome: Outcome = match run.result.error {
            Some(error) => Err((error, run.result.cause.unwrap_or_default())),
            None => Ok(run.result.output.unwrap_or_default()),
        };
        let theirs = Trace::new(&definition, outcome, 0, &run.events, Vec::new());
        let script = Script {
            definition: definition.clone(),
            input: run.input,
            chance: 1.0,
            functions: run.functions,
            tokens: Vec::new(),
        };
        let ours = ours::run(&script);
        if !same(&ours, &theirs) || ours.outcome != theirs.outcome {
            wrong.push(format!(
                "{name}\nours {:#?}\n{:?}\ntheirs {:#?}\n{:?}",
                states(&ours),
                ours.outcome,
                states(&theirs),
                theirs.outcome
            ));
        }
    }
    assert!(wrong.is_empty(), "{} runs:\n{}", wrong.len(), wrong.join("\n\n"));
}
