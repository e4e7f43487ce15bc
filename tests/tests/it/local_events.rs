//! The example events: one for every function, in the order of a run, as `sam local invoke` takes them.
//!
//! They are of a rehearsal, so that whoever tries one changes nothing, and of a run that needs no lock and no time.

use lifeboat_model::Period;
use lifeboat_model::limits::Step;
use lifeboat_simulator::World;
use serde_json::{Value, json};

use crate::common::{machine, plan, region, text};
use lifeboat_model::Direction;

/// In the order of a run: what each function says of itself, and the words that its reply must have.
const REPLIES: [(Step, &str); 13] = [
    (Step::Admit, "done"),
    (Step::Assess, "done"),
    (Step::IsolateSource, "done"),
    (Step::ScaleCompute, "done"),
    (Step::PromoteDatabase, "done"),
    (Step::PromoteCache, "done"),
    (Step::PromoteBroker, "done"),
    (Step::CheckTable, "done"),
    (Step::VerifyWriters, "done"),
    (Step::ShiftTraffic, "done"),
    (Step::VerifyTraffic, "done"),
    (Step::RequestApproval, "Lifeboat.Refused"),
    (Step::Conclude, "Rehearsed"),
];

fn event(step: Step) -> Value {
    serde_json::from_str(&text(&format!("events/{step}.json"))).expect("an event is JSON")
}

#[test]
fn s17_the_example_event_of_every_function_is_one_that_it_takes_and_changes_nothing() {
    let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
    let world = World::new(plan(), direction, machine(), 1);
    let inner = world.clone();
    world.executor().run(async move {
        inner.start();
        inner.sleep(Period::seconds(300)).await;
        for (step, word) in REPLIES {
            let reply = match inner.invoke(step, &region("us-west-2"), "", event(step)).await {
                Ok(reply) => reply,
                Err(error) => json!({"status": error.error, "cause": error.cause}),
            };
            let said = reply.get("status").or(reply.get("outcome")).cloned();
            assert_eq!(said, Some(json!(word)), "{step}: {reply:#}");
        }
    });
    let state = world.state();
    assert!(state.table.locks.is_empty() && state.aurora.promotions.is_empty() && state.traffic.changes.is_empty());
    assert_eq!(state.invariants.violations(), 0);
}

#[test]
fn every_function_has_an_example_event() {
    for step in Step::ALL {
        let name = if step == Step::StartRun {
            "events/start-run-alarm.json".to_owned()
        } else {
            format!("events/{step}.json")
        };
        assert!(serde_json::from_str::<Value>(&text(&name)).is_ok_and(|event| event.is_object()), "{name}");
    }
}
