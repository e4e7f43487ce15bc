//! `lifeboat start` and `lifeboat rehearse`.

use clap::Parser;
use lifeboat_cli::args::{Args, Command, Rehearsal, StartArgs};
use lifeboat_cli::exit::{Exit, Failure};
use lifeboat_cli::operator::Told;
use lifeboat_cli::operator::start::{Ports, Wanted, prepare};
use lifeboat_model::Period;
use lifeboat_model::execution::StateMachine;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::request::Purpose;
use lifeboat_ports::{Fault, Started};

use crate::pretended::{NOW, Pretended, RUN, failing, lock, now, plan};

fn parsed(arguments: &str) -> (StartArgs, Purpose) {
    let words = arguments.split('|').flat_map(|quoted| match quoted.strip_prefix('"') {
        Some(text) => vec![text.to_owned()],
        None => quoted.split_whitespace().map(str::to_owned).collect(),
    });
    match Args::try_parse_from(std::iter::once("lifeboat".to_owned()).chain(words)).expect(arguments).command {
        Command::Start(args) => (args, Purpose::Act),
        Command::Rehearse(args) => match args.into_rehearsal().expect("a rehearsal") {
            Rehearsal::Run(args) => (*args, Purpose::Rehearse),
            Rehearsal::Drill(_) => panic!("a drill"),
        },
        other => panic!("{other:?}"),
    }
}

fn started(world: &Pretended, arguments: &str) -> Result<(String, Told), Failure> {
    let (args, purpose) = parsed(arguments);
    let wanted = Wanted::read(&args, purpose, Some("me".to_owned()), NOW)?;
    let ports = Ports { plans: world, switch: world, locks: world, clock: world };
    let machine = StateMachine::Named("lifeboat-failover".to_owned());
    let prepared = now(prepare(wanted, &machine, &ports))?;
    let shown = prepared.in_lines();
    now(prepared.start(world, world)).map(|told| (shown, told))
}

const FAILOVER: &str =
    "start retail-store --target us-west-2 --mode failover --max-data-loss 30s --reason |\"the source is down";
const SWITCHOVER: &str = "start retail-store --target us-west-2 --mode switchover";

#[test]
fn a_switchover_is_started_under_a_name_that_says_what_it_is() {
    let world = Pretended::with(&plan());
    let (shown, told) = started(&world, SWITCHOVER).expect("started");
    let input =
        r#"{"mode":"switchover","plan":"retail-store","target":"us-west-2","trigger":{"kind":"operator","name":"me"}}"#;
    assert_eq!(world.changed(), [format!("start switchover-us-west-2-20270115T080000Z {input}")]);
    assert!(shown.contains("us-east-1 -> us-west-2") && shown.contains("loses nothing"), "{shown}");
    assert!(told.text.contains(&format!("started  {RUN}\n")), "{}", told.text);
    assert!(told.text.contains("console.aws.amazon.com/states/") && told.text.contains("lifeboat watch --run"));
}

#[test]
fn s6_a_failover_carries_the_consent_that_was_given_for_an_hour_unless_said_otherwise() {
    let cases = [
        (FAILOVER.to_owned(), "2027-01-15T09:00:00.000Z"),
        (FAILOVER.replace("--mode", "--expires 10m --mode"), "2027-01-15T08:10:00.000Z"),
    ];
    for (arguments, until) in cases {
        let world = Pretended::with(&plan());
        let (shown, _) = started(&world, &arguments).expect("started");
        let input: serde_json::Value =
            serde_json::from_str(world.changed()[0].splitn(3, ' ').nth(2).expect("an input")).expect("JSON");
        let consent = serde_json::json!({"max_data_loss": "30s", "accepted_by": "me", "reason": "the source is down",
            "expires": until});
        assert_eq!(input["consent"], consent);
        assert!(shown.contains("may lose up to 30s of writes, accepted by me"), "{shown}");
    }
}

#[test]
fn s17_a_rehearsal_says_which_mode_it_rehearses_and_asks_neither_switch_nor_lock() {
    let world = Pretended::with(&plan());
    world.disabled.borrow_mut().insert("all".to_owned(), "stopped by x: y".to_owned());
    world.lock.replace(Some(lock(LockState::Held)));
    for (mode, of) in [("", "failover"), (" --mode switchover", "switchover")] {
        let (shown, _) = started(&world, &format!("rehearse retail-store --target us-west-2{mode}")).expect("started");
        assert!(shown.contains("changes nothing"), "{shown}");
        let change = world.changed().pop().expect("a start");
        assert!(change.contains(r#""mode":"rehearse""#) && change.contains(&format!(r#""of":"{of}""#)), "{change}");
    }
}

#[test]
fn what_is_malformed_or_makes_no_sense_names_its_option_and_starts_nothing() {
    let long = format!("start retail-store --target us-west-2 --mode switchover --reason |\"{}", "x".repeat(501));
    let cases = [
        ("start retail-store --target us-west-2 --mode failover --reason x", "--max-data-loss: nothing found"),
        ("start retail-store --target us-west-2 --mode failover --max-data-loss 30s", "--reason: nothing found"),
        ("start retail-store --target us-west-2 --mode switchover --max-data-loss 30s", "--max-data-loss: 30s found"),
        (
            "start retail-store --target eu-west-1 --mode switchover",
            "--target: eu-west-1 found, expected us-east-1 or us-west-2",
        ),
        (long.as_str(), "--reason: "),
        ("start retail-store --target us-west-2 --mode switchover --by |\"a\nb", "--by: "),
        ("rehearse retail-store --target us-west-2 --max-data-loss 30s", "--reason: nothing found"),
    ];
    for (arguments, problem) in cases {
        let world = Pretended::with(&plan());
        let failure = started(&world, arguments).expect_err(arguments);
        let told = failure.to_string();
        assert!(told.contains(problem) && told.ends_with("nothing was started"), "{told}");
        assert_eq!((failure.exit(), world.changed()), (Exit::BadInput, Vec::new()), "{arguments}");
    }
}

#[test]
fn a_run_that_would_be_refused_is_not_started_and_the_way_out_is_a_command() {
    let free = |lock: Lock| Lock { cool_down_until: Some(NOW.plus(Period::seconds(60))), ..lock };
    let cases = [
        (Some(lock(LockState::Held)), "lock-held", "lifeboat watch retail-store"),
        (Some(lock(LockState::NeedsOperator)), "needs-operator", "lifeboat acknowledge retail-store"),
        (Some(free(lock(LockState::Free))), "cool-down", "lifeboat acknowledge retail-store"),
    ];
    for (lock, reason, way_out) in cases {
        let world = Pretended::with(&plan());
        world.lock.replace(lock);
        let failure = started(&world, FAILOVER).expect_err(reason);
        let told = failure.to_string();
        assert!(told.contains(reason) && told.contains(way_out), "{told}");
        assert_eq!((failure.exit(), world.changed()), (Exit::NotAsExpected, Vec::new()));
    }
}

#[test]
fn s14_while_the_kill_switch_is_set_nothing_is_started() {
    for (scope, way_out) in [("all", "lifeboat resume --all"), ("retail-store", "lifeboat resume retail-store")] {
        let world = Pretended::with(&plan());
        world.disabled.borrow_mut().insert(scope.to_owned(), "stopped by x: y".to_owned());
        let failure = started(&world, SWITCHOVER).expect_err("stopped");
        assert!(failure.to_string().contains("stopped by x: y") && failure.to_string().contains(way_out), "{failure}");
        assert_eq!((failure.exit(), world.changed()), (Exit::NotAsExpected, Vec::new()));
    }
}

#[test]
fn a_plan_that_is_not_stored_says_how_to_store_it() {
    let world = Pretended::default();
    let failure = started(&world, SWITCHOVER).expect_err("no plan");
    assert!(failure.to_string().contains("lifeboat plan apply FILE"), "{failure}");
    assert_eq!(world.changed(), Vec::<String>::new());
}

#[test]
fn s10_a_lost_reply_is_asked_for_again_under_the_same_name_and_then_told_as_unknown() {
    let lost = || Err(failing("states:StartExecution", Fault::TimedOut));
    let world = Pretended::with(&plan());
    world.starts.replace(vec![lost(), Ok(Started::Running(RUN.to_owned()))]);
    started(&world, SWITCHOVER).expect("started");
    let changes = world.changed();
    assert_eq!((changes.len(), &changes[0]), (2, &changes[1]), "the same name and input");
    let world = Pretended::with(&plan());
    world.starts.replace(vec![lost(), lost(), lost(), lost()]);
    let failure = started(&world, SWITCHOVER).expect_err("unknown");
    assert_eq!((failure.exit(), world.changed().len()), (Exit::Unknown, 3));
    assert!(failure.to_string().contains("lifeboat watch --run arn:"), "{failure}");
    for (answer, exit) in [
        (Err(failing("states:StartExecution", Fault::Denied)), Exit::NotDone),
        (Ok(Started::NameTaken), Exit::NotAsExpected),
    ] {
        let world = Pretended::with(&plan());
        world.starts.replace(vec![answer]);
        let failure = started(&world, SWITCHOVER).expect_err("not started");
        assert_eq!((failure.exit(), world.changed().len()), (exit, 1), "{failure}");
    }
}
