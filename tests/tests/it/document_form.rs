//! The form of every SSM document, as Systems Manager documents it for automations (schema 0.3), and its role.

use std::collections::BTreeSet;

use saphyr::Yaml;
use serde_json::{Value, json};

use crate::common::{at, template};
use crate::document_stage::{DOCUMENTS, Document, assert_patterns};

/// The actions that are used here, and the inputs that each of them needs.
const ACTIONS: [(&str, &[&str]); 1] = [("aws:executeScript", &["Runtime", "Handler", "Script", "InputPayload"])];
/// The longest that an aws:executeScript may take, in seconds.
const SCRIPT_S_MAX: i64 = 600;
/// The most characters of a document.
const CONTENT_MAX: usize = 64 * 1024;

fn documents() -> [Document; 5] {
    DOCUMENTS.map(Document::named)
}

/// Every text in `node`, keys too.
fn texts<'n>(node: &'n Yaml<'static>, found: &mut Vec<&'n str>) {
    if let Some(map) = node.as_mapping() {
        for (key, value) in map {
            texts(key, found);
            texts(value, found);
        }
    }
    node.as_vec().into_iter().flatten().for_each(|item| texts(item, found));
    found.extend(node.as_str());
}

#[test]
fn the_template_has_these_documents_and_no_others_each_an_automation_under_its_own_name() {
    let template = template();
    let resources = at(&template, "Resources").and_then(Yaml::as_mapping).expect("resources");
    let found: BTreeSet<&str> = resources
        .iter()
        .filter(|(_, r)| r.as_mapping_get("Type").and_then(Yaml::as_str) == Some("AWS::SSM::Document"))
        .filter_map(|(name, _)| name.as_str()?.strip_suffix("Document"))
        .collect();
    assert_eq!(found, BTreeSet::from(DOCUMENTS));
    for document in documents() {
        let property = |name: &str| at(&document.resource, &format!("Properties/{name}")).and_then(Yaml::as_str);
        let name = format!("Lifeboat-{}", document.name);
        assert_eq!(property("Name"), Some(name.as_str()));
        assert_eq!(property("DocumentType"), Some("Automation"), "{name}");
        assert_eq!(property("UpdateMethod"), Some("NewVersion"), "{name}: one with a name cannot be replaced");
        assert_eq!(document.word("schemaVersion"), "0.3", "{name}");
        assert!(document.word("description").len() > 40, "{name}");
        assert_eq!(document.word("assumeRole"), "{{ AutomationAssumeRole }}", "{name}");
        let known = ["schemaVersion", "description", "assumeRole", "parameters", "mainSteps", "outputs"];
        let content = at(&document.resource, "Properties/Content").and_then(Yaml::as_mapping).expect("content");
        assert_eq!(content.keys().filter_map(|k| k.as_str()).collect::<Vec<_>>(), known, "{name}");
        let mut all = Vec::new();
        texts(at(&document.resource, "Properties/Content").expect("content"), &mut all);
        assert!(all.iter().map(|t| t.len()).sum::<usize>() < CONTENT_MAX / 2, "{name}");
    }
}

#[test]
fn every_parameter_says_what_it_is_for_and_takes_no_more_than_it_means() {
    for document in documents() {
        for parameter in document.keys("parameters") {
            let what = format!("{} {parameter}", document.name);
            let path = format!("parameters/{parameter}");
            let keys = document.keys(&path);
            let known = ["type", "description", "default", "allowedPattern", "allowedValues"];
            assert!(keys.iter().all(|k| known.contains(&k.as_str())), "{what}: {keys:?}");
            assert!(document.word(&format!("{path}/description")).len() > 20, "{what}");
            let kind = document.word(&format!("{path}/type"));
            if parameter == "AutomationAssumeRole" {
                assert_eq!(kind, "AWS::IAM::Role::Arn", "{what}");
                continue;
            }
            assert_eq!(kind, "String", "{what}");
            let bounds = ["allowedPattern", "allowedValues"].map(|k| keys.iter().any(|key| key == k));
            assert!(bounds[0] != bounds[1], "{what} has neither a pattern nor values, or both");
            if bounds[0] {
                let pattern = document.pattern(&parameter);
                assert!(
                    pattern.starts_with('^') && pattern.ends_with('$'),
                    "{what}: a pattern is searched, not matched"
                );
                let default = document.content(&format!("{path}/default")).and_then(Yaml::as_str);
                let fit: Vec<_> = default.into_iter().map(|d| (d.to_owned(), pattern.clone())).collect();
                assert_patterns(&fit, &[("x".repeat(600), pattern)]);
            } else if let Some(default) = document.content(&format!("{path}/default")).and_then(Yaml::as_str) {
                assert!(document.words(&format!("{path}/allowedValues")).iter().any(|v| v == default), "{what}");
            }
        }
    }
}

#[test]
fn every_step_is_a_known_action_with_its_inputs_and_every_reference_and_output_resolves() {
    for document in documents() {
        let step = document.step();
        let (_, needs) = ACTIONS.iter().find(|(a, _)| *a == document.of_step("action")).expect("a known action");
        let inputs = at(step, "inputs").and_then(Yaml::as_mapping).expect("inputs");
        assert_eq!(inputs.keys().filter_map(|k| k.as_str()).collect::<BTreeSet<_>>(), needs.iter().copied().collect());
        assert_eq!(document.of_step("inputs/Runtime"), "python3.11");
        assert!(at(step, "timeoutSeconds").and_then(Yaml::as_integer).is_some_and(|s| s <= SCRIPT_S_MAX));
        assert_eq!(at(step, "isEnd").and_then(Yaml::as_bool), Some(true));
        // The only texts of a person's that SSM pastes are in the payload: nothing that they write is read as code.
        assert!(!document.of_step("inputs/Script").contains("{{"), "{}", document.name);

        let mut all = Vec::new();
        texts(at(&document.resource, "Properties/Content").expect("content"), &mut all);
        let referred: BTreeSet<&str> =
            all.iter().flat_map(|t| t.split("{{").skip(1)).filter_map(|t| Some(t.split_once("}}")?.0.trim())).collect();
        let parameters = document.keys("parameters");
        for name in &referred {
            let known = parameters.iter().any(|p| p == name) || *name == "automation:EXECUTION_ID";
            assert!(known, "{}: nothing is called {name}", document.name);
        }
        for parameter in &parameters {
            assert!(referred.contains(parameter.as_str()), "{} {parameter} is asked for in vain", document.name);
        }
        let outputs = at(step, "outputs").and_then(Yaml::as_vec).expect("outputs");
        let names: Vec<String> = outputs
            .iter()
            .map(|o| format!("{}.{}", document.of_step("name"), at(o, "Name").and_then(Yaml::as_str).expect("a name")))
            .collect();
        assert_eq!(document.words("outputs"), names);
    }
}

/// What each document does when all goes well: what is filled in, and what the table holds.
fn good(document: &Document) -> Value {
    let run = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:x";
    let lock = json!({"state": {"S": "held"}, "run_id": {"S": run}});
    let question = json!({"run_id": {"S": run}, "token": {"S": "t"}, "expires_at": {"N": "99000000000000"}});
    let items = json!({"plan#retail-store lock": lock, "plan#retail-store approval": question});
    let values = [
        ("Plan", "retail-store"),
        ("Target", "us-west-2"),
        ("By", "me"),
        ("Reason", "it is down"),
        ("MaxDataLoss", "30s"),
        ("What", "stop-run"),
        ("Decision", "approve"),
    ];
    document.performed(&values, &items, "")
}

#[test]
fn every_output_of_a_document_is_something_that_its_script_returns() {
    for document in documents() {
        let said = good(&document);
        let returned = said["returned"].as_object().unwrap_or_else(|| panic!("{}: {said}", document.name));
        let outputs = at(document.step(), "outputs").and_then(Yaml::as_vec).expect("outputs");
        let selected: BTreeSet<String> = outputs
            .iter()
            .filter_map(|o| at(o, "Selector").and_then(Yaml::as_str)?.strip_prefix("$.Payload.").map(str::to_owned))
            .collect();
        assert_eq!(selected, returned.keys().cloned().collect(), "{}", document.name);
        assert!(returned.values().all(Value::is_string), "{}", document.name);
    }
}

#[test]
fn every_document_has_a_role_of_its_own_that_only_automations_of_this_account_take() {
    for document in documents() {
        let trust = at(&document.role, "Properties/AssumeRolePolicyDocument/Statement").and_then(Yaml::as_vec);
        let [trust] = trust.expect("statements").as_slice() else { panic!("{}", document.name) };
        assert_eq!(at(trust, "Principal/Service").and_then(Yaml::as_str), Some("ssm.amazonaws.com"));
        assert!(at(trust, "Condition/StringEquals/aws:SourceAccount").is_some(), "{}", document.name);
        assert!(at(trust, "Condition/ArnLike/aws:SourceArn").is_some(), "{}", document.name);
        let default = document.content("parameters/AutomationAssumeRole/default").expect("a role");
        assert!(format!("{default:?}").contains(&format!("{}DocumentRole.Arn", document.name)), "{default:?}");
    }
}
