//! What is explored: small plans in the scenarios that matter, each a drill that `lifeboat drill` plays too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use lifeboat_model::Plan;
use lifeboat_simulator::explore::Choices;
use lifeboat_simulator::machine::Machine;
use lifeboat_simulator::world::Tempo;
use lifeboat_simulator::{DrillOptions, Scenario};

/// Enough clients to see whether the workload is served.
const CLIENTS: u16 = 2;

/// A drill of a small plan.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// The plan's file in `tests/plans`.
    pub plan: &'static str,
    /// What happens anyway.
    pub scenario: Scenario,
    /// Every chance is drawn from it.
    pub seed: u64,
}

/// Every story.
pub const STORIES: [Story; 9] = [
    story("database", Scenario::RegionalOutage),
    story("database", Scenario::PlannedSwitchover),
    story("database", Scenario::ApprovedFailover),
    story("database", Scenario::TwoOperators),
    story("database", Scenario::Rehearsal),
    story("database", Scenario::ActiveActiveSwitchover),
    story("database", Scenario::ActiveActiveOutage),
    story("one-of-each", Scenario::RegionalOutage),
    story("one-of-each", Scenario::PlannedSwitchover),
];

const fn story(plan: &'static str, scenario: Scenario) -> Story {
    Story { plan, scenario, seed: 1 }
}

impl Story {
    /// The drill, in which `choices` go wrong.
    pub fn options(&self, machine: &Rc<Machine>, choices: Choices) -> DrillOptions {
        let drill = DrillOptions::of(self.scenario, plan(self.plan), Rc::clone(machine), self.seed);
        DrillOptions { clients: CLIENTS, tempo: Tempo::Quick, choices, ..drill }
    }

    /// The command that plays it.
    pub fn command(&self, choices: &Choices) -> String {
        let Self { plan, scenario, seed } = self;
        let scenario = scenario.name();
        let choices = if choices.count() == 0 { String::new() } else { format!(" --choices {choices}") };
        format!(
            "lifeboat drill --plan tests/plans/{plan}.yaml --scenario {scenario} --seed {seed} --clients {CLIENTS} --quick-services{choices}"
        )
    }
}

/// The plan in `tests/plans`, read once by each thread.
fn plan(name: &'static str) -> Plan {
    thread_local! {
        static PLANS: RefCell<BTreeMap<&'static str, Plan>> = RefCell::default();
    }
    let read = || {
        let file = root().join(format!("tests/plans/{name}.yaml"));
        lifeboat_cli::plan_file::load(Some(&file)).unwrap_or_else(|_| panic!("{} is no plan", file.display()))
    };
    PLANS.with_borrow_mut(|plans| plans.entry(name).or_insert_with(read).clone())
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The shipped state machine.
pub fn machine() -> Rc<Machine> {
    Rc::new(Machine::read(lifeboat_cli::MACHINE).expect("the shipped machine is one"))
}
