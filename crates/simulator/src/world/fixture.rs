//! A plan with something of everything, and a world of it, for tests of single parts.

use std::rc::Rc;

use lifeboat_model::read::Node;
use lifeboat_model::{Plan, Region};
use serde_json::json;

use super::World;
use crate::machine::Machine;

/// The Region that serves.
pub(crate) const SOURCE: &str = "us-east-1";
/// The other one.
pub(crate) const TARGET: &str = "us-west-2";

/// A Region by name.
pub(crate) fn region(name: &str) -> Region {
    name.parse().expect("a Region's name")
}

/// A plan with something of everything.
pub(crate) fn plan() -> Plan {
    let both =
        |of: &dyn Fn(&str, &str) -> serde_json::Value| json!({SOURCE: of(SOURCE, "use1"), TARGET: of(TARGET, "usw2")});
    let control = |_: &str, short: &str| {
        json!(format!("arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c1b/routingcontrol/{short}"))
    };
    let cluster = |name: &str, short: &str| json!(format!("arn:aws:rds:{name}:111122223333:cluster:orders-{short}"));
    let broker = |kind: &'static str| move |_: &str, short: &str| json!({"id": format!("b-{kind}-{short}"), "name": format!("{kind}-{short}")});
    let group = "arn:aws:elasticloadbalancing";
    let placement = |name: &str, short: &str| {
        json!({"cluster": "store", "service": format!("ui-{short}"),
               "target_group": format!("{group}:{name}:111122223333:targetgroup/ui-{short}/0123456789abcdef")})
    };
    let endpoints: Vec<_> = [SOURCE, TARGET, "eu-west-1", "ap-northeast-1", "ap-southeast-2"]
        .map(|r| json!({"region": r, "url": format!("https://1a.route53-recovery-cluster.{r}.amazonaws.com/v1")}))
        .into();
    let canaries: Vec<_> = [SOURCE, TARGET]
        .into_iter()
        .flat_map(|watched| {
            [SOURCE, TARGET, "us-east-2"].map(|runs_in| {
                let checks = if runs_in == watched { "write" } else { "read" };
                let name = format!("{watched}-from-{runs_in}");
                json!({"name": name, "runs_in": runs_in, "watches": watched, "checks": checks})
            })
        })
        .collect();
    let document = json!({
        "version": 1,
        "name": "store",
        "regions": [SOURCE, TARGET],
        "topology": "active-passive",
        "objectives": {"rto": "10m", "rpo": "30s"},
        "automation": {
            "policy": "manual-only",
            "alarm": {"name": "other-region-impaired", "period": "1m", "evaluation_periods": 2},
            "cool_down": "1h",
        },
        "routing": {"endpoints": endpoints, "controls": both(&control)},
        "databases": [{"name": "orders", "global_cluster": "orders", "clusters": both(&cluster)}],
        "caches": [{
            "name": "carts",
            "global_datastore": "ldgnf-carts",
            "groups": both(&|_, short| json!(format!("carts-{short}"))),
        }],
        "tables": [
            {"name": "sessions", "table": "store-sessions", "consistency": "eventual"},
            {"name": "stock", "table": "store-stock", "consistency": "strong"},
        ],
        "brokers": [
            {"name": "orders", "engine": {"kind": "activemq"}, "brokers": both(&broker("orders"))},
            {
                "name": "events",
                "engine": {"kind": "rabbitmq", "in_flight": "drain", "queues": 3},
                "brokers": both(&broker("events")),
            },
        ],
        "services": [{"name": "ui", "placements": both(&placement), "capacity": 7}],
        "canaries": canaries,
        "dns": [{
            "name": "shop.example.com",
            "ttl": "60s",
            "answers": both(&|name, short| json!(format!("store-{short}.{name}.elb.amazonaws.com"))),
        }],
    });
    Plan::read(&Node::from(&document)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A world in which [`SOURCE`] serves `plan`.
pub(crate) fn world(plan: Plan) -> World {
    let machine = r#"{"QueryLanguage": "JSONata", "StartAt": "End", "TimeoutSeconds": 60, "States": {"End": {"Type": "Succeed"}}}"#;
    let machine = Rc::new(Machine::read(machine).expect("a machine"));
    let direction = plan.direction_to(&region(TARGET)).expect("a Region of the plan");
    World::new(plan, direction, machine, 7)
}

/// Runs what `main` does in `world`, in virtual time.
pub(crate) fn within<F: Future<Output = ()> + 'static>(world: &World, main: impl FnOnce(World) -> F) {
    world.executor().run(main(world.clone()));
    world.executor().shut_down();
}
