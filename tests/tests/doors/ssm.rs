//! Systems Manager: the documents of the template, their scripts run with the real boto3 against the simulated world.

use std::io::Write;
use std::process::{Output, Stdio};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crate::world::{ACCOUNT, Functions, Served, TARGET, plan_for_processes, root};

/// What the template's references stand for in the target's stack.
const REFERENCES: [(&str, &str); 8] = [
    ("AWS::Region", TARGET),
    ("AWS::AccountId", ACCOUNT),
    ("AWS::Partition", "aws"),
    ("StateMachineName", "lifeboat-failover"),
    ("TableName", "lifeboat"),
    ("TableRegion", ""),
    ("Reports", "lifeboat-reports"),
    ("AWS::StackName", "lifeboat"),
];

fn reference(name: &str) -> &'static str {
    REFERENCES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
        .unwrap_or_else(|| panic!("!Ref {name}"))
}

/// A node of the template as JSON, with `!Ref`, `!Sub`, `!GetAtt` and `!If` resolved.
fn resolved(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Tagged(tag, inner) => match (tag.suffix.as_str(), &**inner) {
            ("Ref", inner) => json!(reference(inner.as_str().expect("a name"))),
            ("GetAtt", _) => json!("arn:aws:iam::111122223333:role/of-the-document"),
            ("Sub", inner) => json!(substituted(inner.as_str().expect("a text"))),
            ("If", inner) => {
                let parts = inner.as_vec().expect("a condition and two values");
                assert_eq!(parts[0].as_str(), Some("TableIsHere"), "a condition that is not known here");
                resolved(&parts[1])
            }
            (other, _) => panic!("!{other} is not known here"),
        },
        Yaml::Mapping(entries) => Value::Object(
            entries.iter().map(|(k, v)| (k.as_str().expect("a key").to_owned(), resolved(v))).collect::<Map<_, _>>(),
        ),
        Yaml::Sequence(items) => items.iter().map(resolved).collect(),
        Yaml::Value(Scalar::Boolean(b)) => json!(b),
        Yaml::Value(Scalar::Integer(n)) => json!(n),
        other => json!(other.as_str().unwrap_or_else(|| panic!("{other:?}"))),
    }
}

fn substituted(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, value) in REFERENCES {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    assert!(!text.contains("${"), "{text}");
    text
}

fn document(resource: &str) -> Value {
    let text = std::fs::read_to_string(root().join("template.yaml")).expect("template.yaml");
    let template = Yaml::load_from_str(&text).expect("YAML").into_iter().next().expect("one document");
    let content = ["Resources", resource, "Properties", "Content"]
        .into_iter()
        .try_fold(&template, |node, key| node.as_mapping_get(key))
        .expect("a document");
    resolved(content)
}

/// Starts an automation of the template's `resource` with `parameters`.
fn automation(world: &Served, resource: &str, parameters: Value) -> Output {
    let given = json!({"document": document(resource), "parameters": parameters});
    let mut child = world
        .program(&root().join(".venv/bin/python"))
        .arg(root().join("tests/tests/doors/automation.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python with boto3; `make .venv/installed` installs it");
    child.stdin.take().expect("a pipe").write_all(given.to_string().as_bytes()).expect("Python listens");
    child.wait_with_output().expect("Python ends")
}

fn outputs(done: &Output) -> Value {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).expect("outputs")
}

fn refusal(done: &Output) -> String {
    assert!(!done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    String::from_utf8_lossy(&done.stderr).into_owned()
}

fn asked(more: Value) -> Value {
    let mut parameters = json!({"Plan": "retail-store", "Target": TARGET, "By": "on call", "Reason": "a \"drill\""});
    parameters.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    parameters
}

#[test]
fn a_document_starts_a_switchover_that_completes_on_the_built_binaries_and_its_outputs_lead_to_run_and_report() {
    let world = Served::begin(plan_for_processes(), 1, Functions::Binaries);
    let outputs = outputs(&automation(&world, "SwitchoverDocument", asked(json!({}))));
    let run = outputs["Start.Run"].as_str().expect("an ARN");
    let name = run.rsplit(':').next().expect("a name");
    assert!(outputs["Start.Console"].as_str().is_some_and(|link| link.ends_with(run)), "{outputs:#}");
    let report = format!("runs/retail-store/{name}/report.html");
    assert!(outputs["Start.Report"].as_str().is_some_and(|link| link.ends_with(&report)), "{outputs:#}");

    assert_eq!(world.ended_run(name)["outcome"], "Completed");
    world.assert_moved();
}

#[test]
fn what_a_document_refuses_has_a_reason_that_names_the_parameter_and_starts_nothing() {
    let world = Served::begin(plan_for_processes(), 1, Functions::Unused);
    let cases = [
        ("SwitchoverDocument", asked(json!({"Target": "us-east-1"})), "run the document there"),
        ("SwitchoverDocument", asked(json!({"Target": "west"})), "Target"),
        ("SwitchoverDocument", asked(json!({"Plan": "Retail Store"})), "Plan"),
        ("SwitchoverDocument", asked(json!({"By": "   "})), "By"),
        ("SwitchoverDocument", asked(json!({"Reason": ""})), "Reason"),
        ("SwitchoverDocument", asked(json!({"Force": "yes"})), "Force"),
        ("FailoverDocument", asked(json!({})), "MaxDataLoss"),
        ("FailoverDocument", asked(json!({"MaxDataLoss": "a bit"})), "MaxDataLoss"),
        ("FailoverDocument", asked(json!({"MaxDataLoss": "30"})), "MaxDataLoss"),
        ("RehearseDocument", asked(json!({"Of": "failback"})), "Of"),
        ("StopDocument", json!({"Plan": "retail-store", "What": "everything", "By": "x", "Reason": "y"}), "What"),
        ("StopDocument", json!({"Plan": "retail-store", "What": "stop-run", "By": "x", "Reason": "y"}), "retail-store"),
        ("ApproveDocument", json!({"Plan": "retail-store", "Decision": "maybe", "By": "x", "Reason": "y"}), "Decision"),
        ("ApproveDocument", json!({"Plan": "retail-store", "Decision": "deny", "By": "x", "Reason": "y"}), "waits"),
    ];
    for (resource, parameters, word) in cases {
        let said = refusal(&automation(&world, resource, parameters.clone()));
        assert!(said.contains(word), "{resource} {parameters}: {said}");
    }
    let state = world.state();
    assert_eq!(state["runs"], json!([]));
    assert_eq!(state["invariants"]["violations"], 0);
}
