//! The runbook's commands, as they are written, with the AWS CLI.

use lifeboat_model::Period;
use lifeboat_model::lock::LockState;
use lifeboat_model::plan::Policy;
use serde_json::{Value, json};

use crate::common::{Served, TARGET, lock, plan, region, serve, within};

const SWITCH: [&str; 6] = [
    "dynamodb",
    "put-item",
    "--table-name",
    "lifeboat",
    "--item",
    r#"{"pk": {"S": "settings"}, "sk": {"S": "all"}, "disabled": {"S": "stopped by NAME: WHY"}}"#,
];

#[test]
fn the_kill_switch_is_set_and_cleared() {
    within(async {
        let served = serve(plan()).await;
        served.aws(&SWITCH).await.expect("set");
        let disabled = served.world.state().table.settings.disabled.clone();
        assert_eq!(disabled.as_deref(), Some("stopped by NAME: WHY"));
        let key = r#"{"pk": {"S": "settings"}, "sk": {"S": "all"}}"#;
        served.aws(&["dynamodb", "delete-item", "--table-name", "lifeboat", "--key", key]).await.expect("cleared");
        assert_eq!(served.world.state().table.settings.disabled, None);
        let item = r#"{"pk": {"S": "plan#retail-store"}, "sk": {"S": "settings"}, "disabled": {"S": "this one"}}"#;
        served.aws(&["dynamodb", "put-item", "--table-name", "lifeboat", "--item", item]).await.expect("set");
        let of_plan = served.world.state().table.settings_of.get(&plan().name).cloned();
        assert_eq!(of_plan.and_then(|s| s.disabled).as_deref(), Some("this one"));
    });
}

/// Starts a run as the runbook says, and returns its ARN.
async fn start(served: &Served, name: &str, input: &str) -> String {
    let machine = format!("arn:aws:states:{TARGET}:111122223333:stateMachine:lifeboat-failover");
    let started = served
        .aws(&["stepfunctions", "start-execution", "--state-machine-arn", &machine, "--name", name, "--input", input])
        .await
        .expect("started");
    started["executionArn"].as_str().expect("an ARN").to_owned()
}

async fn status(served: &Served, arn: &str) -> Value {
    served.aws(&["stepfunctions", "describe-execution", "--execution-arn", arn]).await.expect("described")
}

async fn ended(served: &Served, arn: &str) -> Value {
    loop {
        let described = status(served, arn).await;
        if described["status"] != "RUNNING" {
            return described;
        }
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

#[test]
fn a_rehearsal_is_started_followed_and_its_report_fetched() {
    within(async {
        let served = serve(plan()).await;
        let input = r#"{"plan": "retail-store", "target": "us-west-2", "mode": "rehearse", "of": "switchover"}"#;
        let arn = start(&served, "by-hand", input).await;
        let described = ended(&served, &arn).await;
        assert_eq!(described["status"], "SUCCEEDED", "{described}");
        assert!(described["output"].as_str().is_some_and(|o| o.contains("Rehearsed")), "{described}");
        let history =
            served.aws(&["stepfunctions", "get-execution-history", "--execution-arn", &arn]).await.expect("read");
        let events = history["events"].as_array().expect("events");
        let kinds: Vec<&str> = events.iter().filter_map(|e| e["type"].as_str()).collect();
        let begin = [
            "ExecutionStarted",
            "TaskStateEntered",
            "TaskScheduled",
            "TaskStarted",
            "TaskSucceeded",
            "TaskStateExited",
        ];
        assert_eq!(kinds.get(..6), Some(&begin[..]), "{kinds:?}");
        assert_eq!(kinds.last(), Some(&"ExecutionSucceeded"));
        assert!(kinds.contains(&"ParallelStateSucceeded") && kinds.contains(&"MapIterationSucceeded"), "{kinds:?}");
        let ids: Vec<u64> = events.iter().filter_map(|e| e["id"].as_u64()).collect();
        assert_eq!(ids, (1..=events.len() as u64).collect::<Vec<_>>());
        assert!(events.iter().all(|e| e["previousEventId"].as_u64() < e["id"].as_u64()));
        let report = std::env::temp_dir().join(format!("lifeboat-report-{}.html", std::process::id()));
        let from = "s3://lifeboat-reports-us-west-2/runs/retail-store/by-hand/report.html";
        served.aws(&["s3", "cp", from, &report.to_string_lossy()]).await.expect("fetched");
        assert!(std::fs::read_to_string(&report).expect("a file").contains("Rehearsed"));
        std::fs::remove_file(&report).expect("removed");
        let listed = served.aws(&["s3", "ls", "s3://lifeboat-reports-us-west-2/runs/retail-store/by-hand/"]).await;
        assert!(listed.expect("listed").as_str().is_some_and(|l| l.contains("report.json")));
        let machine = format!("arn:aws:states:{TARGET}:111122223333:stateMachine:lifeboat-failover");
        let runs =
            ["stepfunctions", "list-executions", "--state-machine-arn", &machine, "--status-filter", "SUCCEEDED"];
        assert_eq!(served.aws(&runs).await.expect("listed")["executions"][0]["name"], "by-hand");
        let again = ["stepfunctions", "start-execution", "--state-machine-arn", &machine, "--name", "by-hand"];
        assert!(served.aws(&again).await.expect_err("taken").contains("ExecutionAlreadyExists"));
        assert_eq!(served.world.state().invariants.violations(), 0);
    });
}

#[test]
fn s7_a_refused_run_says_why_and_an_acknowledgement_ends_the_wait_for_a_person() {
    within(async {
        let served = serve(plan()).await;
        let key = [
            "dynamodb",
            "get-item",
            "--table-name",
            "lifeboat",
            "--key",
            r#"{"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}}"#,
        ];
        served.aws(&SWITCH).await.expect("set");
        let arn =
            start(&served, "refused", r#"{"plan": "retail-store", "target": "us-west-2", "mode": "switchover"}"#).await;
        let described = ended(&served, &arn).await;
        assert_eq!((&described["status"], &described["error"]), (&json!("FAILED"), &json!("Lifeboat.Unchanged")));
        assert!(described["cause"].as_str().is_some_and(|c| c.contains("(disabled)")), "{described}");
        // Nobody held the lock, so there is none to acknowledge yet.
        let acknowledge = |now: &str| {
            let values = format!(
                r#"{{":yes": {{"BOOL": true}}, ":free": {{"S": "free"}}, ":held": {{"S": "held"}}, ":now": {{"N": "{now}"}}}}"#
            );
            (
                values,
                [
                    "dynamodb",
                    "update-item",
                    "--table-name",
                    "lifeboat",
                    "--key",
                    r#"{"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}}"#,
                    "--update-expression",
                    "SET acknowledged = :yes, #s = :free",
                    "--condition-expression",
                    "#s <> :held OR lease_expires_at < :now",
                    "--expression-attribute-names",
                    r##"{"#s": "state"}"##,
                    "--expression-attribute-values",
                ],
            )
        };
        let held = {
            let mut state = served.world.state_mut();
            let lock = lock("arn:one", 1, served.world.now());
            state.table.locks.insert(plan().name, lock.clone());
            lock
        };
        let now = served.world.now().as_ms().to_string();
        let (values, command) = acknowledge(&now);
        let refused = served.aws(&[&command[..], &[values.as_str()]].concat()).await.expect_err("a run is alive");
        assert!(refused.contains("ConditionalCheckFailedException"), "{refused}");
        let later = held.lease_expires_at.plus(Period::seconds(1)).as_ms().to_string();
        let (values, command) = acknowledge(&later);
        served.aws(&[&command[..], &[values.as_str()]].concat()).await.expect("acknowledged");
        let lock = served.world.state().table.locks.get(&plan().name).cloned().expect("a lock");
        assert_eq!((lock.state, lock.acknowledged), (LockState::Free, true));
        assert_eq!(served.aws(&key).await.expect("read")["Item"]["state"]["S"], "free");
    });
}

#[test]
fn s6_a_question_is_answered_with_the_token_out_of_the_table_and_once_only() {
    within(async {
        let mut plan = plan();
        plan.automation.policy = Policy::Approve;
        let served = serve(plan).await;
        let token = "token-of-nobody";
        let answer = r#"{"decision": "deny", "by": "NAME", "reason": "WHY"}"#;
        let send = ["stepfunctions", "send-task-success", "--task-token", token, "--task-output", answer];
        assert!(served.aws(&send).await.expect_err("unknown").contains("InvalidToken"));
        let beat = ["stepfunctions", "send-task-heartbeat", "--task-token", token];
        assert!(served.aws(&beat).await.expect_err("unknown").contains("InvalidToken"));
    });
}

#[test]
fn an_execution_is_stopped_and_ends_as_aborted() {
    within(async {
        let served = serve(plan()).await;
        let input = r#"{"plan": "retail-store", "target": "us-west-2", "mode": "switchover"}"#;
        let arn = start(&served, "stopped", input).await;
        let stop =
            ["stepfunctions", "stop-execution", "--execution-arn", &arn, "--error", "Why", "--cause", "I said so"];
        served.aws(&stop).await.expect("stopped");
        let described = ended(&served, &arn).await;
        assert_eq!((&described["status"], &described["error"]), (&json!("ABORTED"), &json!("Why")), "{described}");
        let history =
            ["stepfunctions", "get-execution-history", "--execution-arn", &arn, "--reverse-order", "--max-items", "1"];
        assert_eq!(served.aws(&history).await.expect("read")["events"][0]["type"], "ExecutionAborted");
    });
}

#[test]
fn functions_are_invoked_by_name_and_their_errors_are_theirs() {
    within(async {
        let served = serve(plan()).await;
        let out = std::env::temp_dir().join(format!("lifeboat-invoke-{}.json", std::process::id()));
        let file = out.to_string_lossy().into_owned();
        let invoke = |name: &'static str, payload: &'static str, file: &str| {
            ["lambda", "invoke", "--function-name", name, "--payload", payload, file].map(str::to_owned)
        };
        for name in ["StartRun", "start-run", "arn:aws:lambda:us-west-2:111122223333:function:lifeboat-start-run"] {
            let arguments = invoke(name, r#"{"warm_up": true}"#, &file);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            assert_eq!(served.aws(&arguments).await.expect("invoked")["StatusCode"], 200, "{name}");
            assert_eq!(std::fs::read_to_string(&out).expect("a file"), r#"{"warm":true}"#);
        }
        let arguments = invoke("StartRun", r#"{"no": "event"}"#, &file);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert_eq!(served.aws(&arguments).await.expect("invoked")["FunctionError"], "Unhandled");
        let said: Value = serde_json::from_str(&std::fs::read_to_string(&out).expect("a file")).expect("JSON");
        assert_eq!(said["errorType"], "Lifeboat.Rejected");
        let arguments = invoke("no-such", "{}", &file);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        assert!(served.aws(&arguments).await.expect_err("none").contains("ResourceNotFoundException"));
        let who = served.aws(&["sts", "get-caller-identity"]).await.expect("somebody");
        assert_eq!(who["Account"], "111122223333");
        drop(std::fs::remove_file(&out));
        assert!(served.world.state().dark.is_empty() && !served.world.is_dark(&region(TARGET)));
    });
}
