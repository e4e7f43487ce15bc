//! The control API.

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::common::{SOURCE, Served, TARGET, ask, region, send, serve, within};

async fn post(served: &Served, what: &str, body: Value) -> (String, Value) {
    let (head, answer) = ask(served, &format!("POST /simulator/{what}"), "", &[], &body.to_string()).await;
    (head, serde_json::from_str(&answer).expect("JSON"))
}

async fn state(served: &Served) -> Value {
    let (head, answer) = ask(served, "GET /simulator/state", "", &[], "").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    serde_json::from_str(&answer).expect("JSON")
}

#[test]
fn a_person_breaks_and_mends_the_world_and_sees_it() {
    within(async {
        let served = serve(1).await;
        let before = state(&served).await;
        assert_eq!(before["databases"]["orders"]["writer"], SOURCE);
        assert_eq!(before["routing"]["controls"], json!({"us-east-1": "On", "us-west-2": "Off"}));
        assert_eq!(before["alarms"], json!({"us-east-1": "OK", "us-west-2": "OK"}));
        assert_eq!((&before["dark"], &before["runs"]), (&json!({}), &json!([])));
        assert_eq!(before["clients"]["all_served"], true);

        for changed in [true, false] {
            assert_eq!(post(&served, "break", json!({"region": SOURCE})).await.1, json!({"changed": changed}));
        }
        assert!(served.world.is_dark(&region(SOURCE)));
        assert_eq!(served.world.state().outages.len(), 1, "what is broken does not break again");
        assert!(state(&served).await["dark"][SOURCE].is_string());
        for changed in [true, false] {
            assert_eq!(post(&served, "mend", json!({"region": SOURCE})).await.1, json!({"changed": changed}));
        }
        for (what, body) in [
            ("lag", json!({"period": "90s"})),
            ("lag", json!({"period": "0s"})),
            ("endpoint", json!({"region": "eu-west-1", "down": true})),
        ] {
            assert_eq!(post(&served, what, body.clone()).await.1, json!({"changed": true}), "{what} {body}");
        }
        assert_eq!(state(&served).await["routing"]["endpoints_down"], json!(["eu-west-1"]));
        let fault =
            json!({"operation": "rds:FailoverGlobalCluster", "kind": "lost-reply", "times": 2, "place": SOURCE});
        assert_eq!(post(&served, "fault", fault).await.1, json!({"changed": true}));
        assert_eq!(state(&served).await["faults"], json!({"fired": 0}));
    });
}

#[test]
fn an_order_that_is_not_understood_in_full_changes_nothing_and_says_why() {
    within(async {
        let served = serve(1).await;
        let cases = [
            ("break", json!({"region": "mars-1"}), "region"),
            ("break", json!({"region": "eu-central-1"}), "region"),
            ("break", json!({}), "region"),
            ("break", json!({"region": SOURCE, "for": "10m"}), "for"),
            ("break", json!([SOURCE]), "body"),
            ("lag", json!({"period": "90"}), "period"),
            ("endpoint", json!({"region": "eu-west-1"}), "down"),
            ("endpoint", json!({"region": "us-east-2", "down": true}), "region"),
            ("fault", json!({"operation": "rds:DeleteDBCluster", "kind": "throttle"}), "operation"),
            ("fault", json!({"operation": "mq:Promote", "kind": "crash"}), "kind"),
            ("fault", json!({"operation": "mq:Promote", "kind": "silence", "times": 0}), "times"),
        ];
        for (what, body, field) in cases {
            let (head, answer) = post(&served, what, body.clone()).await;
            assert!(head.starts_with("HTTP/1.1 400"), "{what} {body}: {head}");
            assert_eq!(answer["error"]["field"], field, "{what} {body}: {answer}");
            for said in ["found", "expected", "remedy"] {
                assert!(answer["error"][said].as_str().is_some_and(|text| !text.is_empty()), "{what} {body}: {answer}");
            }
        }
        let (head, answer) = post(&served, "advance", json!({})).await;
        assert!(head.starts_with("HTTP/1.1 404"), "{head}");
        assert_eq!(answer["error"]["found"], "POST /simulator/advance");
        assert!(served.world.state().dark.is_empty());
    });
}

#[test]
fn a_request_that_breaks_on_the_line_is_counted_and_an_answer_that_breaks_off_has_begun() {
    within(async {
        let served = serve(1).await;
        let operation = "rds:DescribeGlobalClusters";
        for kind in ["truncated", "closed"] {
            let fault = json!({"operation": operation, "kind": kind, "place": TARGET});
            assert_eq!(post(&served, "fault", fault).await.1, json!({"changed": true}));
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let mut answers = Vec::new();
        for _ in 0..3 {
            let mut answer = Vec::new();
            let mut connection = send(&served, "POST /", "rds", &form, "Action=DescribeGlobalClusters").await;
            connection.read_to_end(&mut answer).await.expect("what there is");
            answers.push(String::from_utf8(answer).expect("text"));
        }
        let [truncated, closed, whole] = answers.as_slice() else { panic!("three answers") };
        let body = |answer: &str| answer.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
        assert!(truncated.starts_with("HTTP/1.1 200"), "{truncated}");
        assert_eq!(body(truncated), body(whole) / 2, "{truncated}");
        assert!(truncated.contains(&format!("content-length: {}", body(whole))), "{truncated}");
        assert!(closed.is_empty(), "{closed}");
        let state = state(&served).await;
        assert_eq!((&state["faults"], &state["requests"]), (&json!({"fired": 2}), &json!({operation: 3})));
    });
}
