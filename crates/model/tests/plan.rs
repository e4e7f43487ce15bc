//! Reading a plan: what is good is read without loss, and what is wrong is named, all of it, where it stands.

mod common;

use common::{consent_json, east, plan, plan_json, read_plan, third, west, westward};
use lifeboat_model::plan::{Limits, Policy};
use lifeboat_model::read::{Node, Problem, Value as NodeValue};
use lifeboat_model::{Period, Plan};
use serde_json::{Value, json};

fn problems(json: &Value) -> Vec<Problem> {
    match Plan::read(&Node::from(json)) {
        Ok(plan) => panic!("this is no good plan: {plan:?}"),
        Err(problems) => problems,
    }
}

fn fields(json: &Value) -> Vec<String> {
    let mut fields: Vec<String> = problems(json).into_iter().map(|p| p.field).collect();
    fields.sort();
    fields.dedup();
    fields
}

/// The good plan with one value put in another's place, or added.
fn with(pointer: &str, value: Value) -> Value {
    let mut json = plan_json();
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    match json.pointer_mut(parent).expect("a place in the plan") {
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
        other => panic!("{parent} is {other}"),
    }
    json
}

fn without(pointer: &str) -> Value {
    let mut json = plan_json();
    let (parent, key) = pointer.rsplit_once('/').expect("a JSON pointer");
    let map = json.pointer_mut(parent).and_then(Value::as_object_mut).expect("a mapping in the plan");
    map.remove(key).expect("a field of the plan");
    json
}

/// `databases[1].clusters` for `/databases/1/clusters`.
fn path(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| match part.parse::<usize>() {
        Ok(n) => format!("[{n}]"),
        Err(_) => format!(".{part}"),
    });
    parts.collect::<String>().trim_start_matches('.').to_owned()
}

/// Every place in the plan, below `pointer`.
fn every_place(json: &Value, pointer: &str, places: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match json {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (key, value) in below {
        let place = format!("{pointer}/{key}");
        places.push(place.clone());
        every_place(value, &place, places);
    }
}

fn places() -> Vec<String> {
    let mut places = Vec::new();
    every_place(&plan_json(), "", &mut places);
    places
}

#[test]
fn a_plan_is_written_and_read_without_loss() {
    let mut manual = plan_json();
    manual["automation"]["policy"] = json!("manual-only");
    manual["automation"].as_object_mut().expect("a mapping").remove("consent");
    manual["topology"] = json!("active-active");
    for json in [plan_json(), manual, without("/limits")] {
        let plan = read_plan(&json);
        let written = serde_json::to_value(&plan).expect("a plan is JSON");
        assert_eq!(read_plan(&written), plan);
        assert_eq!(serde_json::to_value(read_plan(&written)).ok(), Some(written));
    }
}

#[test]
fn every_required_field_that_is_missing_is_reported_and_nothing_else() {
    let optional =
        ["/limits", "/limits/promotion", "/limits/traffic", "/limits/switchover_lag", "/limits/green_window"];
    let mut missed = 0;
    for place in places() {
        let in_list = place.rsplit('/').next().is_some_and(|key| key.parse::<usize>().is_ok());
        if in_list || optional.contains(&place.as_str()) {
            continue;
        }
        let found = problems(&without(&place));
        // A Region's entry and the consent are missed by their parents, which know why they are needed.
        let parent = place.rsplit_once('/').map_or("", |(parent, _)| parent);
        let by_parent =
            place.ends_with("/us-east-1") || place.ends_with("/us-west-2") || place == "/automation/consent";
        let expected = if by_parent { path(parent) } else { path(&place) };
        assert_eq!(found.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), [expected], "{place}: {found:?}");
        missed += 1;
    }
    assert!(missed > 60, "{missed}");
}

#[test]
fn whatever_stands_in_the_wrong_form_is_reported_where_it_stands() {
    let wrong = [json!(null), json!(true), json!([]), json!({}), json!(""), json!("  "), json!(-1), json!("§")];
    let mut tried = 0;
    for (place, value) in places().into_iter().flat_map(|p| wrong.clone().map(|w| (p.clone(), w))) {
        if place == "/limits" && value == json!({}) {
            continue;
        }
        // Texts for people may hold any sign.
        let free = ["/name", "/accepted_by", "/reason", "/global_cluster"].iter().any(|end| place.ends_with(end));
        if free && value == json!("§") && place != "/name" {
            continue;
        }
        let found = fields(&with(&place, value.clone()));
        let here = path(&place);
        assert!(
            found.iter().any(|f| f.starts_with(&here) || here.starts_with(f.as_str())),
            "{place} {value}: {found:?}"
        );
        tried += 1;
    }
    assert!(tried > 800, "{tried}");
}

#[test]
fn a_field_that_nobody_reads_is_reported_with_those_there_are() {
    for place in [
        "",
        "/objectives",
        "/automation",
        "/automation/alarm",
        "/automation/consent",
        "/limits",
        "/routing",
        "/routing/endpoints/0",
        "/databases/1",
        "/canaries/3",
        "/dns/0",
    ] {
        let found = problems(&with(&format!("{place}/force"), json!(true)));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].field, path(&format!("{place}/force")));
        assert!(found[0].expected.starts_with("no such field; the fields here are "), "{found:?}");
    }
}

#[test]
fn a_key_that_stands_twice_is_reported() {
    let NodeValue::Map(mut entries) = Node::from(&plan_json()).value else { panic!("a plan is a mapping") };
    let (key, first) = entries[0].clone();
    entries.push((key.clone(), Node { line: Some(7), ..first }));
    let document = Node { line: Some(1), value: NodeValue::Map(entries) };
    let found = Plan::read(&document).expect_err("a key stands twice");
    assert_eq!((found.len(), found[0].field.as_str(), found[0].line), (1, key.as_str(), Some(7)));
}

#[test]
fn every_problem_is_named_at_once_in_the_order_of_lines() {
    let mut json = plan_json();
    json["version"] = json!(2);
    json["name"] = json!("Store");
    json["regions"] = json!(["us-east-1", "us-east-1"]);
    json["objectives"]["rto"] = json!("soon");
    json["automation"]["alarm"]["period"] = json!(60);
    json["routing"]["endpoints"][2]["url"] = json!("ftp://x");
    json["databases"][0]["clusters"]["us-east-1"] = json!("orders");
    json["dns"][0]["ttl"] = json!("0s");
    let expected = [
        "automation.alarm.period",
        "databases[0].clusters.us-east-1",
        "dns[0].ttl",
        "name",
        "objectives.rto",
        "regions[1]",
        "routing.endpoints[2].url",
        "version",
    ];
    assert_eq!(fields(&json), expected);
}

#[test]
fn limits_that_are_not_given_have_their_defaults() {
    let expected = Limits {
        promotion: Period::seconds(600),
        traffic: Period::seconds(600),
        switchover_lag: Period::seconds(5),
        green_window: Period::seconds(60),
    };
    assert_eq!(Limits::default(), expected);
    assert_eq!(read_plan(&without("/limits")).limits, expected);
    assert_eq!(read_plan(&with("/limits", json!({}))).limits, expected);
    let given = [("promotion", 1), ("traffic", 2), ("switchover_lag", 3), ("green_window", 4)];
    for (field, s) in given {
        let seconds = 100 * s + 1;
        let limits = read_plan(&with("/limits", json!({field: format!("{seconds}s")}))).limits;
        let of = [limits.promotion, limits.traffic, limits.switchover_lag, limits.green_window];
        assert_eq!(of[s - 1], Period::seconds(seconds as u32));
        let defaults = [expected.promotion, expected.traffic, expected.switchover_lag, expected.green_window];
        assert_eq!(of.iter().zip(defaults).filter(|(a, b)| **a != *b).count(), 1);
    }
}

#[test]
fn s13_no_phase_may_be_given_more_than_an_hour_nor_a_window_that_never_ends() {
    let table = [
        (json!({"promotion": "1h", "traffic": "1h"}), true),
        (json!({"promotion": "3600001ms"}), false),
        (json!({"traffic": "3600001ms"}), false),
        (json!({"traffic": "1m", "green_window": "59999ms"}), true),
        (json!({"traffic": "1m", "green_window": "1m"}), false),
        (json!({"traffic": "1m", "green_window": "61s"}), false),
    ];
    for (limits, good) in table {
        let json = with("/limits", limits.clone());
        assert_eq!(Plan::read(&Node::from(&json)).is_ok(), good, "{limits}");
        assert!(good || fields(&json) == ["limits"], "{limits}");
    }
}

#[test]
fn s6_an_autonomous_plan_needs_the_owners_consent() {
    let json = without("/automation/consent");
    assert!(problems(&json)[0].expected.contains("autonomous"));
    let mut json = json;
    json["automation"]["policy"] = json!("manual-only");
    assert_eq!(read_plan(&json).automation.policy, Policy::ManualOnly);
    json["automation"]["consent"] = consent_json();
    assert!(read_plan(&json).automation.consent.is_some());
}

#[test]
fn the_plan_knows_its_directions_databases_and_vantage_points() {
    let plan = plan();
    assert_eq!(plan.direction_to(&west()), Some(westward()));
    assert_eq!(plan.direction_to(&east()).map(|d| (d.source, d.target)), Some((west(), east())));
    assert_eq!(plan.direction_to(&third()), None);
    let named = |name: &str| plan.database(&name.parse().expect("a name")).map(|d| d.global_cluster.as_str());
    assert_eq!((named("orders"), named("stock")), (Some("store-orders"), None));
    assert_eq!((plan.name.as_str(), plan.name.to_string().as_str()), ("store", "store"));
    assert_eq!(plan.outside_vantages(&east()), [&third(), &west()]);
    assert_eq!(plan.outside_vantages(&third()), [] as [&lifeboat_model::Region; 0]);
}
