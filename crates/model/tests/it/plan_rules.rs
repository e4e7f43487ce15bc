//! Each rule of a plan: a value on the good side of it, and one on the bad side, reported where it stands.

use crate::common::plan_json;
use lifeboat_model::Plan;
use lifeboat_model::read::Node;
use serde_json::{Value, json};

/// Reads the plan after `change`; the fields of its problems.
fn read(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut json = plan_json();
    change(&mut json);
    let problems = Plan::read(&Node::from(&json)).err().unwrap_or_default();
    problems.into_iter().map(|p| p.field).collect()
}

fn list<'a>(json: &'a mut Value, field: &str) -> &'a mut Vec<Value> {
    json[field].as_array_mut().expect("a list")
}

type Change = fn(&mut Value);

fn check(table: &[(&[&str], Change)]) {
    for (n, (fields, change)) in table.iter().enumerate() {
        assert_eq!(read(change), *fields, "rule {n} of the table");
    }
}

#[test]
fn the_head_of_a_plan() {
    check(&[
        (&[], |_| {}),
        (&["version"], |p| p["version"] = json!(0)),
        (&["version"], |p| p["version"] = json!("1")),
        (&["name"], |p| p["name"] = json!("1store")),
        (&["name"], |p| p["name"] = json!("a".repeat(49))),
        (&[], |p| p["name"] = json!("a".repeat(48))),
        (&["regions"], |p| p["regions"] = json!(["us-east-1"])),
        (&["regions"], |p| p["regions"] = json!(["us-east-1", "us-west-2", "eu-west-1"])),
        (&["regions[1]"], |p| p["regions"][1] = json!("us-east-1")),
        (&["regions[0]", "regions[1]"], |p| p["regions"] = json!(["east", "west"])),
        (&["topology"], |p| p["topology"] = json!("active")),
        (&[], |p| p["topology"] = json!("active-active")),
        (&["objectives.rto", "objectives.rpo"], |p| p["objectives"] = json!({"rpo": "169h", "rto": "1.5h"})),
    ]);
}

#[test]
fn what_may_happen_without_a_person() {
    check(&[
        (&["automation.policy"], |p| p["automation"]["policy"] = json!("auto")),
        (&["automation.alarm.name"], |p| p["automation"]["alarm"]["name"] = json!("a".repeat(256))),
        (&["automation.alarm.name"], |p| p["automation"]["alarm"]["name"] = json!("a\nb")),
        (&[], |p| p["automation"]["alarm"]["name"] = json!("ä".repeat(255))),
        (&["automation.alarm.evaluation_periods"], |p| p["automation"]["alarm"]["evaluation_periods"] = json!(0)),
        (&["automation.alarm.evaluation_periods"], |p| p["automation"]["alarm"]["evaluation_periods"] = json!(61)),
        (&["automation.alarm.evaluation_periods"], |p| p["automation"]["alarm"]["evaluation_periods"] = json!(1.5)),
        (&[], |p| p["automation"]["alarm"]["evaluation_periods"] = json!(60)),
        (&["automation.consent.accepted_by"], |p| p["automation"]["consent"]["accepted_by"] = json!("a".repeat(201))),
        (&["automation.consent.reason"], |p| p["automation"]["consent"]["reason"] = json!("a".repeat(501))),
        (&["automation.consent.expires"], |p| p["automation"]["consent"]["expires"] = json!("2027-12-31")),
        (&["automation.consent.max_data_loss"], |p| p["automation"]["consent"]["max_data_loss"] = json!("0s")),
    ]);
}

#[test]
fn routing_has_five_endpoints_in_five_regions_and_a_control_for_each_of_the_plans() {
    check(&[
        (&["routing.endpoints"], |p| list(&mut p["routing"], "endpoints").truncate(4)),
        (&["routing.endpoints"], |p| list(&mut p["routing"], "endpoints").truncate(0)),
        (&["routing.endpoints"], |p| {
            let sixth = p["routing"]["endpoints"][0].clone();
            list(&mut p["routing"], "endpoints").push(sixth);
        }),
        (&["routing.endpoints[4]"], |p| p["routing"]["endpoints"][4]["region"] = json!("us-east-1")),
        (&["routing.endpoints[0].url"], |p| p["routing"]["endpoints"][0]["url"] = json!("http://a.example.com")),
        (&["routing.endpoints[0].url"], |p| p["routing"]["endpoints"][0]["url"] = json!("https://")),
        (&["routing.endpoints[0].url"], |p| p["routing"]["endpoints"][0]["url"] = json!("https:///v1")),
        (&[], |p| p["routing"]["endpoints"][0]["url"] = json!("http://127.0.0.1:4566/v1")),
        (&["routing.controls"], |p| {
            let east = p["routing"]["controls"]["us-east-1"].clone();
            p["routing"]["controls"] = json!({"us-east-1": east});
        }),
        (&["routing.controls.eu-west-1"], |p| {
            let control = "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/x";
            p["routing"]["controls"]["eu-west-1"] = json!(control);
        }),
        (&["routing.controls.west"], |p| p["routing"]["controls"]["west"] = json!("arn")),
        (&["routing.controls.us-west-2"], |p| {
            let east = p["routing"]["controls"]["us-east-1"].clone();
            p["routing"]["controls"]["us-west-2"] = east;
        }),
        (&["routing.controls.us-east-1"], |p| {
            p["routing"]["controls"]["us-east-1"] = json!("arn:aws:rds:us-east-1:111122223333:cluster:a")
        }),
        (&["routing.controls.us-east-1"], |p| {
            p["routing"]["controls"]["us-east-1"] = json!("arn:aws:route53-recovery-control::111122223333:cluster/a")
        }),
        (&["routing.controls.us-east-1"], |p| {
            p["routing"]["controls"]["us-east-1"] =
                json!("arn:aws:route53-recovery-control:us-east-1:111122223333:controlpanel/a")
        }),
    ]);
}

#[test]
fn a_wrong_entry_of_one_region_does_not_hide_that_the_other_is_missing() {
    check(&[
        (&["routing.controls.us-east-1", "routing.controls"], |p| {
            p["routing"]["controls"] = json!({"us-east-1": "arn"})
        }),
        (&["databases[0].clusters.us-west-2", "databases[0].clusters"], |p| {
            p["databases"][0]["clusters"] = json!({"us-west-2": "arn"})
        }),
        (&["dns[0].answers.us-west-2", "dns[0].answers"], |p| p["dns"][0]["answers"] = json!({"us-west-2": "here"})),
    ]);
}

#[test]
fn databases_differ_in_name_cluster_and_arn_and_lie_where_they_say() {
    check(&[
        (&["databases"], |p| p["databases"] = json!([])),
        (&["databases"], |p| {
            let first = p["databases"][0].clone();
            p["databases"] = json!(vec![first; 1001]);
        }),
        (&["databases[1].name"], |p| p["databases"][1]["name"] = json!("catalog")),
        (&["databases[1].global_cluster"], |p| p["databases"][1]["global_cluster"] = json!("store-catalog")),
        (&["databases[1].clusters.us-west-2"], |p| {
            let first = p["databases"][0]["clusters"]["us-west-2"].clone();
            p["databases"][1]["clusters"]["us-west-2"] = first;
        }),
        (&["databases[0].clusters.us-east-1"], |p| {
            p["databases"][0]["clusters"]["us-east-1"] = json!("arn:aws:rds:us-west-2:111122223333:cluster:catalog")
        }),
        (&["databases[0].clusters.us-east-1"], |p| {
            p["databases"][0]["clusters"]["us-east-1"] = json!("arn:aws:rds:us-east-1:111122223333:db:catalog")
        }),
        (&["databases[0].clusters.us-east-1"], |p| {
            p["databases"][0]["clusters"]["us-east-1"] = json!("arn:aws:s3:us-east-1:111122223333:cluster:catalog")
        }),
        (&["databases[0].clusters"], |p| {
            p["databases"][0]["clusters"] = json!({"us-west-2": "arn:aws:rds:us-west-2:111122223333:cluster:catalog"})
        }),
    ]);
}

/// The canaries but the one called `name`.
fn without_canary(p: &mut Value, name: &str) {
    list(p, "canaries").retain(|c| c["name"] != name);
}

fn canary_runs_in(p: &mut Value, name: &str, region: &str) {
    let found = list(p, "canaries").iter_mut().find(|c| c["name"] == name).expect("a canary of the plan");
    found["runs_in"] = json!(region);
}

#[test]
fn s9_each_region_is_watched_from_two_others_and_can_be_seen_to_serve_without_the_other() {
    check(&[
        (&["canaries"], |p| p["canaries"] = json!([])),
        (&["canaries[0].watches"], |p| p["canaries"][0]["watches"] = json!("us-east-2")),
        (&["canaries[0].checks"], |p| p["canaries"][0]["checks"] = json!("both")),
        (&["canaries[1].name"], |p| p["canaries"][1]["name"] = json!("east-read")),
        (&[], |p| p["canaries"][3]["name"] = json!("east-read")),
        (&["canaries"], |p| without_canary(p, "east-from-third")),
        (&["canaries"], |p| without_canary(p, "west-from-east")),
        (&["canaries"], |p| canary_runs_in(p, "east-from-third", "us-west-2")),
        (&[], |p| canary_runs_in(p, "east-from-third", "eu-west-1")),
        (&["canaries"], |p| without_canary(p, "east-write")),
        (&[], |p| without_canary(p, "west-read")),
        (&[], |p| canary_runs_in(p, "west-write", "us-east-2")),
        (&["canaries"], |p| canary_runs_in(p, "west-write", "us-east-1")),
        (&["canaries"], |p| {
            // What is left to read in the west runs in the east: in an outage of the east nobody would see the west serve.
            without_canary(p, "west-read");
            let third = list(p, "canaries").iter_mut().find(|c| c["name"] == "west-from-third");
            third.expect("a canary of the plan")["checks"] = json!("write");
        }),
        (&["canaries", "canaries"], |p| {
            without_canary(p, "east-write");
            without_canary(p, "west-write");
        }),
    ]);
}

#[test]
fn the_region_that_nobody_watches_is_named() {
    for (canary, region) in [("east-write", "us-east-1"), ("west-write", "us-west-2")] {
        let mut json = plan_json();
        without_canary(&mut json, canary);
        let problems = Plan::read(&Node::from(&json)).expect_err("a canary is missing");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].expected.contains(&format!("watches {region} with checks: write")), "{problems:?}");
    }
}

#[test]
fn s11_a_name_answers_differently_for_each_region_so_that_it_tells_where_it_points() {
    check(&[
        (&["dns"], |p| p["dns"] = json!([])),
        (&["dns[0].name"], |p| p["dns"][0]["name"] = json!("shop")),
        (&["dns[0].name"], |p| p["dns"][0]["name"] = json!("shop..example.com")),
        (&["dns[0].name"], |p| p["dns"][0]["name"] = json!(format!("{}.com", "a".repeat(64)))),
        (&[], |p| p["dns"][0]["name"] = json!(format!("{}.com", "a".repeat(63)))),
        (&[], |p| p["dns"][0]["name"] = json!("my-shop_2.example.com")),
        (&["dns[0].name"], |p| p["dns"][0]["name"] = json!("my shop.example.com")),
        (&["dns[0].name"], |p| p["dns"][0]["name"] = json!("shop.example.com/v1")),
        (&["dns[0].name"], |p| p["dns"][0]["name"] = json!(format!("{}com", "abcdefghi.".repeat(26)))),
        (&["dns[0].answers"], |p| p["dns"][0]["answers"]["us-west-2"] = json!("east.example.com")),
        (&["dns[0].answers"], |p| p["dns"][0]["answers"]["us-west-2"] = json!("East.Example.com")),
        (&["dns[0].answers"], |p| p["dns"][0]["answers"]["us-west-2"] = json!("shop.example.com")),
        (&["dns[0].answers.us-west-2"], |p| p["dns"][0]["answers"]["us-west-2"] = json!("west")),
        (&["dns[1].name"], |p| {
            let first = p["dns"][0].clone();
            list(p, "dns").push(first);
        }),
        (&["dns"], |p| {
            let first = p["dns"][0].clone();
            p["dns"] = json!(vec![first; 21]);
        }),
    ]);
}

#[test]
fn as_many_databases_as_a_plan_may_have_are_read() {
    let fields = read(|p| {
        let database = |n: usize| {
            let arn = |region: &str| format!("arn:aws:rds:{region}:111122223333:cluster:db-{n}");
            json!({"name": format!("db-{n}"), "global_cluster": format!("global-{n}"), "clusters": {"us-east-1": arn("us-east-1"), "us-west-2": arn("us-west-2")}})
        };
        p["databases"] = (0..1000).map(database).collect();
    });
    assert_eq!(fields, [] as [&str; 0]);
}
