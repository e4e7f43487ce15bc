//! The orders in which a workload can be moved: ours, and two published ones to compare it with in the same world.
//!
//! Purpose: the same outage, seed by seed, met by the shipped state machine and by what AWS has published for the same
//! workload. Each of the others is an actor that makes the calls its documents make, through the simulated ports: the same
//! latencies, the same darkness, the same checks of the invariants.
//! Guarantees: where a document leaves something open, the choice that is quicker or kinder to it is taken, and written
//! down in the order's own file. No person hesitates: each begins when the alarm's action is invoked, as ours does.
//! Fails when: it cannot; an order that gets stuck ends, and the drill measures what it left.

mod guidance_sample;
mod sequential;

use lifeboat_model::limits::Step;
use lifeboat_model::report::{Lane, Outcome};
use lifeboat_model::request::Mode;
use lifeboat_model::{Period, Region, Timestamp};
use serde_json::json;

use crate::machine::{Ended, EndedBy, Execution, StateError};
use crate::scenario::Scenario;
use crate::service_times::EXECUTION_START;
use crate::world::traffic::SafetyRule;
use crate::world::{RunRecord, SimPorts, StartedBy, World};

/// An order of moving a workload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The shipped state machine and steps.
    #[default]
    Lifeboat,
    /// The runbooks of the published guidance, as they were before it moved to Region switch.
    GuidanceSample,
    /// The Region-switch plan of the sample that followed it: capacity, then databases, then DNS.
    Sequential,
}

impl Order {
    /// Every order, ours first.
    pub const ALL: [Self; 3] = [Self::Lifeboat, Self::GuidanceSample, Self::Sequential];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lifeboat => "lifeboat",
            Self::GuidanceSample => "guidance-sample",
            Self::Sequential => "sequential",
        }
    }

    /// What it does, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Lifeboat => {
                "the shipped state machine: decide, prepare and promote side by side, verify, then traffic"
            }
            Self::GuidanceSample => {
                "the guidance's runbooks: traffic off, then the databases, losing data; nothing awaited or verified"
            }
            Self::Sequential => "AWS's Region-switch sample: capacity, each database, DNS; one after the other",
        }
    }

    /// Whether it can be drilled in `scenario` and `mode`. The others than ours know an outage and a planned move.
    pub fn plays(self, scenario: Scenario, mode: Mode) -> bool {
        match self {
            Self::Lifeboat => scenario.expected(mode).is_some(),
            Self::GuidanceSample | Self::Sequential => matches!(
                (scenario, mode),
                (Scenario::RegionalOutage, Mode::Failover) | (Scenario::PlannedSwitchover, Mode::Switchover)
            ),
        }
    }
}

impl World {
    /// Makes `order` the one that moves the workload here, with what it deploys: the guidance has no safety rule.
    pub(crate) fn follow(&self, order: Order) {
        let mut state = self.state_mut();
        state.order = order;
        state.traffic.safety_rule = match order {
            Order::Lifeboat | Order::Sequential => SafetyRule::OneOn,
            Order::GuidanceSample => SafetyRule::None,
        };
    }

    /// The alarm's action, where the order is not ours: the first transition into ALARM in the target begins it.
    pub(crate) fn alarm_begins(&self, order: Order, region: &Region, into_alarm: bool) {
        if into_alarm && *region == self.state().direction.target {
            self.begin_order(order, Mode::Failover, StartedBy::Alarm);
        }
    }
}

/// How long clients have to be served without a failure before a drill of another order than ours ends: as long as
/// failures with a pause between them count as one disruption.
const QUIET: Period = Period::seconds(30);
/// How long such a drill goes on at the least after its order has ended, which may have awaited nothing: longer than names
/// are kept.
const AFTERMATH: Period = Period::seconds(180);
/// How long it waits for clients to be served at the most.
const PATIENCE: Period = Period::seconds(3600);

/// An order at work: who acts, from where to where.
struct Actor {
    world: World,
    order: Order,
    mode: Mode,
    source: Region,
    target: Region,
}

impl Actor {
    /// The ports of one process that this order starts in the target. What our invariants call a step is told for the
    /// record.
    fn ports(&self, step: Step) -> SimPorts {
        self.world.ports_of(step, &self.target, self.order.name())
    }

    fn log(&self, text: impl Into<String>) {
        self.world.log(Lane::Operator, text);
    }

    fn log_since(&self, from: Timestamp, text: impl Into<String>) {
        self.world.log_since(Lane::Run, from, text);
    }
}

impl World {
    /// Begins another order than ours: at the first call only, so that an alarm that comes again changes nothing.
    pub(crate) fn begin_order(&self, order: Order, mode: Mode, by: StartedBy) {
        let direction = self.state().direction.clone();
        if !self.state().runs.is_empty() {
            return;
        }
        let (source, target) = (direction.source, direction.target);
        let input = json!({"order": order.name(), "target": target, "mode": mode});
        let (id, name) = (order.name().to_owned(), order.name().to_owned());
        let execution = Execution { id, name, input, started_at: self.now() };
        let record = RunRecord { execution, region: target.clone(), started_by: by, ended: None };
        self.state_mut().runs.push(record);
        let actor = Actor { world: self.clone(), order, mode, source, target };
        actor.log(format!("order {} begins in {}", order.name(), actor.target));
        self.executor().spawn(async move { actor.act().await });
    }

    /// Waits until every database is in place and clients have been served for a while, or will not be.
    pub(crate) async fn clients_settle(&self) {
        self.sleep(AFTERMATH).await;
        let until = self.now().plus(PATIENCE);
        while self.now() < until {
            let settled = {
                let state = self.state();
                let failed = state.clients.last.iter().filter_map(|l| l.failure).max();
                let quiet = failed.is_none_or(|at| at.plus(QUIET) <= self.now());
                quiet && state.clients.all_served() && state.aurora.databases.values().all(|db| db.operation.is_none())
            };
            if settled {
                return;
            }
            self.sleep(Period::seconds(1)).await;
        }
    }
}

impl Actor {
    async fn act(&self) {
        self.world.pause(EXECUTION_START).await;
        let result = match self.order {
            // Ours is an execution of the state machine, not an actor.
            Order::Lifeboat => Ok(()),
            Order::GuidanceSample => self.run_guidance_sample().await,
            Order::Sequential => self.run_sequential().await,
        };
        let result = result
            .map(|()| json!({"outcome": Outcome::Completed.as_str()}))
            .map_err(|stuck| StateError::new("Lifeboat.NeedsOperator", stuck));
        let text = match &result {
            Ok(_) => format!("order {} has ended", self.order.name()),
            Err(error) => format!("order {} is stuck: {}", self.order.name(), error.cause),
        };
        self.log(text);
        let ended = Ended { result, transitions: 0, history_events: 0, by: EndedBy::Itself };
        for run in &mut self.world.state_mut().runs {
            run.ended = Some((self.world.now(), ended.clone()));
        }
        self.world.check_ending(self.order.name());
    }
}
