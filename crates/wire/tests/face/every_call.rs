//! Every method of every adapter, met by every fault that the face can put in its way.
//!
//! The clock is tokio's paused one: it goes on when nobody has anything to do, so that deadlines pass at once.

mod mutations;
mod reads;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use lifeboat_aws::DynamoTables;
use lifeboat_model::journal::Effect;
use lifeboat_model::limits::{CALL_TIMEOUT, ENDPOINT_TIMEOUT, READ_TIMEOUT};
use lifeboat_ports::{CallError, Fault, Tables};
use lifeboat_simulator::faults::{FaultKind, Faults};
use lifeboat_wire::control::{KINDS, Kind};
use lifeboat_wire::line::Break;
use serde_json::json;
use tokio::time::Instant;

use self::rows::{Row, Way};
use crate::common::{Served, TARGET, ask, environment, region, serve_all, within_paused};

/// A timer fires on the millisecond after, and the world answers on its own beat of two.
const SLACK: Duration = Duration::from_millis(10);

/// The methods of the ports that call nobody on the face.
const NOT_CALLS: [&str; 2] = [
    // Waits.
    "Clock::sleep",
    // Asks the system's resolver: tested beside it.
    "Names::resolve",
];

fn rows() -> Vec<Row> {
    [reads::rows(), mutations::rows(), vec![mutations::answer()]].concat()
}

/// What a fault of `kind` comes to.
struct Expected {
    /// What the adapter says.
    fault: Fault,
    /// Whether another try may help.
    passes: bool,
    /// Whether the world does what it was asked.
    carried_out: bool,
}

fn expected(row: &Row, kind: Kind) -> Expected {
    let expected = |fault, passes, carried_out| Expected { fault, passes, carried_out };
    let mut expected = match kind {
        Kind::World(FaultKind::Refuse(fault)) => match fault {
            Fault::Throttled => expected(fault, true, false),
            // Only the routing cluster says it in words that prove that nothing was done.
            Fault::Unavailable if row.operation.starts_with("route53") => expected(fault, true, false),
            Fault::Unavailable | Fault::Internal => expected(Fault::Internal, true, false),
            Fault::Denied | Fault::NotFound | Fault::Conflict | Fault::Invalid => expected(fault, false, false),
            Fault::Unreachable | Fault::TimedOut => panic!("no service says {fault:?}"),
        },
        Kind::World(FaultKind::Silence) => expected(Fault::TimedOut, true, false),
        Kind::World(FaultKind::LostReply) => expected(Fault::TimedOut, true, true),
        Kind::World(other) => panic!("the control API has no {other:?}"),
        Kind::Line(Break::Closed) => expected(Fault::Internal, true, false),
        Kind::Line(Break::Truncated) => expected(Fault::Internal, false, true),
    };
    // A change that a read goes before was not sent when that read failed, whatever became of the read.
    if row.way == Way::Before && matches!(expected.fault, Fault::TimedOut | Fault::Internal) {
        expected.fault = Fault::Unavailable;
    }
    expected
}

/// How often one call may be sent, and how long it may take.
fn bounds(way: Way) -> (u32, Duration) {
    match way {
        Way::Read | Way::Before => (2, READ_TIMEOUT.as_duration()),
        Way::Once => (1, CALL_TIMEOUT.as_duration()),
        Way::After => (1, READ_TIMEOUT.as_duration() + CALL_TIMEOUT.as_duration()),
        Way::Endpoint => (1, ENDPOINT_TIMEOUT.as_duration()),
    }
}

/// A world for `row`.
async fn served_for(row: &Row) -> Served {
    let served = serve_all(1).await;
    (row.arrange)(&served).await;
    served
}

/// Puts in by the control API what meets every call of `operation`, and nothing else. The adapters have a connection
/// already, as a warm function has.
async fn put(served: &Served, operation: &str, kind: &str) {
    served.world.state_mut().faults = Faults::default();
    served.line.clear();
    let tables = DynamoTables::new(&served.environment());
    tables.describe(&served.plan.tables[0], &region(TARGET)).await.expect("a connection");
    let order = json!({"operation": operation, "kind": kind, "times": 99});
    let (head, body) = ask(served, "POST /simulator/fault", "", &[], &order.to_string()).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{operation} {kind}: {body}");
}

fn fired(served: &Served) -> u32 {
    served.world.state().faults.fired() + served.line.broken()
}

/// The error of one call, which ended in time.
async fn failure(served: &Served, row: &Row, what: &str) -> CallError {
    let began = Instant::now();
    let error = (row.call)(served).await.expect_err(what);
    let (_, limit) = bounds(row.way);
    assert!(began.elapsed() <= limit + SLACK, "{what}: {:?}", began.elapsed());
    assert_eq!(error.operation, row.operation, "{what}: {error}");
    error
}

/// The call of `row` met by each kind of fault.
async fn meet_every_fault(row: Row) {
    let mut served = served_for(&row).await;
    for (word, kind) in KINDS {
        let what = format!("{} {} {word}", row.method, row.operation);
        let expected = expected(&row, kind);
        if row.is_done(&served) {
            served = served_for(&row).await;
            assert!(!row.is_done(&served), "{what}: before");
        }
        put(&served, row.operation, word).await;
        let (sent, carried_out) = (served.line.arrived(row.operation), served.effective(row.operation));
        let was_fired = fired(&served);
        let error = failure(&served, &row, &what).await;
        assert!(fired(&served) > was_fired, "{what}: the fault did not fire");
        assert_eq!(error.fault, expected.fault, "{what}: {error}");
        let sent = served.line.arrived(row.operation) - sent;
        let (tries, _) = bounds(row.way);
        assert!((1..=tries * row.at_once).contains(&sent), "{what}: sent {sent} times");
        assert!(sent >= tries || !expected.passes, "{what}: sent {sent} times");
        match row.done {
            Some(done) if row.way != Way::Before => {
                assert_eq!(done(&served), expected.carried_out, "{what}: the world's state");
                let times = served.effective(row.operation) - carried_out;
                assert_eq!(times, usize::from(expected.carried_out), "{what}: carried out");
                assert!(!expected.carried_out || error.effect() == Effect::Unknown, "{what}: {error}");
            }
            // The change was not sent.
            Some(done) => assert!(!done(&served) && error.effect() == Effect::None, "{what}: {error}"),
            None => {}
        }
    }
}

#[test]
fn s13_every_read_meets_every_fault_and_is_sent_twice_at_most() {
    drop(within_paused(join_all(reads::rows().into_iter().map(meet_every_fault))));
}

#[test]
fn s10_s13_every_change_meets_every_fault_is_sent_once_and_says_what_it_may_have_done() {
    within_paused(async {
        join_all(mutations::rows().into_iter().map(meet_every_fault)).await;
        meet_every_fault(mutations::answer()).await;
    });
}

#[test]
fn s10_a_call_that_finds_nobody_had_no_effect() {
    within_paused(async {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        for row in rows() {
            let mut served = served_for(&row).await;
            served.environment = environment(&format!("http://{closed}"));
            let began = Instant::now();
            let error = (row.call)(&served).await.expect_err(row.method);
            assert_eq!((error.fault, error.effect()), (Fault::Unreachable, Effect::None), "{}: {error}", row.method);
            assert!(began.elapsed() <= bounds(row.way).1 + SLACK, "{}: {:?}", row.method, began.elapsed());
        }
    });
}

#[test]
fn every_method_of_every_port_has_its_rows_and_calls_nothing_else() {
    let sources = [
        include_str!("../../../ports/src/lib.rs"),
        include_str!("../../../ports/src/operator.rs"),
        include_str!("../../../ports/src/resources.rs"),
        include_str!("../../../ports/src/clock.rs"),
    ];
    let mut methods = BTreeSet::new();
    for source in sources {
        let mut port = "";
        for line in source.lines() {
            let name =
                |after| line.trim_start().strip_prefix(after).and_then(|rest: &str| rest.split(['(', ' ', ':']).next());
            port = name("pub trait ").unwrap_or(port);
            methods.extend(name("async fn ").map(|method| format!("{port}::{method}")));
        }
    }
    methods.retain(|method| !NOT_CALLS.contains(&method.as_str()));
    let mut operations: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows() {
        operations.entry(row.method).or_default().insert(row.operation);
    }
    let known: BTreeSet<String> = operations.keys().map(|method| (*method).to_owned()).collect();
    assert_eq!(methods, known, "a method of a port without a row, or a row without its method");

    within_paused(async {
        for row in rows() {
            let served = served_for(&row).await;
            let before = served.line.arrivals();
            (row.call)(&served).await.unwrap_or_else(|error| panic!("{} without a fault: {error}", row.method));
            let mut after = served.line.arrivals();
            after.retain(|operation, n| before.get(operation) != Some(n));
            let called: BTreeSet<&str> = after.keys().map(String::as_str).collect();
            assert_eq!(Some(&called), operations.get(row.method), "{}: what it calls", row.method);
            assert!(row.done.is_none() || row.is_done(&served), "{}: it is not done", row.method);
            assert!(served.effective(row.operation) > 0, "{}: not carried out", row.method);
        }
    });
}
