//! The scenarios of `lifeboat drill`: what happens, and how it should end.

use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::{Consent, Policy};
use lifeboat_model::report::{Lane, Outcome};
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Direction, Period, Plan, Region};
use serde_json::{Value, json};

use crate::world::{BEGINNING, StartedBy, World};

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

/// How long the world runs before anything happens: canaries and metrics have a past then.
const WARM_UP: Period = Period::seconds(300);
/// After the last run ended: how long to wait for every client to be served, a DNS lifetime and more.
const AFTERMATH: Period = Period::seconds(180);
/// How long a drill goes on at the most.
const PATIENCE: Period = Period::seconds(4 * 3600);
/// How long the source is away each time that it flaps.
const FLAP_DARK: Period = Period::seconds(600);
/// How long it is back in between.
const FLAP_LIGHT: Period = Period::seconds(600);

impl Scenario {
    /// Every scenario.
    pub const ALL: [Self; 10] = [
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
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RegionalOutage => "regional-outage",
            Self::PlannedSwitchover => "planned-switchover",
            Self::Failback => "failback",
            Self::TargetUnhealthy => "target-unhealthy",
            Self::LagOverLimit => "lag-over-limit",
            Self::PromotionStalls => "promotion-stalls",
            Self::TwoOperators => "two-operators",
            Self::RoutingEndpointsDown => "routing-endpoints-down",
            Self::FlappingAlarm => "flapping-alarm",
            Self::RoundTrip => "round-trip",
        }
    }

    /// What happens, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::RegionalOutage => "the source Region goes dark, the alarm in the other starts a failover",
            Self::PlannedSwitchover => "a person moves a healthy workload; nothing is lost",
            Self::Failback => "a person moves the workload home after an earlier failover; nothing is lost",
            Self::TargetUnhealthy => "the source goes dark while the target cannot serve; the run refuses",
            Self::LagOverLimit => "the source goes dark while the target is too far behind; the run refuses",
            Self::PromotionStalls => "a promotion is accepted and never ends; traffic stays, a person is called",
            Self::TwoOperators => "two people start opposite runs at once; one runs, one is refused",
            Self::RoutingEndpointsDown => "the source goes dark and two of five routing endpoints with it",
            Self::FlappingAlarm => "the source comes and goes; one run, then the cool-down",
            Self::RoundTrip => {
                "out in a failover, home in a switchover, which waits until the old primary has rejoined"
            }
        }
    }

    /// The mode that it drills unless told otherwise.
    pub const fn mode(self) -> Mode {
        match self {
            Self::PlannedSwitchover | Self::Failback | Self::TwoOperators => Mode::Switchover,
            Self::RegionalOutage
            | Self::TargetUnhealthy
            | Self::LagOverLimit
            | Self::PromotionStalls
            | Self::RoutingEndpointsDown
            | Self::FlappingAlarm
            | Self::RoundTrip => Mode::Failover,
        }
    }

    /// How it should end in `mode`; `None` when it cannot be drilled in that mode.
    ///
    /// A switchover in an outage and a failover of a healthy source are drilled too: both must be refused.
    pub fn expected(self, mode: Mode) -> Option<Expected> {
        let ends = |outcome, traffic_moved, loses_nothing| {
            Some(Expected { outcome, runs: 1, refused: 0, traffic_moved: Some(traffic_moved), loses_nothing })
        };
        match (self, mode) {
            (Self::RegionalOutage | Self::RoutingEndpointsDown | Self::FlappingAlarm, Mode::Failover) => {
                ends(Outcome::Completed, true, false)
            }
            (Self::PlannedSwitchover | Self::Failback, Mode::Switchover) => ends(Outcome::Completed, true, true),
            (Self::RegionalOutage, Mode::Switchover) | (Self::PlannedSwitchover, Mode::Failover) => {
                ends(Outcome::Unchanged, false, true)
            }
            (Self::TargetUnhealthy | Self::LagOverLimit, Mode::Failover) => ends(Outcome::Unchanged, false, true),
            (Self::PromotionStalls, Mode::Failover) => ends(Outcome::NeedsOperator, false, false),
            (Self::RoundTrip, Mode::Failover) => Some(Expected {
                outcome: Outcome::Completed,
                runs: 3,
                refused: 1,
                traffic_moved: Some(true),
                loses_nothing: false,
            }),
            (Self::TwoOperators, Mode::Switchover) => {
                let outcome = Outcome::Completed;
                Some(Expected { outcome, runs: 2, refused: 1, traffic_moved: None, loses_nothing: true })
            }
            (
                Self::Failback
                | Self::TargetUnhealthy
                | Self::LagOverLimit
                | Self::PromotionStalls
                | Self::TwoOperators
                | Self::RoutingEndpointsDown
                | Self::FlappingAlarm
                | Self::RoundTrip,
                _,
            ) => None,
        }
    }

    /// The plan as this scenario needs it: where a person tries a switchover in an outage, no alarm comes before them.
    pub(crate) fn adapt(self, mut plan: Plan, mode: Mode) -> Plan {
        if (self, mode) == (Self::RegionalOutage, Mode::Switchover) {
            plan.automation.policy = Policy::ManualOnly;
        }
        plan
    }

    /// Makes it happen, until there is nothing left to see.
    pub(crate) async fn play(self, world: World, mode: Mode) {
        let Direction { source, target } = world.state().direction.clone();
        self.prepare(&world, &source, &target);
        world.start();
        world.sleep(WARM_UP).await;
        world.sleep(Period::ms(world.below(60_000) as u32)).await;
        match (self, mode) {
            (Self::RegionalOutage, Mode::Switchover) => {
                world.darken(&source);
                world.sleep(Period::seconds(200)).await;
                operator_starts(&world, &target, "moved-by-hand", mode);
            }
            (Self::TargetUnhealthy, _) => {
                world.log(Lane::World, format!("the store's services in {target} fail"));
                world.state_mut().clients.broken_services.push(target.clone());
                world.darken(&source);
            }
            (Self::RegionalOutage | Self::LagOverLimit | Self::PromotionStalls, _) => world.darken(&source),
            (Self::RoutingEndpointsDown, _) => {
                let other = endpoint_outside(&world, &source);
                world.log(Lane::World, format!("the routing-control endpoint in {other} is down"));
                world.state_mut().traffic.endpoints_down.insert(other);
                world.darken(&source);
            }
            (Self::PlannedSwitchover | Self::Failback, _) => operator_starts(&world, &target, "planned-move", mode),
            (Self::TwoOperators, _) => {
                operator_starts(&world, &target, "to-the-target", mode);
                operator_starts(&world, &source, "the-other-way", mode);
            }
            (Self::RoundTrip, _) => go_and_come_home(&world, &source).await,
            (Self::FlappingAlarm, _) => {
                for _ in 0..2 {
                    world.darken(&source);
                    world.sleep(FLAP_DARK).await;
                    world.light(&source);
                    world.sleep(FLAP_LIGHT).await;
                }
            }
        }
        runs_end(&world).await;
        let until = world.now().plus(AFTERMATH);
        while !world.state().clients.all_served() && world.now() < until {
            world.sleep(Period::seconds(1)).await;
        }
        world.sleep(Period::seconds(5)).await;
    }

    fn prepare(self, world: &World, source: &Region, target: &Region) {
        let mut state = world.state_mut();
        match self {
            Self::LagOverLimit => {
                for db in state.aurora.databases.values_mut() {
                    db.extra_lag = Period::seconds(90);
                }
            }
            Self::PromotionStalls => {
                if let Some(db) = state.aurora.databases.values_mut().next_back() {
                    db.stalls = true;
                }
            }
            Self::Failback => {
                let (name, lock) = (state.plan.name.clone(), after_failover(source, target));
                state.table.locks.insert(name, lock);
            }
            Self::RegionalOutage
            | Self::PlannedSwitchover
            | Self::TargetUnhealthy
            | Self::TwoOperators
            | Self::RoutingEndpointsDown
            | Self::FlappingAlarm
            | Self::RoundTrip => {}
        }
    }
}

/// Out by the alarm; then a person acknowledges, tries to go home too early, and goes when the old primary has rejoined.
async fn go_and_come_home(world: &World, home: &Region) {
    world.darken(home);
    runs_end(world).await;
    world.sleep(AFTERMATH).await;
    world.light(home);
    world.log(Lane::Operator, "a person acknowledges the failover");
    acknowledge(world);
    operator_starts(world, home, "home-too-early", Mode::Switchover);
    let patience = world.now().plus(PATIENCE);
    while world.now() < patience && world.state().aurora.databases.values().any(|db| !db.resyncing.is_empty()) {
        world.sleep(Period::seconds(10)).await;
    }
    // The canaries' and the metrics' minutes of a source that is well again.
    world.sleep(WARM_UP).await;
    operator_starts(world, home, "home", Mode::Switchover);
}

/// What a person's acknowledgement does to the lock.
fn acknowledge(world: &World) {
    let now = world.now();
    let mut state = world.state_mut();
    let name = state.plan.name.clone();
    if let Some(lock) = state.table.locks.remove(&name) {
        state.table.locks.insert(name, lock.acknowledged(now));
    }
}

/// The lock as the failover to `now_serving` left it, acknowledged by a person.
fn after_failover(now_serving: &Region, home: &Region) -> Lock {
    let run = Admission {
        run_id: "arn:aws:states:the-earlier-failover".to_owned(),
        plan_version: 1,
        direction: Direction { source: home.clone(), target: now_serving.clone() },
        mode: Mode::Failover,
        consent: None,
        trigger: Trigger::Operator { name: None },
        approval: Approval::NotNeeded,
        admitted_at: BEGINNING,
    };
    Lock {
        epoch: 1,
        state: LockState::Free,
        lease_expires_at: BEGINNING,
        run,
        past_point_of_no_return: true,
        inherits_change: false,
        cool_down_until: Some(BEGINNING.plus(Period::seconds(24 * 3600))),
        acknowledged: true,
    }
}

fn endpoint_outside(world: &World, source: &Region) -> Region {
    let state = world.state();
    let others: Vec<&Region> =
        state.plan.routing.endpoints.iter().map(|e| &e.region).filter(|r| *r != source).collect();
    let n = world.below(others.len());
    others.get(n).map_or_else(|| source.clone(), |r| (*r).clone())
}

/// A person starts a run in `target`. The name is fixed: a drill's executions are told apart by it.
fn operator_starts(world: &World, target: &Region, name: &str, mode: Mode) {
    let plan = world.state().plan.name.clone();
    let mut input =
        json!({"plan": plan, "target": target, "mode": mode, "trigger": {"kind": "operator", "name": "on call"}});
    if mode == Mode::Failover
        && let Some(fields) = input.as_object_mut()
    {
        fields.insert("consent".to_owned(), consent(world));
    }
    world.log(Lane::Operator, format!("a person starts a {} to {target}", mode.as_str()));
    world.start_execution(target, name, input, StartedBy::Operator);
}

fn consent(world: &World) -> Value {
    let consent = Consent {
        max_data_loss: world.state().plan.objectives.rpo,
        accepted_by: "on call".to_owned(),
        reason: "a drill".to_owned(),
        expires: world.now().plus(Period::seconds(3600)),
    };
    serde_json::to_value(consent).unwrap_or(Value::Null)
}

/// Waits for the first execution, and then for the last to end.
async fn runs_end(world: &World) {
    let until = world.now().plus(PATIENCE);
    let started_by = world.now().plus(Period::seconds(1200));
    loop {
        let (any, all_ended) = {
            let state = world.state();
            (!state.runs.is_empty(), state.runs.iter().all(|r| r.ended.is_some()))
        };
        if any && all_ended || !any && world.now() > started_by || world.now() > until {
            return;
        }
        world.sleep(Period::ms(500)).await;
    }
}
