//! What goes wrong in the world at large. What goes wrong with a single call: `every_call`.

use lifeboat_aws::AuroraDatabases;
use lifeboat_ports::{Databases, Fault};
use serde_json::json;

use crate::common::{SOURCE, TARGET, region, send, serve, within};

#[test]
fn a_call_that_nobody_waits_for_any_more_is_carried_out_all_the_same() {
    within(async {
        let served = serve(20).await;
        let arn = |name| &served.plan.routing.controls[&region(name)];
        let entries = [(SOURCE, "Off"), (TARGET, "On")]
            .map(|(name, state)| json!({"RoutingControlArn": arn(name), "RoutingControlState": state}));
        let body = json!({"UpdateRoutingControlStateEntries": entries}).to_string();
        let target = ("x-amz-target", "ToggleCustomerAPI.UpdateRoutingControlStates");
        let connection = send(&served, "POST /", "route53-recovery-cluster", &[target], &body).await;
        // Read, and not yet answered: a call at an endpoint takes the world some milliseconds even at this pace.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        drop(connection);
        for _ in 0..1000 {
            if served.effective("route53-recovery-cluster:UpdateRoutingControlStates") == 1 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        panic!("it was called back");
    });
}

#[test]
fn a_dark_region_gives_no_answer_and_the_other_one_does() {
    within(async {
        let served = serve(60).await;
        served.world.darken(&region(SOURCE));
        let databases = AuroraDatabases::new(&served.environment());
        let database = &served.plan.databases[0];
        for _ in 0..3 {
            let error = databases.describe(database, &region(SOURCE)).await.expect_err("dark");
            // On one port for all Regions a connection is always made, and what breaks after that may have been seen.
            assert!(matches!(error.fault, Fault::Internal | Fault::TimedOut), "{error}");
        }
        databases.describe(database, &region(TARGET)).await.expect("the other Region answers");
        served.world.light(&region(SOURCE));
        databases.describe(database, &region(SOURCE)).await.expect("it is back");
    });
}
