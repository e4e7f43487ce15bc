//! The scenarios of `lifeboat drill`: what happens, and how it should end.

pub(crate) mod people;
mod play;

use lifeboat_model::Plan;
use lifeboat_model::plan::{Policy, Topology};
use lifeboat_model::report::Outcome;
use lifeboat_model::request::Mode;

/// What happens in a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// The source Region goes dark; the alarm fires; the run goes through.
    RegionalOutage,
    /// A person moves a healthy workload.
    PlannedSwitchover,
    /// A person moves the workload back after an earlier failover.
    Failback,
    /// The source goes dark while the target cannot serve.
    TargetUnhealthy,
    /// The source goes dark while the target is further behind than anybody accepted.
    LagOverLimit,
    /// One database's promotion is accepted and never ends.
    PromotionStalls,
    /// Two people start opposite runs at the same moment.
    TwoOperators,
    /// The source goes dark, and two of the five routing-control endpoints are down.
    RoutingEndpointsDown,
    /// The source comes and goes.
    FlappingAlarm,
    /// Out in a failover and home in a switchover, once the old primary has rejoined.
    RoundTrip,
    /// A cache that is best-effort is promoted and never gets there.
    CacheStalls,
    /// The target's broker does not run.
    BrokerAbsent,
    /// The target has no room for the tasks that it needs.
    CapacityShort,
    /// The alarm asks a person, who says yes.
    ApprovedFailover,
    /// While a person thinks, the source comes back for a while with its replication far behind.
    LagGrowsWhileAsking,
    /// Both Regions serve, and one goes dark.
    ActiveActiveOutage,
    /// Both Regions serve, and a person moves the writers.
    ActiveActiveSwitchover,
    /// A person rehearses a failover of a healthy workload.
    Rehearsal,
}

/// How a scenario should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The outcome of the main run.
    pub outcome: Outcome,
    /// How many executions there are in all.
    pub runs: usize,
    /// How many of them, beside the main run, end Unchanged.
    pub refused: usize,
    /// Whether the workload's traffic moved; `None` where chance decides.
    pub traffic_moved: Option<bool>,
    /// Whether no write may be lost.
    pub loses_nothing: bool,
}

/// The target serves; what was on its way is lost.
const MOVES: Expected =
    Expected { outcome: Outcome::Completed, runs: 1, refused: 0, traffic_moved: Some(true), loses_nothing: false };
/// The target serves, and nothing is lost.
const MOVES_ALL: Expected = Expected { loses_nothing: true, ..MOVES };
/// Nothing happened to the workload.
const STAYS: Expected =
    Expected { outcome: Outcome::Unchanged, traffic_moved: Some(false), loses_nothing: true, ..MOVES };
/// Databases moved, traffic did not.
const STOPS: Expected = Expected { outcome: Outcome::NeedsOperator, traffic_moved: Some(false), ..MOVES };

/// What there is to say of a scenario.
struct Facts {
    name: &'static str,
    about: &'static str,
    /// The modes that it can be drilled in, its own first, and how it should end in each.
    ///
    /// A switchover in an outage and a failover of a healthy source are drilled too: both must be refused.
    endings: &'static [(Mode, Expected)],
}

impl Scenario {
    /// Every scenario.
    pub const ALL: [Self; 18] = [
        Self::RegionalOutage,
        Self::PlannedSwitchover,
        Self::Failback,
        Self::TargetUnhealthy,
        Self::LagOverLimit,
        Self::PromotionStalls,
        Self::TwoOperators,
        Self::RoutingEndpointsDown,
        Self::FlappingAlarm,
        Self::RoundTrip,
        Self::CacheStalls,
        Self::BrokerAbsent,
        Self::CapacityShort,
        Self::ApprovedFailover,
        Self::LagGrowsWhileAsking,
        Self::ActiveActiveOutage,
        Self::ActiveActiveSwitchover,
        Self::Rehearsal,
    ];

    const fn facts(self) -> Facts {
        let (name, about, endings): (_, _, &'static [(Mode, Expected)]) = match self {
            Self::RegionalOutage => (
                "regional-outage",
                "the source Region goes dark, the alarm in the other starts a failover",
                &[(Mode::Failover, MOVES), (Mode::Switchover, STAYS)],
            ),
            Self::PlannedSwitchover => (
                "planned-switchover",
                "a person moves a healthy workload; nothing is lost",
                &[(Mode::Switchover, MOVES_ALL), (Mode::Failover, STAYS)],
            ),
            Self::Failback => (
                "failback",
                "a person moves the workload home after an earlier failover; nothing is lost",
                &[(Mode::Switchover, MOVES_ALL)],
            ),
            Self::TargetUnhealthy => (
                "target-unhealthy",
                "the source goes dark while the target cannot serve; the run refuses",
                &[(Mode::Failover, STAYS)],
            ),
            Self::LagOverLimit => (
                "lag-over-limit",
                "the source goes dark while the target is too far behind; the run refuses",
                &[(Mode::Failover, STAYS)],
            ),
            Self::PromotionStalls => (
                "promotion-stalls",
                "a promotion is accepted and never ends; traffic stays, a person is called",
                &[(Mode::Failover, STOPS)],
            ),
            Self::TwoOperators => (
                "two-operators",
                "two people start opposite runs at once; one runs, one is refused",
                &[(Mode::Switchover, Expected { runs: 2, refused: 1, traffic_moved: None, ..MOVES_ALL })],
            ),
            Self::RoutingEndpointsDown => (
                "routing-endpoints-down",
                "the source goes dark and two of five routing endpoints with it",
                &[(Mode::Failover, MOVES)],
            ),
            Self::FlappingAlarm => {
                ("flapping-alarm", "the source comes and goes; one run, then the cool-down", &[(Mode::Failover, MOVES)])
            }
            Self::RoundTrip => (
                "round-trip",
                "out in a failover, home in a switchover, which waits until the old primary has rejoined",
                &[(Mode::Failover, Expected { runs: 3, refused: 1, ..MOVES })],
            ),
            Self::CacheStalls => (
                "cache-stalls",
                "a best-effort cache never gets promoted; nothing waits for it, the report names it",
                &[(Mode::Failover, MOVES)],
            ),
            Self::BrokerAbsent => (
                "broker-absent",
                "the source goes dark while the target's broker does not run; the run refuses",
                &[(Mode::Failover, STAYS)],
            ),
            Self::CapacityShort => (
                "capacity-short",
                "the target has no room for the tasks that it needs; traffic stays, a person is called",
                &[(Mode::Failover, STOPS)],
            ),
            Self::ApprovedFailover => (
                "approved-failover",
                "the alarm asks a person, who accepts a bounded loss some minutes later",
                &[(Mode::Failover, MOVES)],
            ),
            Self::LagGrowsWhileAsking => (
                "lag-grows-while-asking",
                "before the person says yes the source comes back and falls behind; the new verdict refuses",
                &[(Mode::Failover, STAYS)],
            ),
            Self::ActiveActiveOutage => (
                "active-active-outage",
                "both Regions serve and the writers' goes dark; traffic leaves it before the writers move",
                &[(Mode::Failover, MOVES)],
            ),
            Self::ActiveActiveSwitchover => (
                "active-active-switchover",
                "both Regions serve and the writers move; clients leave the source first, nothing is lost",
                &[(Mode::Switchover, MOVES_ALL)],
            ),
            Self::Rehearsal => (
                "rehearsal",
                "a person rehearses: every step says what it would call, nothing is changed",
                &[
                    (Mode::Failover, Expected { outcome: Outcome::Rehearsed, ..STAYS }),
                    (Mode::Switchover, Expected { outcome: Outcome::Rehearsed, ..STAYS }),
                ],
            ),
        };
        Facts { name, about, endings }
    }

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// What happens, in a line.
    pub const fn about(self) -> &'static str {
        self.facts().about
    }

    /// The mode that it drills unless told otherwise.
    pub fn mode(self) -> Mode {
        self.facts().endings.first().map_or(Mode::Failover, |(mode, _)| *mode)
    }

    /// How it should end in `mode`; `None` when it cannot be drilled in that mode.
    pub fn expected(self, mode: Mode) -> Option<Expected> {
        self.facts().endings.iter().find(|(of, _)| *of == mode).map(|(_, expected)| *expected)
    }

    /// Whether the workload has been failed over before the drill begins, so that the plan's second Region serves.
    pub fn begins_away_from_home(self) -> bool {
        self == Self::Failback
    }

    /// The plan as this scenario needs it: where a person tries a switchover in an outage, no alarm comes before them.
    pub(crate) fn adapt(self, mut plan: Plan, mode: Mode) -> Plan {
        match (self, mode) {
            (Self::RegionalOutage, Mode::Switchover) => plan.automation.policy = Policy::ManualOnly,
            (Self::ApprovedFailover | Self::LagGrowsWhileAsking, _) => {
                plan.automation.policy = Policy::Approve;
                plan.automation.consent = None;
            }
            (Self::ActiveActiveOutage | Self::ActiveActiveSwitchover, _) => plan.topology = Topology::ActiveActive,
            (_, Mode::Switchover | Mode::Failover) => {}
        }
        plan
    }
}
