//! The runner of state machines, on small machines: what Step Functions documents, and nothing it would not accept.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use lifeboat_model::{Period, Timestamp};
use lifeboat_simulator::executor::Executor;
use lifeboat_simulator::machine::{Ended, Execution, Functions, Invocation, Machine, Observer, Runner, StateError};
use serde_json::{Value, json};

/// A function: what it answers to its nth call with this payload, and after how many seconds.
type Script = dyn Fn(usize, &Value) -> (u32, Result<Value, StateError>);

struct Scripted {
    executor: Executor,
    script: Rc<Script>,
    calls: Rc<RefCell<Vec<(i64, Value)>>>,
    /// What is answered to a task token, and after how many seconds; nobody does where there is none.
    answer: Option<(u32, Value)>,
}

#[async_trait(?Send)]
impl Functions for Scripted {
    fn new_token(&self, _: &Execution, state: &str) -> String {
        format!("token of {state}")
    }

    async fn answer(&self, _: &str) -> Result<Value, StateError> {
        let Some((seconds, answer)) = &self.answer else { return std::future::pending().await };
        self.executor.sleep(Period::seconds(*seconds)).await;
        Ok(answer.clone())
    }

    async fn invoke(&self, invocation: Invocation<'_>) -> Result<Value, StateError> {
        let n = self.calls.borrow().len();
        self.calls.borrow_mut().push((self.executor.now().as_ms(), invocation.payload.clone()));
        let (seconds, result) = (self.script)(n, &invocation.payload);
        self.executor.sleep(Period::seconds(seconds)).await;
        result
    }

    fn now(&self) -> Timestamp {
        self.executor.now()
    }

    async fn sleep(&self, period: Period) {
        self.executor.sleep(period).await;
    }

    fn transition_time(&self) -> Period {
        Period::ms(0)
    }

    fn chance(&self) -> f64 {
        1.0
    }
}

struct Deaf;

impl Observer for Deaf {
    fn entered(&self, _: &Execution, _: &str, _: Option<&str>) {}
    fn left(&self, _: &Execution, _: &str, _: Option<&str>, _: Option<&StateError>) {}
    fn retries(&self, _: &Execution, _: &str, _: Option<&str>, _: &StateError, _: Period) {}
}

/// Runs a machine of these states from `A`; how it ended, when, and the calls it made.
fn run(
    states: Value,
    input: Value,
    script: impl Fn(usize, &Value) -> (u32, Result<Value, StateError>) + 'static,
) -> (Ended, i64, Vec<(i64, Value)>) {
    run_answered(states, input, script, None)
}

/// The same, where somebody answers every task token after so many seconds.
fn run_answered(
    states: Value,
    input: Value,
    script: impl Fn(usize, &Value) -> (u32, Result<Value, StateError>) + 'static,
    answer: Option<(u32, Value)>,
) -> (Ended, i64, Vec<(i64, Value)>) {
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "A", "TimeoutSeconds": 1000, "States": states});
    let machine = Machine::read(&definition.to_string()).expect("a machine");
    let executor = Executor::new(Timestamp::from_ms(0));
    let calls: Rc<RefCell<Vec<(i64, Value)>>> = Rc::default();
    let functions = Scripted { executor: executor.clone(), script: Rc::new(script), calls: Rc::clone(&calls), answer };
    let runner = Runner::new(Rc::new(machine), functions, Deaf);
    let execution = Execution { id: "arn".into(), name: "test".into(), input, started_at: Timestamp::from_ms(0) };
    let ended = executor.run(async move { runner.execute(&execution).await });
    let calls = calls.borrow().clone();
    (ended, executor.now().as_ms(), calls)
}

fn task(more: Value) -> Value {
    let mut task = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
        "Output": "{% $states.result.Payload %}", "TimeoutSeconds": 10,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        task[key] = value.clone();
    }
    task
}

fn retrier(errors: Value, attempts: u32) -> Value {
    json!({"ErrorEquals": errors, "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": attempts, "MaxDelaySeconds": 5, "JitterStrategy": "NONE"})
}

fn failing(error: &'static str) -> impl Fn(usize, &Value) -> (u32, Result<Value, StateError>) {
    move |_, _| (0, Err(StateError::new(error, "why")))
}

#[test]
fn a_retrier_backs_off_up_to_its_cap_and_then_the_catcher_takes_over() {
    let states = json!({
        "A": task(json!({
            "Retry": [retrier(json!(["E"]), 3)],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": {"caught": "{% $states.errorOutput.Error %}"}, "Next": "B"}],
            "End": true,
        })),
        "B": {"Type": "Succeed"},
    });
    let (ended, _, calls) = run(states, json!({}), failing("E"));
    assert_eq!(ended.result, Ok(json!({"caught": "E"})));
    let times: Vec<i64> = calls.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 2_000, 6_000, 11_000]);
}

/// A task that waits for its token, for as long as its input says.
fn asking() -> Value {
    json!({
        "A": task(json!({
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": {"FunctionName": "f", "Payload": {"token": "{% $states.context.Task.Token %}"}},
            "TimeoutSeconds": "{% $states.input.patience_s %}",
            "Output": "{% $states.result %}",
            "Catch": [{"ErrorEquals": ["States.Timeout"], "Output": {"nobody": true}, "Next": "B"}],
            "Next": "B",
        })),
        "B": {"Type": "Succeed"},
    })
}

#[test]
fn a_task_token_is_told_to_the_function_and_its_answer_is_the_result() {
    let well = |_: usize, _: &Value| (1, Ok(json!("asked")));
    let answer = Some((300, json!({"decision": "approve"})));
    let (ended, at, calls) = run_answered(asking(), json!({"patience_s": 600}), well, answer);
    assert_eq!(ended.result, Ok(json!({"decision": "approve"})));
    assert_eq!((at, calls.len()), (301_000, 1));
    assert_eq!(calls[0].1, json!({"token": "token of A"}));
}

#[test]
fn a_task_token_that_nobody_answers_times_out_after_the_time_that_an_expression_gives() {
    let well = |_: usize, _: &Value| (1, Ok(json!("asked")));
    let (ended, at, _) = run(asking(), json!({"patience_s": 600}), well);
    assert_eq!((ended.result, at), (Ok(json!({"nobody": true})), 600_000));
    let (ended, at, _) = run(asking(), json!({"patience_s": 600}), failing("E"));
    assert_eq!((ended.result, at), (Err(StateError::new("E", "why")), 0));
    let (ended, ..) = run(asking(), json!({"patience_s": "long"}), well);
    assert_eq!(ended.result.expect_err("no number").error, "States.QueryEvaluationError");
}

#[test]
fn an_error_that_nobody_meets_ends_the_execution_under_its_name() {
    let states = json!({"A": task(json!({"Retry": [retrier(json!(["Other"]), 3)], "End": true}))});
    let (ended, _, calls) = run(states, json!({}), failing("E"));
    assert_eq!(ended.result, Err(StateError::new("E", "why")));
    assert_eq!(calls.len(), 1);
}

#[test]
fn a_task_that_takes_too_long_times_out_and_the_wildcard_for_failed_tasks_does_not_meet_that() {
    let catch = |name: &str| json!([{"ErrorEquals": [name], "Next": "B"}]);
    for (name, met) in [("States.Timeout", true), ("States.ALL", true), ("States.TaskFailed", false)] {
        let states = json!({"A": task(json!({"Catch": catch(name), "End": true})), "B": {"Type": "Succeed"}});
        let (ended, at, _) = run(states, json!({}), |_, _| (60, Ok(json!(1))));
        assert_eq!(ended.result.is_ok(), met, "{name}");
        assert_eq!(at, 10_000);
    }
}

#[test]
fn the_execution_itself_times_out_and_nothing_catches_that() {
    let states = json!({
        "A": {"Type": "Wait", "Seconds": 400, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "C"}], "Default": "A"},
        "C": {"Type": "Succeed"},
    });
    let (ended, at, _) = run(states, json!({}), |_, _| (0, Ok(json!(1))));
    assert_eq!(ended.result.map_err(|e| e.error), Err("States.Timeout".to_owned()));
    assert_eq!(at, 1_000_000);
}

fn map(more: Value, processor: Value) -> Value {
    let mut map = json!({
        "Type": "Map", "Items": "{% $states.input %}", "MaxConcurrency": 2,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Item", "States": processor}, "End": true,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        map[key] = value.clone();
    }
    map
}

#[test]
fn a_map_keeps_the_order_of_its_items_and_its_limit_of_concurrency() {
    let states = json!({"A": map(json!({}), json!({"Item": task(json!({"End": true}))}))});
    let (ended, at, calls) =
        run(states, json!([3, 1, 2, 1]), |_, payload| (payload.as_f64().unwrap_or(0.0) as u32, Ok(payload.clone())));
    assert_eq!(ended.result, Ok(json!([3, 1, 2, 1])));
    let times: Vec<i64> = calls.iter().map(|(at, _)| *at / 1000).collect();
    assert_eq!(times[..2], [0, 0]);
    assert!(times[2] >= 1 && times[3] >= 3, "{times:?}");
    assert!(at <= 5_000, "{at}");
}

#[test]
fn the_first_failing_item_ends_a_map_and_the_first_failing_branch_a_parallel_state() {
    let slow_or_bad = |_: usize, payload: &Value| match payload.as_str() {
        Some("bad") => (1, Err(StateError::new("E", "bad item"))),
        _ => (9, Ok(json!("slow"))),
    };
    let catch = json!({"Catch": [{"ErrorEquals": ["E"], "Output": "caught", "Next": "B"}], "Next": "B"});
    let mut with_map = map(catch.clone(), json!({"Item": task(json!({"End": true}))}));
    with_map.as_object_mut().expect("a state").remove("End");
    let (ended, at, _) = run(json!({"A": with_map, "B": {"Type": "Succeed"}}), json!(["slow", "bad"]), slow_or_bad);
    assert_eq!((ended.result, at), (Ok(json!("caught")), 1_000));

    let branch = |name: &str, payload: &str| {
        let arguments = json!({"FunctionName": "f", "Payload": payload});
        json!({"StartAt": name, "States": {name: task(json!({"Arguments": arguments, "End": true}))}})
    };
    let parallel = json!({"Type": "Parallel", "Branches": [branch("X", "slow"), branch("Y", "bad")], "Catch": catch["Catch"], "Next": "B"});
    let (ended, at, _) = run(json!({"A": parallel, "B": {"Type": "Succeed"}}), json!({}), slow_or_bad);
    assert_eq!((ended.result, at), (Ok(json!("caught")), 1_000));
}

#[test]
fn a_parallel_state_gives_the_results_of_its_branches_in_order() {
    let branch = |name: &str, payload: u32| {
        let arguments = json!({"FunctionName": "f", "Payload": payload});
        json!({"StartAt": name, "States": {name: task(json!({"Arguments": arguments, "End": true}))}})
    };
    let parallel = json!({"Type": "Parallel", "Branches": [branch("X", 5), branch("Y", 1)], "Output": "{% $states.result[0] %}", "End": true});
    let (ended, at, _) =
        run(json!({"A": parallel}), json!({}), |_, p| (p.as_f64().unwrap_or(0.0) as u32, Ok(p.clone())));
    assert_eq!((ended.result, at), (Ok(json!(5)), 5_000));
}

#[test]
fn variables_are_assigned_from_the_values_at_entry_and_seen_by_later_states_and_inner_scopes() {
    let states = json!({
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x": "{% $y %}", "y": "{% $x %}"}, "Output": [10, 20], "Next": "C"},
        "C": map(json!({"ItemSelector": {"item": "{% $states.context.Map.Item.Value %}", "x": "{% $x %}"}}),
                 json!({"Item": {"Type": "Pass", "Output": "{% $states.input.item + $states.input.x + $y %}", "End": true}})),
    });
    let (ended, ..) = run(states, json!({}), |_, _| (0, Ok(json!(1))));
    assert_eq!(ended.result, Ok(json!([13, 23])));
}

#[test]
fn an_expression_without_a_value_fails_its_state_by_name_and_can_be_caught() {
    let arguments = json!({"FunctionName": "f", "Payload": "{% $states.input.missing %}"});
    let states = json!({
        "A": task(json!({"Arguments": arguments, "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Output": "caught", "Next": "B"}], "End": true})),
        "B": {"Type": "Succeed"},
    });
    let (ended, _, calls) = run(states, json!({}), |_, _| (0, Ok(json!(1))));
    assert_eq!(ended.result, Ok(json!("caught")));
    assert!(calls.is_empty());
}

#[test]
fn a_fail_state_fills_in_its_error_and_cause() {
    let states = json!({"A": {"Type": "Fail", "Error": "{% 'Lifeboat.' & $states.input.outcome %}", "Cause": "plain"}});
    let (ended, ..) = run(states, json!({"outcome": "Unchanged"}), |_, _| (0, Ok(json!(1))));
    assert_eq!(ended.result, Err(StateError::new("Lifeboat.Unchanged", "plain")));
}

#[test]
fn s13_data_of_more_than_256_kib_is_refused_by_name_and_no_wildcard_meets_that() {
    let states = json!({
        "A": task(json!({"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}], "End": true})),
        "B": {"Type": "Succeed"},
    });
    let (ended, ..) = run(states, json!({}), |_, _| (0, Ok(json!("x".repeat(300_000)))));
    assert_eq!(ended.result.map_err(|e| e.error), Err("States.DataLimitExceeded".to_owned()));
}

#[test]
fn what_the_runner_does_not_know_or_cannot_work_is_refused_when_the_machine_is_read() {
    let succeed = json!({"Type": "Succeed"});
    let cases = [
        ("an unknown type", json!({"A": {"Type": "Teleport"}})),
        ("an unknown field", json!({"A": {"Type": "Succeed", "Speed": 9}})),
        ("another resource", json!({"A": task(json!({"Resource": "arn:aws:states:::sns:publish", "End": true}))})),
        ("no way on", json!({"A": task(json!({}))})),
        ("two ways on", json!({"A": task(json!({"Next": "B", "End": true})), "B": succeed})),
        ("a way to nowhere", json!({"A": {"Type": "Pass", "Next": "Nowhere"}})),
        (
            "a catcher to nowhere",
            json!({"A": task(json!({"Catch": [{"ErrorEquals": ["X"], "Next": "Nowhere"}], "End": true}))}),
        ),
        ("no start", json!({"B": succeed})),
        ("a bad expression", json!({"A": {"Type": "Pass", "Output": "{% $states. %}", "End": true}})),
        (
            "an expression that cannot be repeated",
            json!({"A": {"Type": "Pass", "Output": "{% $now() %}", "End": true}}),
        ),
        (
            "a distributed map",
            json!({"A": map(json!({"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "I", "States": {"I": succeed}}}), json!({}))}),
        ),
        ("too many at once", json!({"A": map(json!({"MaxConcurrency": 41}), json!({"Item": succeed}))})),
        (
            "an inner state that assigns an outer variable",
            json!({
                "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
                "B": map(json!({}), json!({"Item": {"Type": "Pass", "Assign": {"x": 2}, "End": true}})),
            }),
        ),
        (
            "no time limit",
            json!({"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "f"}, "End": true}}),
        ),
        (
            "a retrier without a cap",
            json!({"A": task(json!({"Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 3, "JitterStrategy": "FULL"}], "End": true}))}),
        ),
    ];
    for (what, states) in cases {
        let definition = json!({"QueryLanguage": "JSONata", "StartAt": "A", "TimeoutSeconds": 60, "States": states});
        assert!(Machine::read(&definition.to_string()).is_err(), "{what} was accepted");
    }
    assert!(Machine::read("{").is_err());
    let path = json!({"QueryLanguage": "JSONPath", "StartAt": "A", "TimeoutSeconds": 60, "States": {"A": succeed}});
    assert!(Machine::read(&path.to_string()).is_err(), "JSONPath was accepted");
}
