//! The operator's commands as a script sees them, against an AWS on this machine.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::pretended::{RUN, plan};

/// A request that contains all of these words gets this status and body.
type Reply = (&'static [&'static str], u16, String);

/// Answers `count` requests, by the first reply that is meant, and returns what it was sent.
fn serve(listener: &TcpListener, replies: &[Reply], count: usize) -> Vec<String> {
    let mut requests = Vec::new();
    for _ in 0..count {
        let (mut stream, _) = listener.accept().expect("a connection");
        let (mut request, mut part) = (String::new(), [0; 4096]);
        let whole = |request: &str| {
            let (head, body) = request.split_once("\r\n\r\n")?;
            let length = head.to_lowercase().split_once("content-length: ")?.1.lines().next()?.parse::<usize>().ok()?;
            (body.len() >= length).then_some(())
        };
        while whole(&request).is_none() {
            let n = stream.read(&mut part).expect("a request");
            request.push_str(&String::from_utf8_lossy(&part[..n]));
        }
        let meant = |(words, ..): &&Reply| words.iter().all(|word| request.contains(word));
        let (_, status, body) = replies.iter().find(meant).unwrap_or_else(|| panic!("no reply to {request}"));
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).expect("the reply is sent");
        requests.push(request);
    }
    requests
}

/// Runs the command against `replies`; `count` requests are expected.
fn lifeboat(arguments: &[&str], replies: Vec<Reply>, count: usize) -> (Output, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let aws = std::thread::spawn(move || serve(&listener, &replies, count));
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-west-2"),
        ("USER", "me"),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
    let output = command.env_clear().envs(variables).args(arguments).output().expect("lifeboat runs");
    (output, aws.join().expect("the pretended AWS"))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stored() -> Vec<Reply> {
    let body = serde_json::to_string(&plan()).expect("JSON");
    vec![
        (&[".GetItem", "\"current\""], 200, json!({"Item": {"version": {"N": "1"}}}).to_string()),
        (&[".GetItem", "version#"], 200, json!({"Item": {"body": {"S": body}}}).to_string()),
        (&[".GetItem"], 200, "{}".to_owned()),
    ]
}

#[test]
fn s14_stop_puts_the_switch_with_one_call_and_says_how_to_clear_it() {
    let replies: Vec<Reply> = vec![(&[".PutItem"], 200, "{}".to_owned())];
    let (run, requests) = lifeboat(&["stop", "--all", "--reason", "it is wrong"], replies, 1);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    assert!(out(&run).contains("lifeboat resume --all"), "{}", out(&run));
    assert!(requests[0].contains("stopped by me: it is wrong"), "{}", requests[0]);
}

#[test]
fn where_nobody_can_be_asked_a_start_needs_yes_and_sends_nothing_without_it() {
    let arguments = ["start", "retail-store", "--target", "us-west-2", "--mode", "switchover"];
    let (run, requests) = lifeboat(&arguments, stored(), 5);
    assert_eq!(run.status.code(), Some(2), "{}", err(&run));
    assert!(
        err(&run).contains("us-east-1 -> us-west-2") && err(&run).contains("--yes: nothing found"),
        "{}",
        err(&run)
    );
    assert!(requests.iter().all(|request| request.contains(".GetItem")), "{requests:#?}");
}

#[test]
fn a_start_goes_to_the_state_machine_of_the_plans_account_in_the_target() {
    let mut replies = stored();
    replies.push((&[".StartExecution"], 200, json!({"executionArn": RUN, "startDate": 1_800_000_000}).to_string()));
    let arguments = ["start", "retail-store", "--target", "us-west-2", "--mode", "switchover", "--yes", "--json"];
    let (run, requests) = lifeboat(&arguments, replies, 6);
    assert_eq!(run.status.code(), Some(0), "{}", err(&run));
    let told: Value = serde_json::from_str(&out(&run)).expect("JSON and nothing else");
    assert_eq!((told["run"].as_str(), told["plan_version"].as_u64()), (Some(RUN), Some(1)));
    let last = requests.last().expect("a start");
    assert!(last.contains("arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat-failover"), "{last}");
    assert!(last.contains("switchover-us-west-2-20"), "{last}");
}

#[test]
fn a_run_is_followed_line_by_line_and_its_outcome_is_the_exit_code() {
    let input = json!({"plan": "retail-store", "target": "us-west-2", "mode": "switchover"}).to_string();
    let execution = json!({"executionArn": RUN, "stateMachineArn": "x", "status": "FAILED", "startDate": 1_800_000_000,
        "stopDate": 1_800_000_009, "input": input, "error": "Lifeboat.Unchanged", "cause": "it is disabled -- mend it"});
    let events = json!({"events": [{"timestamp": 1_800_000_001, "type": "TaskStateEntered", "id": 2, "previousEventId": 0,
        "stateEnteredEventDetails": {"name": "Admit"}}]});
    let mut replies = stored();
    replies.push((&[".DescribeExecution"], 200, execution.to_string()));
    replies.push((&[".GetExecutionHistory"], 200, events.to_string()));
    replies.push((&[".Query"], 200, json!({"Items": []}).to_string()));
    let (run, _) = lifeboat(&["watch", "--run", RUN], replies.clone(), 5);
    assert_eq!(run.status.code(), Some(1), "{}{}", out(&run), err(&run));
    for told in ["> Admit", "= Unchanged", "cause  Lifeboat.Unchanged: it is disabled", "lifeboat report --run arn:"] {
        assert!(out(&run).contains(told), "{told}: {}", out(&run));
    }
    let (run, _) = lifeboat(&["watch", "--run", RUN, "--json"], replies, 5);
    let last = out(&run).lines().last().map(str::to_owned).expect("a line");
    let last: Value = serde_json::from_str(&last).expect("each line is JSON");
    assert_eq!((last["kind"].as_str(), last["outcome"].as_str()), (Some("ended"), Some("Unchanged")));
}

#[test]
fn a_refusal_of_aws_names_the_permission_and_ends_with_4() {
    let denied = json!({"__type": "x#AccessDeniedException", "message": "no"}).to_string();
    for arguments in
        [vec!["history", "retail-store"], vec!["acknowledge", "retail-store"], vec!["watch", "retail-store"]]
    {
        let replies: Vec<Reply> = vec![(&[".GetItem"], 400, denied.clone())];
        let (run, _) = lifeboat(&arguments, replies, 1);
        assert_eq!(run.status.code(), Some(4), "{arguments:?}: {}", err(&run));
        assert!(
            err(&run).contains("allow dynamodb:GetItem") && err(&run).contains("nothing was changed"),
            "{}",
            err(&run)
        );
    }
}

#[test]
fn bad_input_names_its_option_and_sends_nothing() {
    let cases: [(&[&str], &str); 14] = [
        (&["start", "Retail", "--target", "us-west-2", "--mode", "switchover"], "<PLAN>"),
        (&["start", "retail-store", "--target", "west", "--mode", "switchover"], "--target"),
        (&["start", "retail-store", "--target", "us-west-2", "--mode", "move"], "--mode"),
        (&["start", "retail-store", "--target", "us-west-2", "--mode", "failover"], "--max-data-loss"),
        (
            &["start", "retail-store", "--target", "us-west-2", "--mode", "switchover", "--region", "us-east-1"],
            "--region: us-east-1 found, expected us-west-2",
        ),
        (&["rehearse", "retail-store"], "--target"),
        (&["watch"], "<PLAN>"),
        (&["watch", "--run", "run-1"], "--run"),
        (&["stop", "retail-store"], "--reason: nothing found"),
        (&["stop", "--all", "retail-store", "--reason", "x"], "--all"),
        (&["resume"], "<PLAN>"),
        (&["history", "retail-store", "--limit", "1000"], "--limit"),
        (&["report", "retail-store", "--html", "--json"], "--json"),
        (&["plan", "apply", "no/such/file.yaml"], "failed to read no/such/file.yaml"),
    ];
    for (arguments, problem) in cases {
        let (run, _) = lifeboat(arguments, Vec::new(), 0);
        assert_eq!(run.status.code(), Some(2), "{arguments:?}: {}", err(&run));
        assert!(err(&run).contains(problem) && out(&run).is_empty(), "{arguments:?}: {}", err(&run));
    }
}

#[test]
fn a_bucket_or_state_machine_that_is_none_is_told_by_its_name() {
    let (run, _) = lifeboat(&["report", "retail-store", "--bucket", "No Bucket"], Vec::new(), 0);
    assert_eq!(run.status.code(), Some(2));
    assert!(err(&run).contains("LIFEBOAT_BUCKET") && err(&run).contains("nothing was sent"), "{}", err(&run));
}

#[test]
fn approve_reads_the_question_answers_it_and_never_prints_the_token() {
    let question = json!({"Item": {"pk": {"S": "plan#retail-store"}, "sk": {"S": "approval"}, "token": {"S": "much-secret"},
        "run_id": {"S": RUN}, "asked_at": {"N": "1800000000000"}, "expires_at": {"N": "99000000000000"}}});
    let asked: Reply = (&[".GetItem"], 200, question.to_string());
    let too_late = json!({"__type": "TaskTimedOut", "message": "x"}).to_string();
    let cases: [(Vec<Reply>, i32, &str); 3] = [
        (
            vec![asked.clone(), (&[".SendTaskSuccess"], 200, "{}".to_owned())],
            0,
            "approved: the run assesses everything anew",
        ),
        (vec![(&[".GetItem"], 200, "{}".to_owned())], 1, "no run of plan retail-store waits for approval"),
        (vec![asked, (&[".SendTaskSuccess"], 400, too_late)], 1, "no longer open"),
    ];
    for (replies, code, told) in cases {
        let arguments = ["approve", "retail-store", "--reason", "it is down", "--by", "me", "--max-data-loss", "30s"];
        let count = replies.len();
        let (run, requests) = lifeboat(&[&arguments[..], &["--table", "ours"]].concat(), replies, count);
        assert_eq!(run.status.code(), Some(code), "{}{}", out(&run), err(&run));
        let words = out(&run) + &err(&run);
        assert!(words.contains(told) && !words.contains("much-secret"), "{words}");
        assert!(requests[0].contains(r#""TableName":"ours""#), "{}", requests[0]);
        if let Some(answer) = requests.get(1) {
            assert!(words.contains(RUN), "{words}");
            assert!(answer.contains("much-secret") && answer.contains(r#"\"max_data_loss\":\"30s\""#), "{answer}");
        }
    }
}
