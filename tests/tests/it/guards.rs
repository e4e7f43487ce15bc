//! Steps that are called out of their order, too late, or twice at once: each guards itself, whatever the state machine does.

use std::cell::RefCell;
use std::rc::Rc;

use lifeboat_model::journal::{Entry, Note};
use lifeboat_model::limits::{Step, VERDICT_FRESH, WRITERS_FRESH};
use lifeboat_model::plan::Policy;
use lifeboat_model::{Direction, Period, Region};
use lifeboat_simulator::World;
use serde_json::{Value, json};

use crate::common::{machine, plan, region};

const RUN: &str = "arn:aws:states:by-hand";

/// The source at the moment at which the run is admitted.
#[derive(Clone, Copy)]
enum Source {
    Dark,
    Well,
}

/// A failover that was admitted, and whose steps a test calls by hand.
#[derive(Clone)]
struct ByHand {
    world: World,
    target: Region,
    run: Value,
}

impl ByHand {
    async fn admitted(world: World) -> Self {
        let consent = json!({"max_data_loss": "30s", "accepted_by": "on call", "reason": "a test", "expires": "2027-01-01T00:00:00Z"});
        let request = json!({"plan": "retail-store", "target": "us-west-2", "mode": "failover", "consent": consent});
        let event = json!({"request": request, "execution": {"id": RUN}});
        let target = region("us-west-2");
        let answer = world.invoke(Step::Admit, &target, RUN, event).await.expect("admitted");
        let run = answer.pointer("/evidence/run").cloned().expect("a run");
        Self { world, target, run }
    }

    /// What `step` answers to its run's message, or the words in which it fails.
    async fn call(&self, step: Step) -> Result<Value, String> {
        self.send(step, json!({"run": self.run})).await
    }

    async fn promote(&self, databases: &[&str]) -> Result<Value, String> {
        self.send(Step::PromoteDatabase, json!({"run": self.run, "resources": databases})).await
    }

    async fn send(&self, step: Step, event: Value) -> Result<Value, String> {
        self.world.invoke(step, &self.target, RUN, event).await.map_err(|e| format!("{}: {}", e.error, e.cause))
    }

    async fn promote_all(&self) {
        while self.promote(&["orders", "catalog"]).await.expect("promoted")["status"] != "done" {}
    }
}

/// Plays `story` with an admitted failover. Whatever the story does, every invariant has to hold.
fn by_hand<T: 'static, F: Future<Output = T> + 'static>(
    source: Source,
    story: impl FnOnce(ByHand) -> F + 'static,
) -> (World, T) {
    let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
    let mut plan = plan();
    plan.automation.policy = Policy::ManualOnly;
    let world = World::new(plan, direction, machine(), 5);
    let inner = world.clone();
    let result = world.executor().run(async move {
        inner.start();
        inner.sleep(Period::seconds(300)).await;
        match source {
            Source::Well => {}
            Source::Dark => inner.darken(&region("us-east-1")),
        }
        inner.sleep(Period::seconds(180)).await;
        story(ByHand::admitted(inner).await).await
    });
    assert_eq!(world.state().invariants.violations(), 0, "{:?}", world.state().invariants.results());
    (world, result)
}

fn assert_refused(result: &Result<Value, String>, reason: &str) {
    assert!(result.as_ref().is_err_and(|words| words.contains(reason)), "not refused as {reason}: {result:?}");
}

fn just_over(period: Period) -> Period {
    Period::ms(u32::try_from(period.as_ms()).expect("minutes") + 1_000)
}

#[test]
fn s3_writers_that_have_not_moved_are_not_verified_and_traffic_does_not_move() {
    let (world, (verified, shifted)) = by_hand(Source::Dark, |run| async move {
        run.call(Step::Assess).await.expect("go");
        (run.call(Step::VerifyWriters).await, run.call(Step::ShiftTraffic).await)
    });
    assert_refused(&verified, "writer-not-verified");
    assert_refused(&shifted, "writers-unverified");
    assert!(!world.state().table.journal.iter().any(|e| e.note == Note::WritersVerified));
    assert!(world.state().traffic.changes.is_empty());
}

#[test]
fn s3_traffic_does_not_move_on_a_word_about_the_writers_that_is_over_two_minutes_old() {
    let (world, (late, anew)) = by_hand(Source::Dark, |run| async move {
        run.call(Step::Assess).await.expect("go");
        run.promote_all().await;
        run.call(Step::VerifyWriters).await.expect("verified");
        run.world.sleep(just_over(WRITERS_FRESH)).await;
        let late = run.call(Step::ShiftTraffic).await;
        run.call(Step::VerifyWriters).await.expect("verified again");
        (late, run.call(Step::ShiftTraffic).await)
    });
    assert_refused(&late, "writers-unverified");
    assert_eq!(anew.expect("moved")["status"], "done");
    assert_eq!(world.state().traffic.changes.len(), 1);
}

#[test]
fn s8_nothing_is_promoted_on_a_verdict_that_is_missing_or_over_two_minutes_old() {
    let (world, (before, late)) = by_hand(Source::Dark, |run| async move {
        let before = run.promote(&["orders"]).await;
        run.call(Step::Assess).await.expect("go");
        run.world.sleep(just_over(VERDICT_FRESH)).await;
        (before, run.promote(&["orders"]).await)
    });
    assert_refused(&before, "verdict-stale");
    assert_refused(&late, "verdict-stale");
    assert!(world.state().aurora.promotions.is_empty());
}

#[test]
fn s9_nothing_is_promoted_on_a_verdict_to_refuse() {
    let (world, (assessed, promoted)) =
        by_hand(Source::Well, |run| async move { (run.call(Step::Assess).await, run.promote(&["orders"]).await) });
    assert_refused(&assessed, "source-healthy");
    assert_refused(&promoted, "the verdict was to refuse");
    assert!(world.state().aurora.promotions.is_empty());
}

#[test]
fn s10_s15_of_two_copies_of_a_step_at_the_same_moment_one_makes_the_call() {
    let (world, errors) = by_hand(Source::Dark, |run| async move {
        run.call(Step::Assess).await.expect("go");
        let answers: Rc<RefCell<Vec<Result<Value, String>>>> = Rc::default();
        for _ in 0..2 {
            let (run, answers) = (run.clone(), Rc::clone(&answers));
            run.world.clone().executor().spawn(async move {
                let answer = run.promote(&["orders"]).await;
                answers.borrow_mut().push(answer);
            });
        }
        while answers.borrow().len() < 2 {
            run.world.sleep(Period::seconds(1)).await;
        }
        answers.take().into_iter().filter_map(Result::err).collect::<Vec<_>>()
    });
    let [error] = errors.as_slice() else { panic!("one of the two gives way: {errors:?}") };
    assert!(error.starts_with("Lifeboat.Ambiguous") && error.contains("another copy of this step"), "{error}");
    let calls = world.state().lambda.calls.iter().filter(|c| c.operation == "rds:FailoverGlobalCluster").count();
    assert_eq!(calls, 1);
}

#[test]
fn s16_a_step_touches_nothing_that_is_not_in_the_plan() {
    let (world, results) = by_hand(Source::Dark, |run| async move {
        run.call(Step::Assess).await.expect("go");
        let mut results = Vec::new();
        for step in [Step::PromoteDatabase, Step::PromoteCache, Step::PromoteBroker, Step::ScaleCompute] {
            let event = json!({"run": run.run, "resources": ["somebody-elses"]});
            results.push(run.send(step, event).await);
        }
        results
    });
    for result in &results {
        assert_refused(result, "Lifeboat.Rejected");
        assert_refused(result, "somebody-elses");
    }
    let is_intent = |e: &&Entry| e.run_id == RUN && matches!(e.note, Note::Intent { .. });
    assert_eq!(world.state().table.journal.iter().filter(is_intent).count(), 0);
}
