//! Each rule of a plan's caches, tables, brokers and services: a value on the good side, and one on the bad side, reported
//! where it stands and with what is expected there.

use crate::common::plan_json;
use crate::common::rich::{broker_json, cache_json, rich_json, service_json, table_json, target_group};
use lifeboat_model::Plan;
use lifeboat_model::read::{Node, Problem};
use serde_json::{Value, json};

fn problems(json: &Value) -> Vec<Problem> {
    Plan::read(&Node::from(json)).err().unwrap_or_default()
}

type Change = fn(&mut Value);

/// Each row: the fields of the problems with the beginning of what is expected there, and the change that makes them.
fn check(table: &[(&[(&str, &str)], Change)]) {
    for (n, (expected, change)) in table.iter().enumerate() {
        let mut json = rich_json();
        change(&mut json);
        let found = problems(&json);
        let fields: Vec<&str> = found.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, expected.iter().map(|(field, _)| *field).collect::<Vec<_>>(), "rule {n}: {found:?}");
        for (problem, (_, text)) in found.iter().zip(*expected) {
            assert!(problem.expected.starts_with(text), "rule {n}: {text:?} is not in {problem:?}");
        }
    }
}

const NAME: &str = "a name of 1 to 48 lower-case letters";
const BOTH: &str = "an entry for us-west-2: each of the plan's regions needs one";
const STRANGER: &str = "a key that is one of the plan's two regions";
const REQUIREMENT: &str = "required or best-effort";
const LIST: &str = "a list of 1 to 1000 items";

fn forget_west(json: &mut Value) {
    json.as_object_mut().expect("a mapping").remove("us-west-2");
}

#[test]
fn caches_differ_in_name_datastore_and_groups() {
    check(&[
        (&[], |_| {}),
        (&[("caches", LIST)], |p| p["caches"] = json!([])),
        (&[("caches[0].name", NAME)], |p| p["caches"][0]["name"] = json!("Sessions")),
        (&[("caches[1].name", "a cache name that stands nowhere else in the plan")], |p| {
            p["caches"][1]["name"] = json!("sessions")
        }),
        (&[], |p| p["caches"][1]["name"] = json!("carts")),
        (&[("caches[1].global_datastore", "a global datastore that stands nowhere else")], |p| {
            p["caches"][1]["global_datastore"] = json!("ldgnf-sessions")
        }),
        (&[("caches[0].global_datastore", "at most 255 characters")], |p| {
            p["caches"][0]["global_datastore"] = json!("a".repeat(256))
        }),
        (&[], |p| p["caches"][0]["global_datastore"] = json!("a".repeat(255))),
        (&[("caches[0].groups.us-east-1", "at most 40 characters")], |p| {
            p["caches"][0]["groups"]["us-east-1"] = json!("a".repeat(41))
        }),
        (&[], |p| p["caches"][0]["groups"]["us-east-1"] = json!("a".repeat(40))),
        (&[("caches[0].groups", BOTH)], |p| forget_west(&mut p["caches"][0]["groups"])),
        (&[("caches[0].groups.eu-west-1", STRANGER)], |p| p["caches"][0]["groups"]["eu-west-1"] = json!("a")),
        (&[("caches[0].groups", "a different name in each Region; AWS tells a datastore's members by it")], |p| {
            p["caches"][0]["groups"] = json!({"us-east-1": "sessions", "us-west-2": "sessions"})
        }),
        (&[("caches[1].groups.us-east-1", "a replication group in its Region that stands nowhere else")], |p| {
            p["caches"][1]["groups"]["us-east-1"] = json!("sessions-us-east-1")
        }),
        // Another Region's group of that name is another group.
        (&[], |p| p["caches"][1]["groups"]["us-west-2"] = json!("sessions-us-east-1")),
        (&[("caches[0].requirement", REQUIREMENT)], |p| p["caches"][0]["requirement"] = json!("optional")),
    ]);
}

#[test]
fn tables_differ_in_name_and_table() {
    const TABLE: &str = "a table's name: 3 to 255 letters, digits, hyphens, underscores and dots";
    check(&[
        (&[("tables", LIST)], |p| p["tables"] = json!([])),
        (&[("tables[0].name", NAME)], |p| p["tables"][0]["name"] = json!("")),
        (&[("tables[1].name", "a table name that stands nowhere else")], |p| p["tables"][1]["name"] = json!("carts")),
        (&[("tables[1].table", "a global table that stands nowhere else")], |p| {
            p["tables"][1]["table"] = json!("store-carts")
        }),
        (&[("tables[0].table", TABLE)], |p| p["tables"][0]["table"] = json!("ab")),
        (&[], |p| p["tables"][0]["table"] = json!("abc")),
        (&[], |p| p["tables"][0]["table"] = json!("Az0-_.")),
        (&[("tables[0].table", TABLE)], |p| p["tables"][0]["table"] = json!("a b c")),
        (&[("tables[0].table", TABLE)], |p| p["tables"][0]["table"] = json!("täble")),
        (&[("tables[0].table", TABLE)], |p| p["tables"][0]["table"] = json!("a".repeat(256))),
        (&[], |p| p["tables"][0]["table"] = json!("a".repeat(255))),
        (&[("tables[0].consistency", "eventual or strong")], |p| p["tables"][0]["consistency"] = json!("weak")),
        (&[("tables[0].requirement", REQUIREMENT)], |p| p["tables"][0]["requirement"] = json!("no")),
    ]);
}

#[test]
fn brokers_differ_in_name_and_id_and_say_what_becomes_of_messages_where_nobody_replicates_them() {
    const IN_FLIGHT: &str = "accept (messages stay where they are) or drain (a planned move waits for empty queues)";
    check(&[
        (&[("brokers", LIST)], |p| p["brokers"] = json!([])),
        (&[("brokers[1].name", "a broker name that stands nowhere else")], |p| {
            p["brokers"][1]["name"] = json!("events")
        }),
        (&[("brokers[0].brokers.us-west-2.id", "a broker id that stands nowhere else")], |p| {
            p["brokers"][0]["brokers"]["us-west-2"]["id"] = json!("b-events-us-east-1")
        }),
        (&[("brokers[1].brokers.us-east-1.id", "a broker id that stands nowhere else")], |p| {
            p["brokers"][1]["brokers"]["us-east-1"]["id"] = json!("b-events-us-east-1")
        }),
        (&[], |p| p["brokers"][1]["brokers"]["us-east-1"]["name"] = json!("events")),
        (&[("brokers[0].brokers.us-east-1.id", "at most 100 characters")], |p| {
            p["brokers"][0]["brokers"]["us-east-1"]["id"] = json!("a".repeat(101))
        }),
        (&[], |p| p["brokers"][0]["brokers"]["us-east-1"]["id"] = json!("a".repeat(100))),
        (&[("brokers[0].brokers.us-east-1.name", "at most 50 characters")], |p| {
            p["brokers"][0]["brokers"]["us-east-1"]["name"] = json!("a".repeat(51))
        }),
        (&[], |p| p["brokers"][0]["brokers"]["us-east-1"]["name"] = json!("a".repeat(50))),
        (&[("brokers[0].brokers", BOTH)], |p| forget_west(&mut p["brokers"][0]["brokers"])),
        (&[("brokers[0].brokers.eu-west-1", STRANGER)], |p| p["brokers"][0]["brokers"]["eu-west-1"] = json!({})),
        (&[("brokers[0].engine.kind", "activemq or rabbitmq")], |p| p["brokers"][0]["engine"]["kind"] = json!("kafka")),
        (&[("brokers[0].engine.in_flight", "no such field; the fields here are kind")], |p| {
            p["brokers"][0]["engine"]["in_flight"] = json!("drain")
        }),
        (&[("brokers[0].engine.queues", "no such field; the fields here are kind")], |p| {
            p["brokers"][0]["engine"]["queues"] = json!(0)
        }),
        (&[("brokers[0].engine.in_flight", "this field: it is required")], |p| {
            p["brokers"][0]["engine"]["kind"] = json!("rabbitmq")
        }),
        (&[("brokers[1].engine.in_flight", IN_FLIGHT)], |p| p["brokers"][1]["engine"]["in_flight"] = json!("lose")),
        (&[], |p| p["brokers"][1]["engine"]["in_flight"] = json!("accept")),
        (&[("brokers[1].engine.queues", "a whole number from 0 to 100000")], |p| {
            p["brokers"][1]["engine"]["queues"] = json!(100_001)
        }),
        (&[], |p| p["brokers"][1]["engine"]["queues"] = json!(100_000)),
        (&[], |p| p["brokers"][1]["engine"]["queues"] = json!(0)),
        (&[("brokers[0].requirement", REQUIREMENT)], |p| p["brokers"][0]["requirement"] = json!(1)),
    ]);
}

#[test]
fn services_differ_in_name_and_place_and_their_target_groups_lie_in_their_regions() {
    const TARGET_GROUP: &str =
        "an ARN of service elasticloadbalancing in Region us-east-1 with a resource that starts with targetgroup/";
    const PERCENT: &str = "a whole number from 1 to 300";
    const LEAST: &str = "a whole number from 1 to 100";
    check(&[
        (&[("services", LIST)], |p| p["services"] = json!([])),
        (&[("services[1].name", "a service name that stands nowhere else")], |p| {
            p["services"][1]["name"] = json!("web")
        }),
        (&[("services[1].placements.us-east-1", "a service of a cluster that stands nowhere else")], |p| {
            p["services"][1]["placements"]["us-east-1"]["service"] = json!("web-us-east-1")
        }),
        // In another cluster, or in another Region, it is another service.
        (&[], |p| p["services"][1]["placements"]["us-east-1"] = json!({"cluster": "x", "service": "web-us-east-1"})),
        (&[], |p| p["services"][1]["placements"]["us-west-2"]["service"] = json!("web-us-east-1")),
        (&[("services[0].placements", BOTH)], |p| forget_west(&mut p["services"][0]["placements"])),
        (&[("services[0].placements.eu-west-1", STRANGER)], |p| {
            p["services"][0]["placements"]["eu-west-1"] = json!({})
        }),
        (&[("services[0].placements.us-east-1.cluster", "at most 255 characters")], |p| {
            p["services"][0]["placements"]["us-east-1"]["cluster"] = json!("a".repeat(256))
        }),
        (&[], |p| p["services"][0]["placements"]["us-east-1"]["cluster"] = json!("a".repeat(255))),
        (&[("services[0].placements.us-east-1.service", "at most 255 characters")], |p| {
            p["services"][0]["placements"]["us-east-1"]["service"] = json!("a".repeat(256))
        }),
        (&[], |p| p["services"][0]["placements"]["us-east-1"]["service"] = json!("a".repeat(255))),
        (&[("services[0].placements.us-east-1.target_group", TARGET_GROUP)], |p| {
            p["services"][0]["placements"]["us-east-1"]["target_group"] = json!(target_group("us-west-2"))
        }),
        (&[("services[0].placements.us-east-1.target_group", TARGET_GROUP)], |p| {
            let balancer = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/1";
            p["services"][0]["placements"]["us-east-1"]["target_group"] = json!(balancer)
        }),
        (&[("services[0].placements.us-east-1.target_group", TARGET_GROUP)], |p| {
            let stranger = "arn:aws:ecs:us-east-1:111122223333:targetgroup/web/1";
            p["services"][0]["placements"]["us-east-1"]["target_group"] = json!(stranger)
        }),
        (&[("services[0].placements.us-east-1.target_group", "an ARN: arn:aws:")], |p| {
            p["services"][0]["placements"]["us-east-1"]["target_group"] = json!("web")
        }),
        (&[("services[0].capacity", "a whole number from 1 to 5000")], |p| p["services"][0]["capacity"] = json!(0)),
        (&[("services[0].capacity", "a whole number from 1 to 5000")], |p| p["services"][0]["capacity"] = json!(5001)),
        (&[], |p| p["services"][0]["capacity"] = json!(1)),
        (&[], |p| p["services"][0]["capacity"] = json!(5000)),
        (&[("services[0].match_percent", PERCENT)], |p| p["services"][0]["match_percent"] = json!(0)),
        (&[("services[0].match_percent", PERCENT)], |p| p["services"][0]["match_percent"] = json!(301)),
        (&[], |p| p["services"][0]["match_percent"] = json!(1)),
        (&[], |p| p["services"][0]["match_percent"] = json!(300)),
        (&[("services[0].minimum_percent", LEAST)], |p| p["services"][0]["minimum_percent"] = json!(0)),
        (&[("services[0].minimum_percent", LEAST)], |p| p["services"][0]["minimum_percent"] = json!(101)),
        (&[], |p| p["services"][0]["minimum_percent"] = json!(1)),
        (&[], |p| p["services"][0]["minimum_percent"] = json!(100)),
        (&[("services[0].requirement", REQUIREMENT)], |p| p["services"][0]["requirement"] = json!("Required")),
    ]);
}

#[test]
fn everything_that_is_wrong_with_one_resource_is_said_at_once() {
    check(&[
        (
            &[
                ("services[0].name", NAME),
                ("services[0].placements.us-west-2.cluster", "a text that is not empty"),
                ("services[0].placements.us-west-2.service", "a text that is not empty"),
                ("services[0].capacity", "a whole number"),
                ("services[0].requirement", REQUIREMENT),
            ],
            |p| {
                p["services"][0]["name"] = json!("Web");
                p["services"][0]["placements"]["us-west-2"] = json!({"cluster": "", "service": ""});
                p["services"][0]["capacity"] = json!(-1);
                p["services"][0]["requirement"] = json!("x");
            },
        ),
        (
            &[("caches[0].name", NAME), ("tables[0].table", "a table's name"), ("brokers[0].engine.kind", "activemq")],
            |p| {
                p["caches"][0]["name"] = json!("9");
                p["tables"][0]["table"] = json!("1");
                p["brokers"][0]["engine"]["kind"] = json!("mq");
            },
        ),
    ]);
}

/// The plan with so many databases, caches, tables, brokers and services, all different.
fn with_resources(counts: [usize; 5]) -> Value {
    let mut json = plan_json();
    let database = |n: usize| {
        let arn = |region: &str| format!("arn:aws:rds:{region}:111122223333:cluster:db-{n}");
        json!({"name": format!("db-{n}"), "global_cluster": format!("global-{n}"), "clusters": {"us-east-1": arn("us-east-1"), "us-west-2": arn("us-west-2")}})
    };
    let of: [(&str, &dyn Fn(usize) -> Value); 5] = [
        ("databases", &database),
        ("caches", &|n| cache_json(&format!("cache-{n}"))),
        ("tables", &|n| table_json(&format!("table-{n}"))),
        ("brokers", &|n| broker_json(&format!("broker-{n}"), json!({"kind": "activemq"}))),
        ("services", &|n| service_json(&format!("service-{n}"))),
    ];
    for ((section, resource), count) in of.into_iter().zip(counts) {
        if count > 0 {
            json[section] = (0..count).map(resource).collect();
        }
    }
    json
}

#[test]
fn s13_a_plan_has_a_thousand_resources_of_all_kinds_together_and_no_more() {
    const ALTOGETHER: &str = "at most 1000 resources altogether; split the workload into plans";
    for counts in [[200, 200, 200, 200, 200], [1, 999, 0, 0, 0], [1, 0, 0, 0, 999], [996, 1, 1, 1, 1]] {
        assert_eq!(counts.iter().sum::<usize>(), 1000);
        assert_eq!(problems(&with_resources(counts)), [], "{counts:?}");
    }
    for one_more in 0..5 {
        let mut counts = [200; 5];
        counts[one_more] += 1;
        let found = problems(&with_resources(counts));
        let said: Vec<_> = found.iter().map(|p| (p.field.as_str(), p.expected.as_str())).collect();
        assert_eq!(said, [("plan", ALTOGETHER)], "{counts:?}");
    }
    for (n, section) in ["caches", "tables", "brokers", "services"].into_iter().enumerate() {
        let mut counts = [1, 0, 0, 0, 0];
        counts[n + 1] = 1001;
        let found = problems(&with_resources(counts));
        let said: Vec<_> = found.iter().map(|p| (p.field.as_str(), p.expected.as_str())).collect();
        assert_eq!(said, [(section, LIST)]);
    }
}
