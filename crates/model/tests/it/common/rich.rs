//! A plan with two of each kind of resource, one required and one best-effort.

use lifeboat_model::Plan;
use lifeboat_model::limits::Step;
use serde_json::{Value, json};

use crate::common::{plan_json, read_plan};

/// What the rich plan requires beside its databases, in the order in which a run sees to it.
pub const REQUIRED: [(Step, &str); 4] = [
    (Step::ScaleCompute, "web"),
    (Step::PromoteCache, "sessions"),
    (Step::PromoteBroker, "events"),
    (Step::CheckTable, "carts"),
];

/// What the rich plan can do without.
pub const BEST_EFFORT: [(Step, &str); 4] = [
    (Step::ScaleCompute, "search"),
    (Step::PromoteCache, "pages"),
    (Step::PromoteBroker, "mail"),
    (Step::CheckTable, "views"),
];

fn in_both<T: Into<Value>>(of: impl Fn(&str) -> T) -> Value {
    json!({"us-east-1": of("us-east-1").into(), "us-west-2": of("us-west-2").into()})
}

pub fn cache_json(name: &str) -> Value {
    json!({"name": name, "global_datastore": format!("ldgnf-{name}"), "groups": in_both(|r| format!("{name}-{r}"))})
}

pub fn table_json(name: &str) -> Value {
    json!({"name": name, "table": format!("store-{name}"), "consistency": "eventual"})
}

pub fn broker_json(name: &str, engine: Value) -> Value {
    let broker = |r: &str| json!({"id": format!("b-{name}-{r}"), "name": name});
    json!({"name": name, "engine": engine, "brokers": in_both(broker)})
}

pub fn target_group(region: &str) -> String {
    format!("arn:aws:elasticloadbalancing:{region}:111122223333:targetgroup/web/0123456789abcdef")
}

pub fn service_json(name: &str) -> Value {
    let placement = |r: &str| json!({"cluster": "store", "service": format!("{name}-{r}")});
    json!({"name": name, "placements": in_both(placement), "capacity": 8})
}

/// The plan of [`plan_json`] with every section there is. What is best-effort has every field; what is required has none
/// that has a default, but the services' target groups.
pub fn rich_json() -> Value {
    let mut json = plan_json();
    let best_effort = |mut resource: Value| {
        resource["requirement"] = json!("best-effort");
        resource
    };
    json["caches"] = json!([cache_json("sessions"), best_effort(cache_json("pages"))]);
    json["tables"] = json!([table_json("carts"), best_effort(table_json("views"))]);
    json["tables"][1]["consistency"] = json!("strong");
    let rabbit = json!({"kind": "rabbitmq", "in_flight": "drain", "queues": 3});
    json["brokers"] =
        json!([broker_json("events", json!({"kind": "activemq"})), best_effort(broker_json("mail", rabbit))]);
    json["services"] = json!([service_json("web"), best_effort(service_json("search"))]);
    json["services"][1]["match_percent"] = json!(50);
    json["services"][1]["minimum_percent"] = json!(75);
    for region in ["us-east-1", "us-west-2"] {
        json["services"][0]["placements"][region]["target_group"] = json!(target_group(region));
    }
    json
}

pub fn rich_plan() -> Plan {
    read_plan(&rich_json())
}

/// Not every subject needs every builder.
const _: () = {
    let _ = (REQUIRED, BEST_EFFORT, rich_json, rich_plan);
    let _ = (cache_json, table_json, broker_json, target_group, service_json);
};
