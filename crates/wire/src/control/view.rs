//! The world as a person sees it: what is true, not what a control plane says.

use lifeboat_model::report::InvariantResult;
use lifeboat_model::{Period, Region};
use lifeboat_simulator::World;
use lifeboat_simulator::world::{RunRecord, StartedBy, State};
use serde_json::{Map, Value, json};

use crate::line::Line;

/// Everything in one object.
pub(super) fn state(world: &World, line: &Line) -> Value {
    let state = world.state();
    json!({
        "now": world.now(),
        "plan": state.plan.name,
        "source": state.direction.source,
        "target": state.direction.target,
        "dark": state.dark.iter().map(|(region, since)| (region.to_string(), json!(since))).collect::<Map<_, _>>(),
        "databases": databases(&state),
        "caches": state.caches.datastores.iter().map(|(n, d)| (n.to_string(), json!({"primary": d.primary}))).collect::<Map<_, _>>(),
        "brokers": state.brokers.pairs.iter().map(|(n, p)| (n.to_string(), json!({"primary": p.primary()}))).collect::<Map<_, _>>(),
        "routing": routing(&state),
        "alarms": state.plan.regions.iter().map(|r| (r.to_string(), json!(state.watchers.alarm_state(r).as_str()))).collect::<Map<_, _>>(),
        "clients": {"requests": state.clients.total, "failed": state.clients.failed, "all_served": state.clients.all_served()},
        "runs": state.runs.iter().map(run).collect::<Vec<_>>(),
        "invariants": invariants(&state),
        "faults": {"fired": state.faults.fired() + line.broken()},
        "requests": line.arrivals(),
    })
}

fn databases(state: &State) -> Map<String, Value> {
    let databases = state.aurora.databases.iter();
    databases
        .map(|(name, db)| {
            let moves_to = db.operation.as_ref().map(|(_, to)| to);
            let extra_lag = (db.extra_lag != Period::ms(0)).then_some(db.extra_lag);
            let seen = json!({
                "writer": db.writer,
                "accepting": db.accepting,
                "moves_to": moves_to,
                "resyncing": db.resyncing,
                "extra_lag": extra_lag,
                "writes_lost": db.writes.iter().filter(|w| w.lost).count(),
            });
            (name.to_string(), seen)
        })
        .collect()
}

fn routing(state: &State) -> Value {
    let switch_of =
        |region: &Region| state.plan.routing.controls.get(region).and_then(|c| state.traffic.controls.get(c));
    let controls: Map<String, Value> =
        state.plan.routing.controls.keys().map(|r| (r.to_string(), json!(switch_of(r)))).collect();
    json!({
        "controls": controls,
        "dns_answers": state.traffic.healthy,
        "endpoints_down": state.traffic.endpoints_down,
    })
}

fn run(run: &RunRecord) -> Value {
    let error = run.ended.as_ref().and_then(|(_, ended)| ended.result.as_ref().err());
    json!({
        "execution": run.execution.id,
        "region": run.region,
        "started_by": match run.started_by {
            StartedBy::Alarm => "alarm",
            StartedBy::Operator => "operator",
        },
        "started_at": run.execution.started_at,
        "ended_at": run.ended.as_ref().map(|(at, _)| at),
        "outcome": run.outcome().map(|outcome| outcome.as_str()),
        "error": error.map(|error| &error.error),
    })
}

fn invariants(state: &State) -> Value {
    let results = state.invariants.results();
    let sum = |count: fn(&InvariantResult) -> u64| results.values().map(count).sum::<u64>();
    let first: Map<String, Value> =
        results.iter().filter_map(|(id, result)| Some((id.clone(), json!(result.first_violation.as_ref()?)))).collect();
    json!({"checks": sum(|r| r.checks), "violations": sum(|r| r.violations), "first_violations": first})
}
