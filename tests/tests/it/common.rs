//! What the tests share: the shipped plan and machine, and drills with a twist.

use std::path::PathBuf;
use std::rc::Rc;

use lifeboat_model::plan::{Consistency, Engine, InFlight, Requirement};
use lifeboat_model::{Plan, Region};
use lifeboat_simulator::machine::Machine;
use lifeboat_simulator::{DrillOptions, Played, Scenario, World, play};
use saphyr::{LoadableYamlNode, Yaml};

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A file of the repository.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path} cannot be read: {e}"))
}

/// The CloudFormation template.
pub fn template() -> Yaml<'static> {
    let text: &'static str = Box::leak(text("template.yaml").into_boxed_str());
    Yaml::load_from_str(text).expect("the template is YAML").into_iter().next().expect("one document")
}

/// What stands in `yaml` under the keys of `path`.
pub fn at<'a>(yaml: &'a Yaml<'static>, path: &str) -> Option<&'a Yaml<'static>> {
    path.split('/').try_fold(yaml, |node, key| node.as_mapping_get(key))
}

/// What stands at `path`, with the short form of the function that is applied to it: `!Ref Notices`.
pub fn said(path: &str) -> String {
    let template = template();
    let node = at(&template, path).unwrap_or_else(|| panic!("{path} is missing"));
    written(node)
}

/// A node as text, each function that is applied in its short form.
pub fn written(node: &Yaml<'static>) -> String {
    match node {
        Yaml::Tagged(tag, inner) => format!("!{} {}", tag.suffix, written(inner)),
        node if node.is_sequence() => {
            let items: Vec<String> = node.as_sequence().into_iter().flatten().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        node => node
            .as_str()
            .map(str::to_owned)
            .or_else(|| node.as_integer().map(|n| n.to_string()))
            .unwrap_or_else(|| panic!("neither text nor number: {node:?}")),
    }
}

/// The shipped example plan.
pub fn plan() -> Plan {
    lifeboat_cli::plan_file::load(None).expect("the example plan is a plan")
}

/// The example plan with more kinds of everything: an ActiveMQ broker, queues to drain, a cache and a strongly consistent
/// table that traffic waits for.
pub fn whole_plan() -> Plan {
    let mut plan = plan();
    for cache in &mut plan.caches {
        cache.requirement = Requirement::Required;
    }
    for broker in &mut plan.brokers {
        broker.engine = Engine::RabbitMq { in_flight: InFlight::Drain, queues: 2 };
    }
    let mut payments = plan.brokers.first().cloned().expect("the example has a broker");
    (payments.name, payments.engine) = ("payments".parse().expect("a name"), Engine::ActiveMq);
    for (region, broker) in &mut payments.brokers {
        broker.id = format!("b-payments-{region}");
        broker.name = format!("payments-{region}");
    }
    plan.brokers.push(payments);
    let mut sessions = plan.tables.first().cloned().expect("the example has a table");
    sessions.name = "sessions".parse().expect("a name");
    (sessions.table, sessions.consistency) = ("retail-store-sessions".to_owned(), Consistency::Strong);
    plan.tables.push(sessions);
    plan
}

/// The shipped state machine.
pub fn machine() -> Rc<Machine> {
    Rc::new(Machine::read(&text("statemachine/failover.asl.json")).expect("the shipped machine is one"))
}

/// A Region by name.
pub fn region(name: &str) -> Region {
    name.parse().expect("a Region's name")
}

/// The drill of `scenario` with `seed`, as the command would play it.
pub fn options(scenario: Scenario, seed: u64) -> DrillOptions {
    DrillOptions::of(scenario, plan(), machine(), seed)
}

/// Plays `scenario` in a world that `prepare` changes first.
pub fn played(scenario: Scenario, seed: u64, prepare: impl FnOnce(&World)) -> Played {
    play(&options(scenario, seed), prepare).expect("each scenario has its own mode")
}

/// Complains about every invariant that did not hold.
pub fn assert_invariants_hold(played: &Played, what: &str) {
    for (id, result) in &played.report.invariants {
        let first = result.first_violation.as_deref().unwrap_or_default();
        assert_eq!(result.violations, 0, "{what}: {id} ({}) did not hold: {first}", result.statement);
    }
}
