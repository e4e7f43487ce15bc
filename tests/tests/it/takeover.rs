//! Two runs, late copies, dead runs, the kill switch: who may act, and who takes over.

use lifeboat_model::limits::{LEASE, Step};
use lifeboat_model::lock::LockState;
use lifeboat_model::report::Outcome;
use lifeboat_model::{Direction, Period};
use lifeboat_simulator::Scenario;
use lifeboat_simulator::World;
use lifeboat_simulator::world::{RunRecord, StartedBy};
use serde_json::json;

use crate::common::{assert_invariants_hold, machine, plan, played, region};

const SEED: u64 = 5;

fn failover_input() -> serde_json::Value {
    let consent = json!({"max_data_loss": "30s", "accepted_by": "on call", "reason": "a test", "expires": "2027-01-01T00:00:00Z"});
    json!({"plan": "retail-store", "target": "us-west-2", "mode": "failover", "consent": consent})
}

async fn settled(world: &World) {
    loop {
        world.sleep(Period::seconds(1)).await;
        if world.state().runs.iter().all(|r| r.ended.is_some()) {
            return;
        }
    }
}

/// A world in which the source has been dark for a while; `story` happens in it.
fn in_outage<T: 'static, F: Future<Output = T> + 'static>(story: impl FnOnce(World) -> F) -> (World, T) {
    let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
    let mut plan = plan();
    plan.automation.policy = lifeboat_model::plan::Policy::ManualOnly;
    let world = World::new(plan, direction, machine(), SEED);
    let inner = world.clone();
    let story = story(world.clone());
    let result = world.executor().run(async move {
        inner.start();
        inner.sleep(Period::seconds(300)).await;
        inner.darken(&region("us-east-1"));
        inner.sleep(Period::seconds(180)).await;
        story.await
    });
    assert_eq!(world.state().invariants.violations(), 0, "{:?}", world.state().invariants.results());
    (world, result)
}

fn outcomes(world: &World) -> Vec<Option<Outcome>> {
    world.state().runs.iter().map(RunRecord::outcome).collect()
}

#[test]
fn s4_the_same_start_twice_is_one_run_and_a_second_start_is_refused_by_the_lock() {
    let (world, _) = in_outage(|world| async move {
        let target = region("us-west-2");
        world.start_execution(&target, "first", failover_input(), StartedBy::Operator);
        world.start_execution(&target, "first", failover_input(), StartedBy::Operator);
        world.sleep(Period::seconds(20)).await;
        world.start_execution(&target, "second", failover_input(), StartedBy::Operator);
        settled(&world).await;
    });
    assert_eq!(outcomes(&world), [Some(Outcome::Completed), Some(Outcome::Unchanged)]);
}

#[test]
fn s10_a_step_delivered_again_after_the_run_ended_changes_nothing() {
    let (world, errors) = in_outage(|world| async move {
        let target = region("us-west-2");
        world.start_execution(&target, "only", failover_input(), StartedBy::Operator);
        settled(&world).await;
        let run_id = world.state().runs.first().map(|r| r.execution.id.clone()).unwrap_or_default();
        let run = json!({"plan": "retail-store", "run_id": run_id, "epoch": 1, "plan_version": 1});
        let mut errors = Vec::new();
        for (step, event) in [
            (Step::Admit, json!({"request": failover_input(), "execution": {"id": run_id}})),
            (Step::Assess, json!({"run": run})),
            (Step::RequestApproval, json!({"run": run, "token": "late"})),
            (Step::IsolateSource, json!({"run": run})),
            (Step::ScaleCompute, json!({"run": run, "resources": ["ui"]})),
            (Step::ScaleCompute, json!({"run": run, "resources": ["ui"], "phase": "release"})),
            (Step::PromoteDatabase, json!({"run": run, "resources": ["orders"]})),
            (Step::PromoteCache, json!({"run": run, "resources": ["checkout"]})),
            (Step::PromoteBroker, json!({"run": run, "resources": ["order-events"]})),
            (Step::CheckTable, json!({"run": run, "resources": ["carts"]})),
            (Step::VerifyWriters, json!({"run": run})),
            (Step::ShiftTraffic, json!({"run": run})),
            (Step::VerifyTraffic, json!({"run": run})),
        ] {
            let error = world.invoke(step, &target, &run_id, event).await.expect_err("a late copy");
            errors.push((step, error.error, error.cause));
        }
        errors
    });
    for (step, error, cause) in errors {
        let word = if step == Step::Admit { "run-ended" } else { "lock-lost" };
        assert!(error == "Lifeboat.Refused" && cause.contains(word), "{step}: {error} {cause}");
    }
    assert_eq!(world.state().aurora.promotions.len(), 2);
    assert_eq!(world.state().traffic.changes.len(), 1);
}

#[test]
fn s5_a_dead_runs_lock_is_reclaimed_after_its_lease_and_its_late_steps_are_fenced() {
    let (world, late) = in_outage(|world| async move {
        let target = region("us-west-2");
        // A run whose state machine died right after admission.
        let event = json!({"request": failover_input(), "execution": {"id": "arn:aws:states:dead"}});
        let admitted = world.invoke(Step::Admit, &target, "arn:aws:states:dead", event).await.expect("admitted");
        let run = admitted.pointer("/evidence/run").cloned().expect("a run");
        world.start_execution(&target, "too-early", failover_input(), StartedBy::Operator);
        settled(&world).await;
        world.sleep(LEASE).await;
        world.start_execution(&target, "in-time", failover_input(), StartedBy::Operator);
        world.sleep(Period::seconds(30)).await;
        let late = world.invoke(Step::ShiftTraffic, &target, "arn:aws:states:dead", json!({"run": run})).await;
        settled(&world).await;
        late
    });
    assert_eq!(outcomes(&world), [Some(Outcome::Unchanged), Some(Outcome::Completed)]);
    assert!(late.is_err_and(|e| e.cause.contains("lock-lost")));
}

#[test]
fn s11_a_run_that_died_after_its_point_of_no_return_is_only_followed_forward() {
    let (world, _) = in_outage(|world| async move {
        let target = region("us-west-2");
        let id = "arn:aws:states:dead";
        let event = json!({"request": failover_input(), "execution": {"id": id}});
        let admitted = world.invoke(Step::Admit, &target, id, event).await.expect("admitted");
        let run = admitted.pointer("/evidence/run").cloned().expect("a run");
        world.invoke(Step::Assess, &target, id, json!({"run": run})).await.expect("go");
        world
            .invoke(Step::PromoteDatabase, &target, id, json!({"run": run, "resources": ["orders"]}))
            .await
            .expect("begun");
        world.sleep(LEASE).await;
        world.sleep(Period::seconds(60)).await;
        world.light(&region("us-east-1"));
        let home = json!({"plan": "retail-store", "target": "us-east-1", "mode": "switchover"});
        world.start_execution(&region("us-east-1"), "back", home, StartedBy::Operator);
        settled(&world).await;
        world.darken(&region("us-east-1"));
        world.sleep(Period::seconds(180)).await;
        world.start_execution(&target, "forward", failover_input(), StartedBy::Operator);
        settled(&world).await;
    });
    assert_eq!(outcomes(&world), [Some(Outcome::Unchanged), Some(Outcome::Completed)]);
    let cause =
        world.state().runs.first().and_then(|r| r.ended.as_ref()?.1.result.as_ref().err().map(|e| e.cause.clone()));
    assert!(cause.is_some_and(|c| c.contains("unfinished-run")));
}

#[test]
fn s14_the_kill_switch_pulled_midway_stops_the_run_before_its_next_mutation() {
    for (wait_s, expected) in [(0, Outcome::Unchanged), (1, Outcome::Unchanged), (30, Outcome::NeedsOperator)] {
        let (world, ()) = in_outage(move |world| async move {
            world.start_execution(&region("us-west-2"), "run", failover_input(), StartedBy::Operator);
            world.sleep(Period::seconds(wait_s)).await;
            world.state_mut().table.settings.disabled = Some("a person said stop".to_owned());
            settled(&world).await;
        });
        assert_eq!(outcomes(&world), [Some(expected)], "pulled after {wait_s} s");
        assert!(world.state().traffic.changes.is_empty(), "traffic moved after the switch was pulled");
    }
}

#[test]
fn s8_looks_that_are_stale_for_a_while_do_not_give_a_promotion_up_for_lost() {
    for (stale_s, expected) in [(5, Outcome::Completed), (20, Outcome::Completed), (60, Outcome::NeedsOperator)] {
        let (world, ()) = in_outage(move |world| async move {
            world.start_execution(&region("us-west-2"), "run", failover_input(), StartedBy::Operator);
            world.sleep(Period::seconds(32)).await;
            // The operations are under way, and for a while no look shows them.
            let hidden: Vec<_> = {
                let mut state = world.state_mut();
                state.aurora.databases.values_mut().map(|db| (db.database.name.clone(), db.operation.take())).collect()
            };
            assert!(hidden.iter().all(|(_, operation)| operation.is_some()), "the promotions were not under way");
            world.sleep(Period::seconds(stale_s)).await;
            for (name, operation) in hidden {
                if let Some(db) = world.state_mut().aurora.databases.get_mut(&name)
                    && db.writer == region("us-east-1")
                {
                    db.operation = operation;
                }
            }
            settled(&world).await;
        });
        assert_eq!(outcomes(&world), [Some(expected)], "stale for {stale_s} s");
    }
}

#[test]
fn from_needs_operator_an_acknowledgement_and_a_new_run_lead_to_completed() {
    let (world, _) = in_outage(|world| async move {
        let target = region("us-west-2");
        if let Some(db) = world.state_mut().aurora.databases.values_mut().next_back() {
            db.stalls = true;
        }
        world.start_execution(&target, "stalls", failover_input(), StartedBy::Operator);
        settled(&world).await;
        world.start_execution(&target, "unacknowledged", failover_input(), StartedBy::Operator);
        settled(&world).await;
        // AWS support cancels the stuck operation; the operator acknowledges.
        for db in world.state_mut().aurora.databases.values_mut() {
            db.stalls = false;
            db.operation = None;
        }
        let name = world.state().plan.name.clone();
        let lock = world.state().table.locks.get(&name).cloned().expect("a lock");
        assert_eq!(lock.state, LockState::NeedsOperator);
        world.state_mut().table.locks.insert(name, lock.acknowledged(world.now()));
        world.start_execution(&target, "again", failover_input(), StartedBy::Operator);
        settled(&world).await;
    });
    assert_eq!(outcomes(&world), [Some(Outcome::NeedsOperator), Some(Outcome::Unchanged), Some(Outcome::Completed)]);
}

#[test]
fn s7_an_alarm_about_a_sick_stand_by_moves_nothing_and_does_not_keep_the_real_failover_out() {
    let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
    let world = World::new(plan(), direction, machine(), SEED);
    let inner = world.clone();
    world.executor().run(async move {
        inner.state_mut().clients.broken_services.push(region("us-west-2"));
        inner.start();
        inner.sleep(Period::seconds(300)).await;
        inner.state_mut().clients.broken_services.clear();
        inner.sleep(Period::seconds(300)).await;
        inner.darken(&region("us-east-1"));
        inner.sleep(Period::seconds(300)).await;
        settled(&inner).await;
    });
    assert_eq!(world.state().invariants.violations(), 0);
    assert_eq!(outcomes(&world), [Some(Outcome::Unchanged), Some(Outcome::Completed)]);
    let first =
        world.state().runs.first().and_then(|r| r.ended.as_ref()?.1.result.as_ref().err().map(|e| e.cause.clone()));
    assert!(first.is_some_and(|cause| cause.contains("already-there")));
}

#[test]
fn s11_a_function_that_outlives_its_aborted_map_cannot_act_behind_the_back_of_conclude() {
    use lifeboat_ports::Fault;
    use lifeboat_simulator::faults::{FaultKind, FaultRule};
    // One database's step is refused at each of its reads in turn, while the other's goes on.
    let mut late = 0;
    for skip in 0..12 {
        for seed in 1..=6 {
            let operation = "dynamodb:Query";
            let rule = FaultRule { operation, place: None, skip, times: 1, kind: FaultKind::Refuse(Fault::Denied) };
            let played = played_with(seed, rule);
            late += u32::from(played.report.outcome == Some(Outcome::NeedsOperator));
            assert_invariants_hold(&played, &format!("denied query {skip}, seed {seed}"));
        }
    }
    assert!(late > 0, "no function outlived its map with a call under way");
}

fn played_with(seed: u64, rule: lifeboat_simulator::faults::FaultRule) -> lifeboat_simulator::Played {
    played(Scenario::RegionalOutage, seed, |world| world.state_mut().faults.add(rule))
}
