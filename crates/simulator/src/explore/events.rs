//! What happens in the world while a run goes on: outages, people, clocks, the platform.

use std::collections::BTreeSet;

use lifeboat_model::evidence::Switch;
use lifeboat_model::report::Lane;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Arn, Direction, Period, Region};

use crate::machine::StateError;
use crate::scenario::people::{mode_of, operator_starts, request_of};
use crate::world::{Caller, StartedBy, World};

/// Something that happens just before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The source goes dark and stays dark.
    SourceDark,
    /// The source is dark for a moment.
    SourceBlinks,
    /// The source comes back, where it was dark.
    SourceBack,
    /// Whatever the source answers takes seconds, for a while.
    SourceSlow,
    /// The databases' control plane of the source does not answer, for a while.
    SourceDatabasesDark,
    /// The workload's services in the target fail, for a while.
    TargetImpaired,
    /// The Region that the run executes in is dark for a while.
    HomeDark,
    /// No endpoint of the routing controls answers, for a while.
    EndpointsDown,
    /// A person pulls the kill switch.
    KillSwitch,
    /// A person stops the run.
    Stop,
    /// The consent that the run acts under is over; a call whose last look has just been made is still within it.
    ConsentExpires,
    /// A person starts the same once more.
    StartAgain,
    /// A person starts a run in the opposite direction, in the other Region.
    StartOpposite,
    /// A person starts the same, in the other Region.
    StartElsewhere,
    /// The alarm calls, in the target.
    Alarm,
    /// A person moves traffic to the target by hand.
    HandToTarget,
    /// A person moves traffic to the source by hand.
    HandToSource,
    /// The invocation that makes the call is delivered to a second process as well.
    DeliveredTwice,
    /// The invocation that makes the call is delivered once more after the run has ended.
    DeliveredLate,
    /// Somebody stops the execution, which Step Functions then abandons.
    Aborted,
    /// Somebody stops the execution, and redrives it a moment later.
    Redriven,
    /// The clocks of the target are ahead of all others from now on, by as much as is allowed.
    ClockAhead,
    /// The same, behind.
    ClockBehind,
}

/// A moment that a retry gets over.
const BLINK: Period = Period::seconds(15);
/// A while that no single step's patience gets over.
const WHILE: Period = Period::seconds(75);
/// Longer than a run takes after most calls of it.
const LATE: Period = Period::seconds(400);
/// From the last look at the lock until the call is sent.
const SENT: Period = Period::ms(500);
/// What one Region's clocks may be off: SAFETY promises nothing beyond a minute.
const CLOCK_OFF_MS: i64 = 55_000;
/// How much longer a slow Region takes for an answer.
const SLOWER: u32 = 12;

impl World {
    /// Lets `event` happen, while `caller` is about to call.
    pub(super) fn happen(&self, event: Event, caller: &Caller) {
        let Direction { source, target } = self.state().direction.clone();
        match event {
            Event::SourceDark => self.darken_once(&source),
            Event::SourceBlinks => self.dark_for(&source, BLINK),
            Event::SourceBack => {
                if self.is_dark(&source) {
                    self.light(&source);
                }
            }
            Event::SourceSlow => {
                let until = self.now().plus(WHILE);
                _ = self.with_explored(|explored| explored.slow = Some((source, until)));
            }
            Event::SourceDatabasesDark => {
                let until = self.now().plus(WHILE);
                _ = self.with_explored(|explored| explored.out = Some((source, "rds:", until)));
            }
            Event::TargetImpaired => {
                self.state_mut().clients.broken_services.push(target.clone());
                self.after(WHILE, move |world| {
                    world.state_mut().clients.broken_services.retain(|region| *region != target);
                });
            }
            Event::HomeDark => self.dark_for(&caller.home, WHILE),
            Event::EndpointsDown => {
                let before = self.state().traffic.endpoints_down.clone();
                let all: BTreeSet<Region> =
                    self.state().plan.routing.endpoints.iter().map(|e| e.region.clone()).collect();
                if before != all {
                    self.state_mut().traffic.endpoints_down = all;
                    self.after(WHILE, move |world| world.state_mut().traffic.endpoints_down = before);
                }
            }
            Event::KillSwitch => self.state_mut().table.settings.disabled = Some("a person said stop".to_owned()),
            Event::ConsentExpires => {
                let now = self.now();
                let mut state = self.state_mut();
                let plan = state.plan.name.clone();
                let consent = state.table.locks.get_mut(&plan).and_then(|lock| lock.run.consent.as_mut());
                if let Some(consent) = consent {
                    consent.expires = now.plus(SENT);
                }
            }
            // Whether the stop is accepted is for the lock to say.
            Event::Stop => _ = self.stop_run("on call: explored"),
            Event::StartAgain => operator_starts(self, &target, "again", mode_of(self), Purpose::Act),
            // A Region that is dark starts nothing.
            Event::StartOpposite | Event::StartElsewhere if self.is_dark(&source) => {}
            Event::StartOpposite => operator_starts(self, &source, "opposite", Mode::Switchover, Purpose::Act),
            Event::StartElsewhere => {
                let request = request_of(self, &target, mode_of(self), Purpose::Act);
                _ = self.start_execution(&source, "elsewhere", request, StartedBy::Operator);
            }
            Event::Alarm => {
                let (world, event) = (self.clone(), self.alarm_event(&target, self.now(), true));
                self.executor().spawn(async move { world.trigger(&target, event).await });
            }
            Event::HandToTarget => self.move_by_hand(&target),
            Event::HandToSource => self.move_by_hand(&source),
            Event::DeliveredTwice => {
                let (world, caller) = (self.clone(), caller.clone());
                self.executor().spawn(async move { world.deliver_again(&caller).await });
            }
            Event::DeliveredLate => {
                let (world, caller) = (self.clone(), caller.clone());
                _ = self.with_explored(|explored| explored.late += 1);
                self.executor().spawn(async move {
                    world.sleep(LATE).await;
                    world.deliver_again(&caller).await;
                    _ = world.with_explored(|explored| explored.late -= 1);
                });
            }
            Event::Aborted => self.stop_execution(&caller.run_id, StateError::new("Aborted", "somebody stopped it")),
            Event::Redriven => {
                _ = self.with_explored(|explored| explored.redriven.insert(caller.run_id.clone()));
                self.stop_execution(&caller.run_id, StateError::new("Aborted", "somebody stopped it"));
            }
            Event::ClockAhead => _ = self.with_explored(|explored| explored.clock_off = Some((target, CLOCK_OFF_MS))),
            Event::ClockBehind => _ = self.with_explored(|explored| explored.clock_off = Some((target, -CLOCK_OFF_MS))),
        }
    }

    fn darken_once(&self, region: &Region) {
        if !self.is_dark(region) {
            self.darken(region);
        }
    }

    fn dark_for(&self, region: &Region, period: Period) {
        if self.is_dark(region) {
            return;
        }
        self.darken(region);
        let region = region.clone();
        self.after(period, move |world| world.light(&region));
    }

    fn after(&self, period: Period, happens: impl FnOnce(&World) + 'static) {
        let world = self.clone();
        self.executor().spawn(async move {
            world.sleep(period).await;
            happens(&world);
        });
    }

    /// A person changes both controls at once, as RUNBOOK says; a safety rule may refuse it.
    pub(super) fn move_by_hand(&self, to: &Region) {
        let changes: Vec<(Arn, Switch)> = {
            let state = self.state();
            let switch = |region: &Region| if region == to { Switch::On } else { Switch::Off };
            state.plan.routing.controls.iter().map(|(region, arn)| (arn.clone(), switch(region))).collect()
        };
        let heard = self.change_routing(to, &changes).map_or_else(|e| e.to_string(), |_| "done".to_owned());
        let now = self.now();
        _ = self.with_explored(|explored| explored.moved_by_hand = Some(now));
        self.log(Lane::Operator, format!("a person moves traffic to {to} by hand: {heard}"));
    }
}

/// How much longer than usual something in a slow Region takes.
pub(super) fn slowed(latency: Period) -> Period {
    Period::ms(latency.as_ms() as u32 * SLOWER)
}
