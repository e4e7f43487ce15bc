//! Reading a plan: what is good is read without loss, and what is wrong is named, all of it, where it stands.

use crate::common::rich::{BEST_EFFORT, REQUIRED, rich_json, rich_plan, target_group};
use crate::common::{consent_json, east, plan, plan_json, read_plan, third, west, westward};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::{Consistency, Engine, InFlight, Limits, Placement, Policy, Requirement};
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

/// The rich plan with one value put in another's place, or added.
fn with(pointer: &str, value: Value) -> Value {
    let mut json = rich_json();
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
    let mut json = rich_json();
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
    every_place(&rich_json(), "", &mut places);
    places
}

#[test]
fn a_plan_is_written_and_read_without_loss() {
    let mut manual = plan_json();
    manual["automation"]["policy"] = json!("manual-only");
    manual["automation"].as_object_mut().expect("a mapping").remove("consent");
    manual["topology"] = json!("active-active");
    let mut approve = rich_json();
    approve["automation"]["policy"] = json!("approve");
    for json in [plan_json(), rich_json(), manual, approve, without("/limits"), without("/caches")] {
        let plan = read_plan(&json);
        let written = serde_json::to_value(&plan).expect("a plan is JSON");
        assert_eq!(read_plan(&written), plan);
        assert_eq!(serde_json::to_value(read_plan(&written)).ok(), Some(written));
    }
}

#[test]
fn every_required_field_that_is_missing_is_reported_and_nothing_else() {
    let sections = ["/limits", "/caches", "/tables", "/brokers", "/services"];
    let fields = ["/requirement", "/queues", "/match_percent", "/minimum_percent", "/target_group"];
    let is_optional = |place: &str| {
        sections.contains(&place) || place.starts_with("/limits/") || fields.iter().any(|f| place.ends_with(f))
    };
    let mut missed = 0;
    for place in places() {
        let in_list = place.rsplit('/').next().is_some_and(|key| key.parse::<usize>().is_ok());
        if in_list {
            continue;
        }
        if is_optional(&place) {
            read_plan(&without(&place));
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
    assert!(missed > 110, "{missed}");
}

#[test]
fn whatever_stands_in_the_wrong_form_is_reported_where_it_stands() {
    let wrong = [json!(null), json!(true), json!([]), json!({}), json!(""), json!("  "), json!(-1), json!("§")];
    let mut tried = 0;
    for (place, value) in places().into_iter().flat_map(|p| wrong.clone().map(|w| (p.clone(), w))) {
        if place == "/limits" && value == json!({}) {
            continue;
        }
        // Texts for people, and names that AWS gave, may hold any sign.
        let names = ["/name", "/global_cluster", "/global_datastore", "/id", "/cluster", "/service"];
        let is_name = names.iter().chain(&["/accepted_by", "/reason"]).any(|end| place.ends_with(end));
        if value == json!("§") && place != "/name" && (is_name || place.contains("/groups/")) {
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
    assert!(tried > 1400, "{tried}");
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
        "/caches/0",
        "/tables/0",
        "/brokers/0",
        "/brokers/0/engine",
        "/brokers/1/engine",
        "/brokers/0/brokers/us-east-1",
        "/services/0",
        "/services/0/placements/us-west-2",
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

/// Every limit by its name, with its default in seconds.
fn every_limit(limits: &Limits) -> [(&'static str, Period, u32); 9] {
    [
        ("promotion", limits.promotion, 600),
        ("traffic", limits.traffic, 600),
        ("switchover_lag", limits.switchover_lag, 5),
        ("green_window", limits.green_window, 60),
        ("cache", limits.cache, 300),
        ("table", limits.table, 300),
        ("broker", limits.broker, 300),
        ("compute", limits.compute, 600),
        ("approval", limits.approval, 1800),
    ]
}

#[test]
fn limits_that_are_not_given_have_their_defaults() {
    for limits in
        [Limits::default(), read_plan(&without("/limits")).limits, read_plan(&with("/limits", json!({}))).limits]
    {
        for (name, period, default_s) in every_limit(&limits) {
            assert_eq!(period, Period::seconds(default_s), "{name}");
        }
    }
    for (n, (given, _, _)) in every_limit(&Limits::default()).into_iter().enumerate() {
        let seconds = 101 + n as u32;
        let limits = read_plan(&with("/limits", json!({given: format!("{seconds}s")}))).limits;
        for (name, period, default_s) in every_limit(&limits) {
            assert_eq!(period, Period::seconds(if name == given { seconds } else { default_s }), "{name} of {given}");
        }
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
    for phase in ["promotion", "traffic", "cache", "table", "broker", "compute", "approval"] {
        read_plan(&with("/limits", json!({phase: "1h"})));
        let found = problems(&with("/limits", json!({phase: "3600001ms"})));
        assert!(found[0].expected.starts_with("phases of at most 1h each"), "{phase}: {found:?}");
    }
    read_plan(&with("/limits", json!({"switchover_lag": "2h"})));
}

#[test]
fn s6_an_autonomous_plan_needs_the_owners_consent() {
    let json = without("/automation/consent");
    assert!(problems(&json)[0].expected.contains("autonomous"));
    let mut json = json;
    for (word, policy) in [("manual-only", Policy::ManualOnly), ("approve", Policy::Approve)] {
        json["automation"]["policy"] = json!(word);
        let read = read_plan(&json).automation;
        assert_eq!((read.policy, read.consent), (policy, None), "whoever is asked may bring it");
    }
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

#[test]
fn every_resource_is_read_as_it_was_written() {
    let plan = rich_plan();
    let cache = &plan.caches[0];
    assert_eq!((cache.name.as_str(), cache.global_datastore.as_str()), ("sessions", "ldgnf-sessions"));
    assert_eq!(cache.groups, [east(), west()].map(|r| (r.clone(), format!("sessions-{r}"))).into());
    assert_eq!((plan.tables[0].table.as_str(), plan.tables[1].table.as_str()), ("store-carts", "store-views"));
    assert_eq!(
        plan.tables.iter().map(|t| t.consistency).collect::<Vec<_>>(),
        [Consistency::Eventual, Consistency::Strong]
    );
    assert_eq!(plan.brokers[0].engine, Engine::ActiveMq);
    assert_eq!(plan.brokers[1].engine, Engine::RabbitMq { in_flight: InFlight::Drain, queues: 3 });
    let broker = &plan.brokers[0].brokers[&east()];
    assert_eq!((broker.id.as_str(), broker.name.as_str()), ("b-events-us-east-1", "events"));
    let placed = |service: usize, region| plan.services[service].placements[&region].clone();
    let placement = |service: &str, target_group: Option<String>| Placement {
        cluster: "store".to_owned(),
        service: service.to_owned(),
        target_group: target_group.map(|t| t.parse().expect("an ARN")),
    };
    assert_eq!(placed(0, west()), placement("web-us-west-2", Some(target_group("us-west-2"))));
    assert_eq!(placed(1, east()), placement("search-us-east-1", None));
    let figures: Vec<_> = plan.services.iter().map(|s| (s.capacity, s.match_percent, s.minimum_percent)).collect();
    assert_eq!(figures, [(8, 100, 100), (8, 50, 75)]);
}

#[test]
fn a_resource_is_required_unless_the_plan_says_otherwise() {
    let plan = rich_plan();
    let of = |step, requirement| plan.resources_of(step, requirement).map(|n| n.as_str()).collect::<Vec<_>>();
    for ((step, required), (_, best_effort)) in REQUIRED.into_iter().zip(BEST_EFFORT) {
        assert_eq!(of(step, Requirement::Required), [required]);
        assert_eq!(of(step, Requirement::BestEffort), [best_effort]);
    }
    let with_resources = REQUIRED.map(|(step, _)| step);
    for step in Step::ALL.into_iter().filter(|s| !with_resources.contains(s)) {
        assert!(of(step, Requirement::Required).is_empty() && of(step, Requirement::BestEffort).is_empty(), "{step}");
    }
    assert_eq!(plan.resources(), 10);
    let written = read_plan(&with("/caches/0/requirement", json!("required")));
    assert_eq!(written, plan, "said or not said");
}

#[test]
fn the_plan_finds_each_resource_by_its_name() {
    let plan = rich_plan();
    let name = |text: &str| text.parse().expect("a name");
    assert_eq!(plan.cache(&name("pages")), Some(&plan.caches[1]));
    assert_eq!(plan.table(&name("views")), Some(&plan.tables[1]));
    assert_eq!(plan.broker(&name("mail")), Some(&plan.brokers[1]));
    assert_eq!(plan.service(&name("search")), Some(&plan.services[1]));
    let other = name("stock");
    assert!(plan.cache(&other).is_none() && plan.table(&other).is_none());
    assert!(plan.broker(&other).is_none() && plan.service(&other).is_none());
}

#[test]
fn only_a_rabbitmq_broker_whose_plan_says_so_is_drained() {
    let rabbit = |in_flight| Engine::RabbitMq { in_flight, queues: 0 };
    let table = [(Engine::ActiveMq, false), (rabbit(InFlight::Accept), false), (rabbit(InFlight::Drain), true)];
    for (engine, drains) in table {
        assert_eq!(engine.drains(), drains, "{engine:?}");
    }
    let read = |engine: Value| read_plan(&with("/brokers/0/engine", engine)).brokers[0].engine.clone();
    assert_eq!(read(json!({"kind": "rabbitmq", "in_flight": "accept"})), rabbit(InFlight::Accept));
}

#[test]
fn what_is_wanted_and_what_is_enough_are_rounded_up_and_never_overflow() {
    // capacity, match, minimum, tasks in the source; wanted, enough
    let table = [
        (8, 100, 100, None, 8, 8),
        (8, 100, 75, None, 8, 6),
        (8, 100, 100, Some(7), 8, 8),
        (8, 100, 100, Some(9), 9, 9),
        (3, 50, 50, None, 2, 1),
        (3, 51, 51, None, 2, 2),
        (1, 1, 1, None, 1, 1),
        (5000, 300, 100, None, 15_000, 15_000),
        (1, 300, 100, Some(u32::MAX), u32::MAX, u32::MAX),
    ];
    for (capacity, match_percent, minimum_percent, source, wanted, enough) in table {
        let mut service = rich_plan().services.remove(0);
        (service.capacity, service.match_percent, service.minimum_percent) = (capacity, match_percent, minimum_percent);
        assert_eq!((service.wanted(source), service.enough(wanted)), (wanted, enough), "{capacity} {match_percent}");
    }
}
