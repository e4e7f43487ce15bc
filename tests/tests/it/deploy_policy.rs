//! What the README says a person needs to deploy (docs/deploy-policy.json) is held to what the template makes, both ways.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::common::{at, template, text};

/// What `make deploy` itself calls beside what the template makes: stacks, and who asks.
const TOOLS: [&str; 2] = ["cloudformation", "sts"];

/// IAM's name of the service of a resource type.
fn service_of(kind: &str) -> String {
    match kind {
        "AWS::Serverless::Function" => "lambda".to_owned(),
        "AWS::Serverless::StateMachine" => "states".to_owned(),
        kind => kind.split("::").nth(1).unwrap_or_else(|| panic!("{kind} has no service")).to_lowercase(),
    }
}

fn services_of_the_template() -> BTreeSet<String> {
    let template = template();
    let resources = at(&template, "Resources").and_then(|node| node.as_mapping()).expect("resources");
    resources
        .values()
        .map(|resource| service_of(at(resource, "Type").and_then(|kind| kind.as_str()).expect("a type")))
        .collect()
}

fn services_of_the_policy() -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(&text("docs/deploy-policy.json")).expect("the policy is JSON");
    let statements = policy["Statement"].as_array().expect("statements");
    assert!(statements.iter().all(|statement| statement["Effect"] == "Allow"), "it only allows");
    let actions = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::Array(several) => several.clone(),
        one => vec![one.clone()],
    });
    actions.map(|action| action.as_str().expect("an action").split(':').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn s16_the_policy_for_deploying_has_the_services_of_the_template_and_no_other() {
    let mut expected = services_of_the_template();
    expected.extend(TOOLS.map(str::to_owned));
    assert_eq!(services_of_the_policy(), expected);
}
