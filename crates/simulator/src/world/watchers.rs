//! Canaries and alarms: what is seen of a Region, from where, and when.

use std::collections::BTreeMap;

use lifeboat_model::evidence::{CanaryResults, Point};
use lifeboat_model::limits::GREEN_PERCENT;
use lifeboat_model::plan::{Canary, Checks};
use lifeboat_model::report::Lane;
use lifeboat_model::{Period, Region, Timestamp};
use serde_json::{Value, json};

use super::World;
use crate::orders::Order;
use crate::service_times::{ALARM_ACTS, ALARM_EVALUATES, CANARY_PUBLISHES};

/// How many periods beyond the evaluation periods an alarm looks back for data.
const EVALUATION_RANGE_EXTRA: u32 = 2;

/// What canaries reported.
#[derive(Default)]
pub struct Watchers {
    /// Every result, in the order of time: the canary's name and Region, the result, and when it became readable.
    pub results: Vec<(String, Region, Point, Timestamp)>,
    /// Each transition into ALARM: when, and in which Region.
    pub alarms: Vec<(Timestamp, Region)>,
    /// What each Region's alarm shows, and since when; one that never changed is not there, and shows OK.
    pub states: BTreeMap<Region, (AlarmState, Timestamp)>,
}

/// What an alarm shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// The other Region is well.
    Ok,
    /// The other Region is impaired.
    Alarm,
    /// Nobody knows. No evaluation leads here, only a person's `SetAlarmState`.
    InsufficientData,
}

impl AlarmState {
    /// CloudWatch's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl Watchers {
    /// What the alarm in `region` shows.
    pub fn alarm_state(&self, region: &Region) -> AlarmState {
        self.states.get(region).map_or(AlarmState::Ok, |(state, _)| *state)
    }
}

impl World {
    pub(super) fn start_watchers(&self) {
        let (canaries, regions) = {
            let state = self.state();
            (state.plan.canaries.clone(), state.plan.regions.clone())
        };
        for canary in canaries {
            let world = self.clone();
            self.0.executor.spawn(async move { world.be_canary(canary).await });
        }
        for region in regions {
            let world = self.clone();
            self.0.executor.spawn(async move { world.be_alarm(region).await });
        }
    }

    async fn be_canary(&self, canary: Canary) {
        let phase = Period::ms((self.chance() * self.canary_interval().as_ms() as f64) as u32);
        self.sleep(phase).await;
        loop {
            let at = self.now();
            if !self.is_dark(&canary.runs_in) {
                let green = match canary.checks {
                    Checks::Read => self.store_reads(&canary.watches),
                    Checks::Write => self.store_could_write(&canary.watches),
                };
                let point = Point { at, value: if green { 100.0 } else { 0.0 } };
                let readable = at.plus(self.sample(CANARY_PUBLISHES));
                let result = (canary.name.clone(), canary.runs_in.clone(), point, readable);
                self.state_mut().watchers.results.push(result);
            }
            self.sleep(self.canary_interval()).await;
        }
    }

    /// What the canary had reported by `when`.
    pub(crate) fn canary_points(&self, canary: &Canary, since: Timestamp, when: Timestamp) -> CanaryResults {
        let state = self.state();
        let results = state.watchers.results.iter().rev().take_while(|(_, _, point, _)| point.at >= since);
        let mut points: Vec<Point> = results
            .filter(|(name, region, _, readable)| {
                *readable <= when && name == &canary.name && region == &canary.runs_in
            })
            .map(|(_, _, point, _)| *point)
            .collect();
        points.reverse();
        CanaryResults { canary: canary.name.clone(), runs_in: canary.runs_in.clone(), points }
    }

    /// The alarm in `region` that watches the other Region: bad when every canary result of each of the last periods is.
    async fn be_alarm(&self, region: Region) {
        let (alarm, watched) = {
            let plan = &self.state().plan;
            let other = plan.direction_to(&region).map(|d| d.source);
            (plan.automation.alarm.clone(), other)
        };
        let Some(watched) = watched else { return };
        loop {
            let period_ms = alarm.period.as_ms();
            let next = (self.now().as_ms() / period_ms + 1) * period_ms;
            self.0.executor.sleep_until(Timestamp::from_ms(next)).await;
            self.pause(ALARM_EVALUATES).await;
            if self.is_dark(&region) {
                continue;
            }
            let seen = self.recent_periods(
                &region,
                &watched,
                Timestamp::from_ms(next),
                alarm.period,
                alarm.evaluation_periods,
            );
            // Too little data: CloudWatch keeps the alarm's state while older data fills its evaluation range.
            if seen.len() < alarm.evaluation_periods as usize {
                continue;
            }
            let state = if seen.iter().all(|bad| *bad) { AlarmState::Alarm } else { AlarmState::Ok };
            self.show_alarm(&region, &watched, state);
        }
    }

    /// Of the last periods that have data, newest first, whether each was bad: every result below the threshold.
    /// CloudWatch looks further back than the evaluation periods when data is missing or late.
    fn recent_periods(
        &self,
        region: &Region,
        watched: &Region,
        end: Timestamp,
        period: Period,
        wanted: u32,
    ) -> Vec<bool> {
        let canaries: Vec<Canary> = {
            let state = self.state();
            state.plan.canaries.iter().filter(|c| &c.runs_in == region && &c.watches == watched).cloned().collect()
        };
        let of_period = |n: u32| {
            let until = end.minus(Period::ms(n * period.as_ms() as u32));
            let from = until.minus(period);
            let results = canaries.iter().flat_map(|c| self.canary_points(c, from, self.now()).points);
            let points: Vec<Point> = results.filter(|p| p.at < until).collect();
            (!points.is_empty()).then(|| points.iter().all(|p| p.value < GREEN_PERCENT))
        };
        (0..wanted + EVALUATION_RANGE_EXTRA).filter_map(of_period).take(wanted as usize).collect()
    }

    /// Lets the alarm in `region` show `state`, as `SetAlarmState` does. Actions follow a change, not a repetition, and the
    /// next evaluation has its own opinion.
    pub(super) fn set_alarm(&self, region: &Region, state: AlarmState) {
        let watched = self.state().plan.direction_to(region).map(|d| d.source);
        if let Some(watched) = watched {
            self.show_alarm(region, &watched, state);
        }
    }

    fn show_alarm(&self, region: &Region, watched: &Region, state: AlarmState) {
        let now = self.now();
        {
            let watchers = &mut self.state_mut().watchers;
            if watchers.alarm_state(region) == state {
                return;
            }
            watchers.states.insert(region.clone(), (state, now));
        }
        match state {
            AlarmState::Alarm => self.alarm_changes(region, watched, true),
            AlarmState::Ok => self.alarm_changes(region, watched, false),
            // The stack's alarms have no action for it.
            AlarmState::InsufficientData => {
                self.log(Lane::Detection, format!("alarm in {region} on {watched}: {}", state.as_str()));
            }
        }
    }

    fn alarm_changes(&self, region: &Region, watched: &Region, into_alarm: bool) {
        let now = self.now();
        let word = if into_alarm { "ALARM" } else { "OK" };
        self.log(Lane::Detection, format!("alarm in {region} on {watched}: {word}"));
        if into_alarm {
            self.state_mut().watchers.alarms.push((now, region.clone()));
        }
        let event = self.alarm_event(region, now, into_alarm);
        let (world, region) = (self.clone(), region.clone());
        self.0.executor.spawn(async move {
            world.pause(ALARM_ACTS).await;
            let order = world.state().order;
            match order {
                Order::Lifeboat => world.trigger(&region, event).await,
                Order::GuidanceSample | Order::Sequential => world.alarm_begins(order, &region, into_alarm),
            }
        });
    }

    /// The alarm's Lambda action, in the form that CloudWatch sends (aws-facts 5.2).
    pub fn alarm_event(&self, region: &Region, at: Timestamp, into_alarm: bool) -> Value {
        let name = self.state().plan.automation.alarm.name.clone();
        let (to, from) = if into_alarm { ("ALARM", "OK") } else { ("OK", "ALARM") };
        let stamp = |at: Timestamp| at.to_string().replace('Z', "+0000");
        let state = |value: &str, at| json!({"value": value, "reason": "Threshold Crossed", "timestamp": stamp(at)});
        json!({
            "source": "aws.cloudwatch",
            "alarmArn": format!("arn:aws:cloudwatch:{region}:111122223333:alarm:{name}"),
            "accountId": "111122223333",
            "time": stamp(at),
            "region": region,
            "alarmData": {
                "alarmName": name,
                "state": state(to, at),
                "previousState": state(from, at.minus(Period::seconds(60))),
                "configuration": {"description": "the other Region is impaired", "metrics": []},
            },
        })
    }
}
