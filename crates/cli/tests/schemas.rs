//! The committed JSON Schemas are those of the types.

use std::path::PathBuf;

use lifeboat_cli::{plan_file, schema};
use serde_json::Value;

fn committed(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; run: make schemas", path.display()))
}

#[test]
fn committed_schemas_equal_the_generated_ones() {
    for (name, generated) in [("plan.schema.json", schema::of_plan()), ("report.schema.json", schema::of_report())] {
        assert!(committed(name) == generated, "schemas/{name} is not that of the types; run: make schemas");
    }
}

/// What `value` lacks or has too much of by `schema`: required fields and unknown ones, all the way down.
fn differences(schema: &Value, root: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut schema = schema;
    while let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        schema = &root["$defs"][name];
    }
    if let Some(options) = schema["anyOf"].as_array() {
        let fits = options.iter().any(|option| {
            let mut here = Vec::new();
            differences(option, root, value, at, &mut here);
            here.is_empty()
        });
        if !fits {
            found.push(format!("{at}: fits none"));
        }
        return;
    }
    if let Some(kind) = schema["type"].as_str() {
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(n) if n.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if kind != is && !(kind == "number" && is == "integer") {
            found.push(format!("{at}: {is}, not {kind}"));
        }
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(key).is_none() {
            found.push(format!("{at}.{key} is missing"));
        }
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(property) => differences(property, root, inner, &format!("{at}.{key}"), found),
            None if schema["additionalProperties"] == false && schema.get("patternProperties").is_none() => {
                found.push(format!("{at}.{key} is unknown"));
            }
            None => {}
        }
    }
    for item in value.as_array().into_iter().flatten() {
        differences(&schema["items"], root, item, &format!("{at}[]"), found);
    }
}

#[test]
fn the_schema_of_plans_accepts_the_example_and_rejects_what_it_must() {
    let schema: Value = serde_json::from_str(&schema::of_plan()).expect("a schema");
    let check = |plan: &Value| {
        let mut found = Vec::new();
        differences(&schema, &schema, plan, "plan", &mut found);
        found
    };
    let mut plan = serde_json::to_value(plan_file::load(None).expect("the example")).expect("JSON");
    assert_eq!(check(&plan), Vec::<String>::new());
    let fields = plan.as_object_mut().expect("a mapping");
    fields.remove("limits");
    assert_eq!(check(&plan), Vec::<String>::new(), "limits have defaults");
    let fields = plan.as_object_mut().expect("a mapping");
    fields.remove("routing");
    fields.insert("colour".to_owned(), Value::from("blue"));
    assert_eq!(check(&plan), ["plan.routing is missing", "plan.colour is unknown"]);
}

#[test]
fn the_schema_of_reports_accepts_a_report() {
    let plan = plan_file::load(None).expect("the example");
    let machine = lifeboat_simulator::machine::Machine::read(lifeboat_cli::MACHINE).expect("the shipped machine");
    let scenario = lifeboat_simulator::Scenario::PromotionStalls;
    let options = lifeboat_simulator::DrillOptions::of(scenario, plan, machine.into(), 5);
    let report = lifeboat_simulator::drill(&options, |_, _| {}).expect("a drill");
    let schema: Value = serde_json::from_str(&schema::of_report()).expect("a schema");
    let mut found = Vec::new();
    differences(&schema, &schema, &serde_json::to_value(&report).expect("JSON"), "report", &mut found);
    assert_eq!(found, Vec::<String>::new());
}
