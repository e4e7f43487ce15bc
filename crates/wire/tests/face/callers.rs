//! Whose calls they are: what a run is held to must be what the run did.

use lifeboat_aws::AuroraDatabases;
use lifeboat_model::limits::Step;
use lifeboat_ports::Databases;
use lifeboat_simulator::world::CallRecord;

use crate::common::{SOURCE, Served, TARGET, region, serve_with, within};

/// The newest call of the world.
fn newest(served: &Served) -> CallRecord {
    served.world.state().lambda.calls.last().cloned().expect("a call")
}

#[test]
fn s8_all_calls_under_an_access_key_are_one_invocation_until_it_leaves() {
    within(async {
        let mut callers = None;
        let served = serve_with(20, |simulation| {
            callers = Some(simulation.callers().clone());
            simulation
        })
        .await;
        let callers = callers.expect("the simulation has some");
        let databases = AuroraDatabases::new(&served.environment());
        let (database, target) = (&served.plan.databases[0], region(TARGET));
        assert!(callers.of("test").is_none());
        databases.describe(database, &target).await.expect("described");
        let before = newest(&served);
        assert_eq!((before.step, before.run_id.as_str()), (Step::PromoteDatabase, ""), "nobody's look");

        callers.enter("test", Step::VerifyWriters, "run-1", &target);
        databases.describe(database, &target).await.expect("described");
        let looked = newest(&served);
        databases.switchover(database, &database.clusters[&target], &region(SOURCE)).await.expect("accepted");
        let changed = newest(&served);
        assert_eq!((looked.step, looked.run_id.as_str()), (Step::VerifyWriters, "run-1"));
        assert_eq!((changed.step, changed.run_id.as_str()), (Step::VerifyWriters, "run-1"));
        assert_eq!(looked.invocation, changed.invocation, "the look counts for the change");

        callers.enter("test", Step::VerifyWriters, "run-1", &target);
        databases.describe(database, &target).await.expect("described");
        assert_ne!(newest(&served).invocation, changed.invocation, "the next invocation has to look for itself");
        callers.leave("test");
        assert!(callers.of("test").is_none());
    });
}

#[test]
fn s4_a_person_who_moves_a_database_without_a_run_violates_what_guards_it() {
    within(async {
        let served = serve_with(20, |simulation| simulation).await;
        let databases = AuroraDatabases::new(&served.environment());
        let (database, target) = (&served.plan.databases[0], region(TARGET));
        databases.describe(database, &region(SOURCE)).await.expect("described");
        assert_eq!(served.world.state().invariants.violations(), 0, "whoever only looks violates nothing");
        databases.switchover(database, &database.clusters[&target], &region(SOURCE)).await.expect("accepted");
        let results = served.world.state().invariants.results();
        for id in ["S4", "S8", "S14", "S15"] {
            assert!(results.get(id).is_some_and(|result| result.violations > 0), "{id}: {results:?}");
        }
    });
}
