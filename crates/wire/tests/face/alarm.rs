//! `SetAlarmState` has the consequences that an evaluation has.

use std::time::Duration;

use crate::common::{Served, ask, serve, within};

async fn set(served: &Served, state: &str) {
    let body = format!(
        "{{\"AlarmName\": \"retail-store-other-region-impaired\", \"StateValue\": \"{state}\", \"StateReason\": \"drill\"}}"
    );
    let target = ("x-amz-target", "GraniteServiceVersion20100801.SetAlarmState");
    let (head, body) = ask(served, "POST /", "monitoring", &[target], &body).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
}

#[test]
fn s4_an_alarm_that_is_set_starts_one_run_however_often_it_is_said() {
    within(async {
        let served = serve(10).await;
        set(&served, "OK").await;
        set(&served, "ALARM").await;
        set(&served, "ALARM").await;
        for _ in 0..1000 {
            if !served.world.state().runs.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        set(&served, "ALARM").await;
        let state = served.world.state();
        assert_eq!(state.runs.len(), 1, "{:?}", state.log.events.last());
        assert_eq!(state.watchers.alarms.len(), 1);
        assert_eq!(state.invariants.violations(), 0);
    });
}
