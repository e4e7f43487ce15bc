//! The steps of the shipped state machine in the order in which a run that goes well takes them.

use std::collections::BTreeSet;

use lifeboat_model::Plan;
use serde_json::Value;

/// A state that does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: String,
    /// How deep it stands within parallel states.
    pub(crate) depth: usize,
    /// Of a map: its inner states.
    pub(crate) inner: BTreeSet<String>,
    /// Of a map: the inner states that end an item.
    pub(crate) last: BTreeSet<String>,
    /// Off the way of a run that goes well: shown only when it is entered.
    pub(crate) is_detour: bool,
}

/// The steps of the machine in `definition`, first those of a run that goes well.
pub(crate) fn of(definition: &str) -> Vec<Step> {
    let machine: Value = serde_json::from_str(definition).unwrap_or(Value::Null);
    let mut steps = Vec::new();
    follow(&machine, 0, &mut steps);
    let known: BTreeSet<String> = steps.iter().map(|s| s.name.clone()).collect();
    let mut detours = Vec::new();
    leave_the_way(&machine, 0, &known, &mut detours);
    steps.extend(detours);
    steps
}

/// The states at any depth that do something and are not `known` to be on the way.
fn leave_the_way(machine: &Value, depth: usize, known: &BTreeSet<String>, detours: &mut Vec<Step>) {
    for (name, state) in machine["States"].as_object().into_iter().flatten() {
        if does_something(state) && !known.contains(name) {
            detours.push(Step { is_detour: true, ..step(name, state, depth) });
        }
        for branch in state["Branches"].as_array().into_iter().flatten() {
            leave_the_way(branch, depth + 1, known, detours);
        }
    }
}

/// Follows `Next` from the start; at a choice, its first branch.
fn follow(machine: &Value, depth: usize, steps: &mut Vec<Step>) {
    let states = &machine["States"];
    let mut seen = BTreeSet::new();
    let mut at = machine["StartAt"].as_str();
    while let Some(name) = at.filter(|name| seen.insert(*name)) {
        let state = &states[name];
        if does_something(state) {
            steps.push(step(name, state, depth));
        }
        for branch in state["Branches"].as_array().into_iter().flatten() {
            follow(branch, depth + 1, steps);
        }
        at = state["Next"].as_str().or(state["Choices"][0]["Next"].as_str());
    }
}

fn does_something(state: &Value) -> bool {
    matches!(state["Type"].as_str(), Some("Task" | "Map" | "Parallel"))
}

fn step(name: &str, state: &Value, depth: usize) -> Step {
    let inner = || state["ItemProcessor"]["States"].as_object().into_iter().flatten();
    Step {
        name: name.to_owned(),
        depth,
        inner: inner().map(|(name, _)| name.clone()).collect(),
        last: inner().filter(|(_, s)| s["End"] == Value::Bool(true)).map(|(name, _)| name.clone()).collect(),
        is_detour: false,
    }
}

/// What a state does or waits for, in a few words; nothing for a state that speaks for itself.
pub(crate) fn purpose(state: &str, source: &str, target: &str, plan: &Plan) -> String {
    match state {
        "Admit" => "reads the request and the plan, takes the lock".to_owned(),
        "Assess" => "lag, roles, canaries, routing: go or refuse".to_owned(),
        "RequestApproval" => "waits for a person".to_owned(),
        "RecordApproval" => "records who approved, and why".to_owned(),
        "Reassess" | "ReassessBeforeIsolation" => "reads everything again before anything is changed".to_owned(),
        "IsolateSource" => format!("{} leaves traffic, clients' caches expire", source),
        "ScaleServices" | "ScaleServicesFirst" => "each on its own, all at the same time".to_owned(),
        "ScaleCompute" | "ScaleComputeFirst" => format!("waits for its tasks in {target}"),
        "PromoteDatabases" | "PromoteCaches" | "PromoteBrokers" | "CheckTables" => {
            "each on its own, all at the same time".to_owned()
        }
        "PromoteCache" => format!("waits for its primary in {target}"),
        "PromoteBroker" => format!("waits for its broker in {target}"),
        "CheckTable" => "waits until it is replicated".to_owned(),
        "MoveBestEffortResources" | "MoveBestEffort" => "beside the rest; nothing waits for it".to_owned(),
        "DrainBrokers" | "DrainBroker" => "waits for empty queues".to_owned(),
        "ReleaseCompute" | "ReleaseScaleIn" => "lets services scale in again".to_owned(),
        "PromoteDatabase" => format!("waits for its writer in {target}"),
        "WaitForPromotion" => "looks again in a moment".to_owned(),
        "VerifyWriters" => format!("reads afresh: every writer is in {target}"),
        "ShiftTraffic" => format!("{target} on, {} off, in one batch", source),
        "VerifyTraffic" => format!("waits for DNS, and canaries green for {}", plan.limits.green_window),
        "Conclude" | "ConcludeFailure" => "records the outcome, frees or holds the lock".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_machine_is_followed_from_admit_to_conclude() {
        let steps = of(crate::MACHINE);
        let names: Vec<&str> = steps.iter().filter(|s| !s.is_detour && s.depth == 0).map(|s| s.name.as_str()).collect();
        assert_eq!(names.first(), Some(&"Admit"));
        assert_eq!(names.last(), Some(&"Conclude"));
        let at_any_depth: Vec<&str> = steps.iter().filter(|s| !s.is_detour).map(|s| s.name.as_str()).collect();
        for name in ["ScaleServices", "PromoteDatabases", "VerifyWriters", "ShiftTraffic", "VerifyTraffic"] {
            assert!(at_any_depth.contains(&name), "{name}: {at_any_depth:?}");
        }
        for detour in ["RequestApproval", "Reassess", "IsolateSource", "ScaleServicesFirst"] {
            assert!(!at_any_depth.contains(&detour), "{detour}: {at_any_depth:?}");
        }
        assert!(steps.iter().any(|s| s.name == "ConcludeFailure" && s.is_detour));
        let map = steps.iter().find(|s| s.name == "PromoteDatabases").expect("the map");
        assert!(map.inner.contains("PromoteDatabase") && map.last.contains("DatabasePromoted"), "{map:?}");
    }
}
