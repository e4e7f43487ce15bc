//! Whether the source's broker is drained, on both sides of each boundary.

use crate::common::caches::{broker, limits, rabbit};
use crate::common::{NOW, at, held, ms, point};
use lifeboat_model::ReasonCode;
use lifeboat_model::decide::{Drain, drain_broker};
use lifeboat_model::evidence::Point;
use lifeboat_model::limits::COUNT_FRESH;
use lifeboat_model::plan::{Engine, InFlight};
use lifeboat_model::request::Mode;

const LIMIT_MS: i64 = 300_000;

fn drained(engine: Engine, mode: Mode, counts: &[Point], since_ms: i64) -> String {
    let limit = limits().broker;
    match drain_broker(&broker(engine), &held(mode), counts, ms(since_ms), limit, NOW) {
        Drain::Done(what) => format!("done: {what}"),
        Drain::Watch(what) => format!("watch: {what}"),
        Drain::Refuse(reason) => {
            assert_eq!((reason.code, reason.resource.as_str()), (ReasonCode::BrokerNotDrained, "broker orders"));
            format!("refuse: {}", reason.detail)
        }
    }
}

#[test]
fn only_what_the_plan_wants_drained_is_and_only_in_a_switchover() {
    let full = [point(NOW, 7.0)];
    for (engine, mode, expected) in [
        (Engine::ActiveMq, Mode::Switchover, "done: its messages are replicated"),
        (Engine::ActiveMq, Mode::Failover, "done: its messages are replicated"),
        (rabbit(InFlight::Accept, 1), Mode::Switchover, "done: the plan accepts what stays in the source"),
        (rabbit(InFlight::Accept, 1), Mode::Failover, "done: the plan accepts what stays in the source"),
        (rabbit(InFlight::Drain, 1), Mode::Failover, "done: in a failover nobody can drain the source"),
    ] {
        assert_eq!(drained(engine, mode, &full, -1000), expected);
    }
    let got = drained(rabbit(InFlight::Drain, 1), Mode::Switchover, &full, -1000);
    assert_eq!(got, format!("watch: 7 messages at {NOW}"));
}

#[test]
fn s8_s9_drained_is_a_fresh_count_of_none_that_is_newer_than_the_shift() {
    let fresh = COUNT_FRESH.as_ms();
    let since = -2 * fresh;
    let unknown = |since: i64| format!("nobody knows how many messages are left: no fresh count since {}", ms(since));
    let table: [(Vec<Point>, i64, Result<i64, String>); 9] = [
        (vec![point(ms(-fresh), 0.0)], since, Ok(-fresh)),
        (vec![point(at(-60), 7.0), point(NOW, 0.0)], since, Ok(0)),
        (vec![point(at(-60), 0.0), point(NOW, 1.0)], since, Err(format!("1 messages at {NOW}"))),
        (vec![point(NOW, 0.25)], since, Err(format!("0.25 messages at {NOW}"))),
        (vec![], since, Err(unknown(since))),
        (vec![point(ms(-fresh - 1), 0.0)], since, Err(unknown(since))),
        (vec![point(NOW, f64::INFINITY)], since, Err(unknown(since))),
        (vec![point(ms(-5000), 0.0)], -5000, Err(unknown(-5000))),
        (vec![point(ms(-4999), 0.0)], -5000, Ok(-4999)),
    ];
    for (counts, since, expected) in table {
        let got = drained(rabbit(InFlight::Drain, 0), Mode::Switchover, &counts, since);
        match expected {
            Ok(empty_at) => assert_eq!(got, format!("done: empty at {}", ms(empty_at))),
            // Six minutes after the shift it is over, five seconds after it is not.
            Err(what) if since == -5000 => assert_eq!(got, format!("watch: {what}")),
            Err(what) => assert_eq!(got, format!("refuse: {what}")),
        }
    }
}

#[test]
fn s13_a_drain_has_an_end_and_what_is_empty_at_the_end_is_drained() {
    let (full, empty) = ([point(NOW, 1.0)], [point(NOW, 0.0)]);
    let engine = || rabbit(InFlight::Drain, 0);
    assert_eq!(drained(engine(), Mode::Switchover, &full, -LIMIT_MS), format!("watch: 1 messages at {NOW}"));
    assert_eq!(drained(engine(), Mode::Switchover, &full, -LIMIT_MS - 1), format!("refuse: 1 messages at {NOW}"));
    assert_eq!(drained(engine(), Mode::Switchover, &empty, -LIMIT_MS - 1), format!("done: empty at {NOW}"));
}
