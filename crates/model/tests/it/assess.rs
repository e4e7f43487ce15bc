//! Go or refuse: each fault alone, and every two together, are refused for exactly their reasons.

use crate::common::world::{World, good, lag, results};
use crate::common::{NOW, at, cluster, third, west};
use lifeboat_model::ReasonCode;
use lifeboat_model::evidence::{Member, Status, Synchronization};
use lifeboat_model::request::Mode;

const MODES: [Mode; 2] = [Mode::Switchover, Mode::Failover];

/// A way to spoil a good world, and the reasons for which it must be refused.
struct Fault {
    name: &'static str,
    /// What it spoils: two faults of one part do not add up.
    part: &'static str,
    spoil: fn(&mut World),
    switchover: &'static [ReasonCode],
    failover: &'static [ReasonCode],
}

impl Fault {
    fn expected(&self, mode: Mode) -> &'static [ReasonCode] {
        match mode {
            Mode::Switchover => self.switchover,
            Mode::Failover => self.failover,
        }
    }
}

const fn both(name: &'static str, part: &'static str, spoil: fn(&mut World), codes: &'static [ReasonCode]) -> Fault {
    Fault { name, part, spoil, switchover: codes, failover: codes }
}

fn every_fault() -> Vec<Fault> {
    use ReasonCode::{
        DatabaseNotReady, LagOverLimit, LagUnknown, OperationInProgress, RoutingUnknown, SourceHealthy,
        SourceUncertain, SourceUnhealthy, TargetUnhealthy,
    };
    let source = |name, spoil, switchover, failover| Fault { name, part: "source", spoil, switchover, failover };
    vec![
        source(
            "the source is green everywhere",
            |w| ["east-from-west", "east-from-third"].iter().for_each(|c| *w.points(c) = results(0)),
            &[],
            &[SourceHealthy],
        ),
        source(
            "the source is red everywhere",
            |w| ["east-from-west", "east-from-third"].iter().for_each(|c| *w.points(c) = results(3)),
            &[SourceUnhealthy],
            &[],
        ),
        source(
            "one sees the source green, one red",
            |w| {
                *w.points("east-from-west") = results(0);
                *w.points("east-from-third") = results(3);
            },
            &[SourceUnhealthy],
            &[SourceUncertain],
        ),
        source(
            "one sees the source green, one is silent",
            |w| {
                *w.points("east-from-west") = results(0);
                w.points("east-from-third").clear();
            },
            &[],
            &[SourceHealthy],
        ),
        source(
            "one sees the source red, one is silent",
            |w| {
                *w.points("east-from-west") = results(3);
                w.points("east-from-third").clear();
            },
            &[SourceUnhealthy],
            &[SourceUncertain],
        ),
        source(
            "nobody reports on the source",
            |w| w.canaries.retain(|c| !c.canary.starts_with("east-")),
            &[SourceUnhealthy],
            &[SourceUncertain],
        ),
        both("the target is red", "target", |w| *w.points("west-read") = results(1), &[TargetUnhealthy]),
        both(
            "the target is red from outside",
            "target",
            |w| *w.points("west-from-third") = results(1),
            &[TargetUnhealthy],
        ),
        both("the target is silent", "target", |w| w.points("west-read").clear(), &[TargetUnhealthy]),
        both(
            "the target's canary is gone",
            "target",
            |w| w.canaries.retain(|c| c.canary != "west-read"),
            &[TargetUnhealthy],
        ),
        both(
            "nobody reports on the target",
            "target",
            |w| w.canaries.retain(|c| !c.canary.starts_with("west-")),
            &[TargetUnhealthy],
        ),
        both("the target's write canary is red", "target", |w| *w.points("west-write") = results(9), &[]),
        both(
            "an operation goes the other way",
            "database",
            |w| w.operate("switching-over", false),
            &[OperationInProgress],
        ),
        both("an operation goes our way", "database", |w| w.operate("failing-over", true), &[]),
        both(
            "an operation our way is cancelled",
            "database",
            |w| w.operate("cancelling", true),
            &[OperationInProgress],
        ),
        both("the target is no member", "database", |w| w.state().members.retain(|m| m.is_writer), &[DatabaseNotReady]),
        both(
            "the global cluster is not available",
            "database",
            |w| w.state().status = Status::from_aws("upgrading"),
            &[DatabaseNotReady],
        ),
        both(
            "the target's cluster is not available",
            "database",
            |w| {
                if let Some(l) = &mut w.state().local {
                    l.status = Status::from_aws("stopped")
                }
            },
            &[DatabaseNotReady],
        ),
        both(
            "the target's cluster has no instance",
            "database",
            |w| {
                if let Some(l) = &mut w.state().local {
                    l.instances = 0
                }
            },
            &[DatabaseNotReady],
        ),
        both(
            "the target's cluster is another one",
            "database",
            |w| {
                if let Some(l) = &mut w.state().local {
                    l.cluster = cluster(&third(), "catalog")
                }
            },
            &[DatabaseNotReady],
        ),
        both("the target's cluster was not found", "database", |w| w.state().local = None, &[DatabaseNotReady]),
        both(
            "the plan names no cluster in the target",
            "database",
            |w| {
                w.plan.databases[0].clusters.remove(&west());
            },
            &[DatabaseNotReady],
        ),
        both(
            "two members write",
            "database",
            |w| w.state().members.iter_mut().for_each(|m| m.is_writer = true),
            &[DatabaseNotReady],
        ),
        both(
            "a member abroad writes",
            "database",
            |w| {
                w.state().members.iter_mut().for_each(|m| m.is_writer = false);
                let cluster = cluster(&third(), "catalog");
                w.state().members.push(Member { cluster, is_writer: true, synchronization: Synchronization::Unknown })
            },
            &[DatabaseNotReady],
        ),
        Fault {
            failover: &[],
            ..both(
                "nobody writes",
                "database",
                |w| w.state().members.iter_mut().for_each(|m| m.is_writer = false),
                &[DatabaseNotReady],
            )
        },
        both(
            "replication has to start anew",
            "database",
            |w| w.state().members.iter_mut().for_each(|m| m.synchronization = Synchronization::PendingResync),
            &[DatabaseNotReady],
        ),
        Fault {
            failover: &[],
            ..both(
                "replication is not known to work",
                "database",
                |w| w.state().members.iter_mut().for_each(|m| m.synchronization = Synchronization::Unknown),
                &[DatabaseNotReady],
            )
        },
        both(
            "a routing control is unknown",
            "routing",
            |w| {
                w.routing.states.pop_first();
            },
            &[RoutingUnknown],
        ),
        both(
            "both routing controls are unknown",
            "routing",
            |w| w.routing.states.clear(),
            &[RoutingUnknown, RoutingUnknown],
        ),
        both("there is no lag", "lag", |w| w.lag().clear(), &[LagUnknown]),
        both("the lag is no number", "lag", |w| *w.lag() = lag(f64::NAN), &[LagUnknown]),
        both("the lag is infinite", "lag", |w| *w.lag() = lag(f64::INFINITY), &[LagUnknown]),
        both("the lag is negative", "lag", |w| *w.lag() = lag(-1.0), &[LagUnknown]),
        both("the lag is old", "lag", |w| w.lag().retain(|p| p.at < at(-600)), &[LagUnknown]),
        both("the lag is high", "lag", |w| *w.lag() = lag(30_001.0), &[LagOverLimit]),
        Fault {
            failover: &[],
            ..both("the lag is a little high", "lag", |w| *w.lag() = lag(5_001.0), &[LagOverLimit])
        },
    ]
}

fn sorted(codes: impl IntoIterator<Item = ReasonCode>) -> Vec<ReasonCode> {
    let mut codes: Vec<ReasonCode> = codes.into_iter().collect();
    codes.sort_by_key(|c| c.as_str());
    codes
}

#[test]
fn a_good_world_goes() {
    for mode in MODES {
        let verdict = good(mode).verdict();
        assert!(verdict.go(), "{:?}", verdict.reasons);
        assert_eq!(verdict.assessed_at, NOW);
    }
}

#[test]
fn each_fault_alone_is_refused_for_exactly_its_reason() {
    for (fault, mode) in every_fault().iter().flat_map(|f| MODES.map(|m| (f, m))) {
        let mut world = good(mode);
        (fault.spoil)(&mut world);
        assert_eq!(
            world.codes(),
            sorted(fault.expected(mode).iter().copied()),
            "{} in a {}",
            fault.name,
            mode.as_str()
        );
    }
}

#[test]
fn two_faults_are_refused_for_the_reasons_of_both() {
    let faults = every_fault();
    let mut pairs = 0;
    for (first, second) in faults.iter().flat_map(|a| faults.iter().map(move |b| (a, b))) {
        if first.part == second.part {
            continue;
        }
        for mode in MODES {
            let mut world = good(mode);
            (first.spoil)(&mut world);
            (second.spoil)(&mut world);
            let expected = first.expected(mode).iter().chain(second.expected(mode)).copied();
            assert_eq!(world.codes(), sorted(expected), "{}, and {}, in a {}", first.name, second.name, mode.as_str());
            pairs += 1;
        }
    }
    assert!(pairs > 1000, "{pairs}");
}

#[test]
fn every_reason_of_every_database_is_named() {
    for mode in MODES {
        let mut world = good(mode);
        world.databases.iter_mut().for_each(|(state, lag)| {
            state.local = None;
            lag.clear();
        });
        let said: Vec<String> =
            world.verdict().reasons.iter().map(|r| format!("{} {}", r.resource, r.code.as_str())).collect();
        let expected = [
            "database catalog database-not-ready",
            "database orders database-not-ready",
            "database catalog lag-unknown",
            "database orders lag-unknown",
        ];
        assert_eq!(said, expected);
    }
}

#[test]
fn s9_a_database_that_nobody_looked_at_is_a_reason() {
    for mode in MODES {
        let mut world = good(mode);
        world.databases.pop();
        let verdict = world.verdict();
        assert_eq!(world.codes(), [ReasonCode::DatabaseNotReady]);
        assert_eq!(verdict.reasons[0].resource, "database orders");
        assert_eq!(verdict.predicted_rpo_s, if mode == Mode::Failover { None } else { Some(0.0) });
    }
}
