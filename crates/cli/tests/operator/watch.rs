//! `lifeboat watch`.

use std::cell::RefCell;

use lifeboat_cli::exit::{Exit, Failure};
use lifeboat_cli::operator::watch::{Ended, Follow, Ports, find, follow, view};
use lifeboat_model::journal::{Call, Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::{Period, Timestamp};
use lifeboat_ports::{CallError, Execution, ExecutionStatus, Fault, Happened, RunEvent};
use serde_json::json;

use crate::pretended::{NOW, Pretended, RUN, failing, lock, now, plan, region, run};

fn at(seconds: u32) -> Timestamp {
    NOW.plus(Period::seconds(seconds))
}

fn running() -> Execution {
    let consent = json!({"max_data_loss": "30s", "accepted_by": "me", "reason": "it is down",
        "expires": "2027-12-31T00:00:00Z"});
    let input = json!({"plan": "retail-store", "target": "us-west-2", "mode": "failover", "consent": consent});
    Execution {
        status: ExecutionStatus::Running,
        started_at: NOW,
        stopped_at: None,
        input: Some(input.to_string()),
        output: None,
        error: None,
        cause: None,
    }
}

fn completed() -> Execution {
    let output =
        json!({"outcome": "Completed", "report": {"stored": "s3://reports/runs/retail-store/run-1/report.html"}});
    Execution {
        status: ExecutionStatus::Succeeded,
        stopped_at: Some(at(300)),
        output: Some(output.to_string()),
        ..running()
    }
}

fn failed(error: &str) -> Execution {
    let cause =
        r#"Lifeboat.Refused: {"errorMessage":"database orders (lag-over-limit): 90s","errorType":"x"} -- start again"#;
    Execution {
        status: ExecutionStatus::Failed,
        stopped_at: Some(at(120)),
        error: Some(error.to_owned()),
        cause: Some(cause.to_owned()),
        ..running()
    }
}

/// A history: each event follows from the one before, unless `previous` says otherwise.
fn history(events: &[(u32, Happened)]) -> Vec<RunEvent> {
    let numbered = (1_i64..).zip(events);
    numbered.map(|(id, (s, what))| RunEvent { id, previous: id - 1, at: at(*s), what: what.clone() }).collect()
}

fn entered(state: &str) -> Happened {
    Happened::Entered { state: state.to_owned() }
}

fn exited(state: &str) -> Happened {
    Happened::Exited { state: state.to_owned() }
}

fn broke(error: &str, cause: &str) -> Happened {
    Happened::Failed { error: error.to_owned(), cause: cause.to_owned() }
}

/// Half of a failover: two databases are called, one is done, the services are being scaled.
fn half_way() -> Vec<RunEvent> {
    history(&[
        (0, entered("Admit")),
        (1, exited("Admit")),
        (1, entered("AssessAndWarmUp")),
        (1, entered("Assess")),
        (3, exited("Assess")),
        (3, exited("AssessAndWarmUp")),
        (3, entered("MoveWorkload")),
        (3, entered("PrepareAndPromote")),
        (3, entered("ScaleServices")),
        (3, entered("PromoteDatabases")),
        (3, entered("PromoteDatabase")),
    ])
}

fn entry(s: u32, step: Step, resource: &str, note: Note) -> Entry {
    Entry { run_id: RUN.to_owned(), epoch: 1, step, resource: resource.to_owned(), at: at(s), note }
}

fn call(operation: &str) -> Call {
    Call { operation: operation.to_owned(), region: region("us-west-2"), parameters: [].into() }
}

fn journal() -> Vec<Entry> {
    let promote = |s, database, attempt| {
        entry(s, Step::PromoteDatabase, database, Note::Intent { attempt, call: call("rds:FailoverGlobalCluster") })
    };
    let accepted = Note::Outcome { attempt: 1, effect: Effect::Accepted, detail: "request-1".to_owned() };
    vec![
        promote(4, "orders", 1),
        entry(5, Step::PromoteDatabase, "orders", accepted),
        promote(4, "catalog", 1),
        entry(6, Step::ScaleCompute, "checkout", Note::Intent { attempt: 1, call: call("ecs:UpdateService") }),
    ]
}

fn followed(events: &[RunEvent], journal: &[Entry], execution: &Execution) -> Follow {
    let mut follow = Follow::new(run());
    follow.see(&running());
    follow.know(plan());
    follow.hear(events);
    follow.read(journal);
    follow.end(execution);
    follow
}

fn picture(follow: &Follow, s: u32, width: usize, height: usize) -> Vec<String> {
    view::lines(follow, at(s), width, height).into_iter().map(|(_, line)| line).collect()
}

#[test]
fn the_picture_fits_80_columns() {
    let picture = picture(&followed(&half_way(), &journal(), &running()), 93, 80, 60);
    let expected = include_str!("watch-80.txt");
    assert_eq!(picture.join("\n") + "\n", expected);
    assert!(picture.iter().all(|line| line.chars().count() <= 80));
}

#[test]
fn the_picture_uses_200_columns() {
    let picture = picture(&followed(&half_way(), &journal(), &running()), 93, 200, 60);
    let expected = include_str!("watch-200.txt");
    assert_eq!(picture.join("\n") + "\n", expected);
    assert!(picture.iter().all(|line| line.chars().count() <= 200));
}

#[test]
fn no_picture_is_wider_than_its_terminal_nor_higher_unless_it_would_hide_what_is_under_way() {
    let follow = followed(&half_way(), &journal(), &running());
    for width in [20, 40, 80, 120, 200] {
        for height in [12, 16, 24, 50] {
            let picture = picture(&follow, 93, width, height);
            assert!(picture.iter().all(|line| line.chars().count() <= width), "{width}: {picture:#?}");
            assert!(picture.len() <= height, "{height}: {picture:#?}");
            let live = picture.iter().filter(|line| line.contains('\u{25b8}')).count();
            assert_eq!(live, 7, "{width}x{height}: {picture:#?}");
        }
    }
}

#[test]
fn a_state_that_failed_is_marked_and_what_was_within_it_is_broken_off() {
    let mut events = half_way();
    let last = events.len() as i64;
    let more = [
        (100, broke("Lifeboat.Refused", "promotion-stalled")),
        (100, broke("MapStateFailed", "")),
        (100, broke("ParallelStateFailed", "")),
        (100, exited("MoveWorkload")),
        (100, entered("ConcludeFailure")),
    ];
    events.extend(history(&more).into_iter().map(|e| RunEvent { id: e.id + last, previous: e.previous + last, ..e }));
    let picture = picture(&followed(&events, &journal(), &running()), 101, 120, 60);
    let line = |name: &str| picture.iter().find(|line| line.contains(name)).cloned().unwrap_or_default();
    for name in ["MoveWorkload", "PrepareAndPromote", "ScaleServices", "PromoteDatabases", "orders"] {
        assert!(line(name).contains('\u{2717}'), "{name}: {picture:#?}");
    }
    assert!(line("PromoteDatabases").contains("promotion-stalled"), "{picture:#?}");
    assert!(line("ConcludeFailure").contains('\u{25b8}'), "{picture:#?}");
}

#[test]
fn silence_and_a_question_are_told_below_the_steps() {
    let mut follow = followed(&half_way(), &journal(), &running());
    assert_eq!(follow.silent(at(90), &failing("states:DescribeExecution", Fault::TimedOut)).len(), 1);
    let last = |follow: &Follow| picture(follow, 102, 80, 60).pop().expect("a line");
    assert!(last(&follow).starts_with("  no answer since 12 s; trying again (states:Desc"), "{}", last(&follow));
    assert_eq!(follow.answered().len(), 1);
    assert!(!last(&follow).contains("no answer"));
    let asks = followed(
        &history(&[(0, entered("Admit")), (1, exited("Admit")), (4, entered("RequestApproval"))]),
        &[],
        &running(),
    );
    let text = picture(&asks, 10, 100, 60).join("\n");
    assert!(
        text.contains("waits for a person") && text.contains("lifeboat approve retail-store --region us-west-2"),
        "{text}"
    );
    assert!(text.contains("of 30 min"), "{text}");
}

/// Follows a run; answers how it ended, and every line.
fn watched(world: &Pretended) -> (Result<Ended, Failure>, Vec<String>, Vec<serde_json::Value>) {
    let told = RefCell::new((Vec::new(), Vec::new()));
    let mut follow_ = Follow::new(run());
    let ports = Ports { runs: world, journals: world, plans: world, clock: world };
    let ended = now(follow(&mut follow_, &ports, &mut |_, lines, _| {
        let mut told = told.borrow_mut();
        told.0.extend(lines.iter().map(|line| line.in_words(NOW)));
        told.1.extend(lines.iter().map(|line| line.as_json()));
    }));
    let (words, json) = told.into_inner();
    (ended, words, json)
}

fn world(executions: Vec<Result<Option<Execution>, CallError>>) -> Pretended {
    let world = Pretended::with(&plan());
    world.executions.replace(executions);
    world.events.replace(half_way());
    world.journal.replace(journal());
    world
}

#[test]
fn every_outcome_has_its_exit_code_and_its_next_command() {
    let timed_out = Execution { status: ExecutionStatus::TimedOut, error: None, cause: None, ..failed("") };
    let cases = [
        (completed(), "Completed", Exit::AsExpected, "lifeboat acknowledge retail-store"),
        (failed("Lifeboat.Unchanged"), "Unchanged", Exit::NotAsExpected, "lifeboat report --run"),
        (failed("Lifeboat.NeedsOperator"), "NeedsOperator", Exit::NeedsPerson, "lifeboat acknowledge retail-store"),
        (failed("Lifeboat.OutcomeUnknown"), "outcome unknown", Exit::NeedsPerson, "lifeboat report --run"),
        (failed("States.Runtime"), "outcome unknown", Exit::NeedsPerson, "lifeboat report --run"),
        (timed_out, "timed out", Exit::NeedsPerson, "lifeboat report --run"),
        (Execution { status: ExecutionStatus::Aborted, ..failed("") }, "aborted", Exit::NeedsPerson, "lifeboat report"),
    ];
    for (execution, word, exit, next) in cases {
        let (ended, words, json) = watched(&world(vec![Ok(Some(running())), Ok(Some(execution))]));
        let ended = ended.expect("an end");
        assert_eq!((ended.word(), ended.exit()), (word, exit));
        let (_, commands) = ended.next(Some("retail-store"), &run());
        assert!(commands.iter().any(|command| command.starts_with(next)), "{commands:?}");
        assert!(words.last().is_some_and(|line| line.ends_with(&format!("= {word}"))), "{words:#?}");
        assert_eq!(json.last().map(|json| &json["exit"]), Some(&json!(exit.code())));
    }
}

#[test]
fn where_nobody_can_watch_it_move_each_thing_is_told_once_and_in_order_of_looks() {
    let looks = vec![Ok(Some(running())), Ok(Some(running())), Ok(Some(completed()))];
    let (ended, words, json) = watched(&world(looks));
    ended.expect("an end");
    for once in [
        "> Admit",
        "< Admit, took 1 s",
        "> PromoteDatabases",
        "promote-database orders: calls rds:FailoverGlobalCluster",
    ] {
        assert_eq!(words.iter().filter(|line| line.contains(once)).count(), 1, "{once}: {words:#?}");
    }
    assert!(json.iter().all(|json| json["at"].is_string() && json["kind"].is_string()));
    assert!(words.iter().all(|line| !line.contains("WaitFor")), "{words:#?}");
}

#[test]
fn an_answer_that_does_not_come_is_told_once_and_asked_for_again() {
    let silent = || Err(failing("states:DescribeExecution", Fault::Unreachable));
    let looks = vec![Ok(None), Ok(Some(running())), silent(), silent(), Ok(Some(completed()))];
    let (ended, words, _) = watched(&world(looks));
    assert_eq!(ended.expect("an end").word(), "Completed");
    assert_eq!(words.iter().filter(|line| line.contains("no answer")).count(), 1, "{words:#?}");
    assert_eq!(words.iter().filter(|line| line.contains("answers again")).count(), 1, "{words:#?}");
}

#[test]
fn s13_nobody_is_asked_for_ever() {
    let denied = || Err(failing("states:DescribeExecution", Fault::Denied));
    let (ended, words, _) = watched(&world(vec![Ok(Some(running())), denied()]));
    assert_eq!(ended.expect_err("denied").exit(), Exit::NotDone, "{words:?}");
    let (ended, ..) = watched(&world(vec![Ok(None)]));
    assert!(ended.expect_err("no such run").to_string().contains("knows no execution"));
    let silent = world(vec![Err(failing("states:DescribeExecution", Fault::TimedOut))]);
    let (ended, ..) = watched(&silent);
    assert_eq!(ended.expect_err("silent").exit(), Exit::NotDone);
    assert!(silent.elapsed_ms.get() >= 1_800_000 && silent.elapsed_ms.get() < 1_900_000);
}

#[test]
fn the_run_that_holds_the_plan_is_followed_or_else_the_last_that_did() {
    let machine = "lifeboat-failover".parse().expect("a name");
    for state in [LockState::Held, LockState::Free, LockState::NeedsOperator] {
        let world = Pretended::default();
        world.lock.replace(Some(Lock { past_point_of_no_return: true, ..lock(state) }));
        assert_eq!(now(find(&plan(), &machine, &world, &world)).expect("a run"), run());
    }
    let failure = now(find(&plan(), &machine, &Pretended::default(), &Pretended::default())).expect_err("none");
    assert!(failure.to_string().contains("lifeboat start retail-store"), "{failure}");
}
