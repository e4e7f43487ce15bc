//! What must be true just before and just after a mutation.

use lifeboat_model::evidence::Switch;
use lifeboat_model::journal::{Note, intends, newest, newest_verdict};
use lifeboat_model::limits::{CALL_TIMEOUT, Step, VERDICT_FRESH};
use lifeboat_model::lock::{Approval, Lock, LockState};
use lifeboat_model::plan::{Consent, Database};
use lifeboat_model::request::Mode;
use lifeboat_model::{Arn, Period, Region, Timestamp};

use super::{Around, Mutation};
use crate::world::aurora::PromotionTruth;
use crate::world::{CallRecord, Caller, World};

/// How fresh the look before a promotion has to be.
pub(super) const LOOK_FRESH: Period = Period::seconds(30);
/// How fresh the look at the writers has to be before traffic moves: its own freshness, and the look itself.
const WRITERS_READ: Period = Period::seconds(150);
/// How long before a mutation the kill switch may have been read.
const KILL_SWITCH_FRESH: Period = Period::seconds(5);
/// How long after the source's return a failover that was decided before may still be called: the verdict's freshness.
const DOWN_RECENTLY: Period = VERDICT_FRESH;

/// Whether what was seen at `at` was fresh when the call was sent. A process that stands still between look and call does
/// not know of it: nobody can promise that it does not happen.
pub(super) fn is_fresh(at: Timestamp, fresh: Period, caller: &Caller, now: Timestamp) -> bool {
    at.plus(fresh).plus(caller.stood_still_since(at)) >= now
}

impl World {
    /// Whether a call that was sent then was within the consent, by the clock of who acts; what a process that stands still
    /// does not know counts here, too.
    pub(super) fn is_within(&self, consent: &Consent, caller: &Caller, sent: Timestamp) -> bool {
        let stood_still = caller.stood_still_since(consent.expires.minus(LOOK_FRESH));
        consent.expires.plus(stood_still).plus(self.clock_error()) > sent
    }

    /// Just before a mutation takes effect that was sent at `sent`.
    pub(crate) fn check_before(&self, mutation: &Mutation<'_>, caller: &Caller, sent: Timestamp) {
        let around = self.around(caller, sent);
        let who = || format!("{} of {}", caller.step, caller.run_id);
        let mine = around.lock.as_ref().filter(|l| l.state == LockState::Held && l.run.run_id == caller.run_id);
        self.check("S4", mine.is_some(), || format!("{} acts, and another run or none holds the plan", who()));
        let alive = mine.is_some_and(|l| l.lease_expires_at >= around.now.plus(CALL_TIMEOUT));
        self.check("S5", alive, || format!("{} acts with a lease that is over or about to be", who()));
        let read = self.newest_call(caller, "dynamodb:GetItem", "settings");
        let fresh = read.is_some_and(|at| is_fresh(at, KILL_SWITCH_FRESH, caller, sent));
        self.check("S14", fresh, || format!("{} acts without a fresh look at the kill switch", who()));
        let plan = self.state().plan.name.clone();
        // Capacity that was added serves nobody before traffic moves, so a run does come back from it.
        let (resource, marks) = match mutation {
            Mutation::Promotion { database, .. } => (&database.name, true),
            Mutation::CachePromotion { cache, .. } => (&cache.name, true),
            Mutation::BrokerPromotion { broker, .. } => (&broker.name, true),
            Mutation::Compute { service, .. } => (&service.name, false),
            Mutation::Routing { .. } => (&plan, true),
        };
        let stopped = self.state().table.stopped.contains(&caller.run_id);
        self.check("S14", !(marks && stopped), || format!("{} acts on {resource} after it was stopped", who()));
        let marked = !marks || mine.is_some_and(|l| l.past_point_of_no_return);
        let intended = intends(&around.journal, caller.step, resource.as_str());
        self.check("S15", marked && intended, || {
            format!("{} acts on {resource} without an intent in the journal", who())
        });
        let answered = mine.is_none_or(|l| match &l.run.approval {
            Approval::Awaited => false,
            Approval::NotNeeded | Approval::Given { .. } => true,
        });
        self.check("S6", answered, || format!("{} acts on {resource} before a person has said yes", who()));
        match mutation {
            Mutation::Promotion { database, target, loses_data } => {
                self.check_promotion(database, target, *loses_data, caller, mine, &around);
            }
            Mutation::CachePromotion { cache, target } => {
                self.check_cache_promotion(cache, target, caller, mine, &around);
            }
            Mutation::BrokerPromotion { broker, target, mode } => {
                self.check_broker_promotion(broker, target, *mode, caller, mine, &around);
            }
            Mutation::Compute { service, region, to } => self.check_compute(service, region, *to),
            Mutation::Routing { changes } => self.check_routing(changes, caller, mine, &around),
        }
    }

    fn check_promotion(
        &self,
        database: &Database,
        target: &Arn,
        loses_data: bool,
        caller: &Caller,
        lock: Option<&Lock>,
        around: &Around,
    ) {
        let name = &database.name;
        let (in_plan, missing_ms, down) = {
            let state = self.state();
            let in_plan =
                state.plan.databases.iter().any(|d| d == database && d.clusters.values().any(|c| c == target));
            let db = state.aurora.databases.get(name);
            let dark_since = db.and_then(|db| state.dark.get(&db.writer).copied());
            let cut = dark_since.unwrap_or(around.now);
            let oldest = db.and_then(|db| db.missing_elsewhere(dark_since, around.now).map(|w| w.at).min());
            let recently = |until: Option<Timestamp>| {
                until.is_none_or(|u| u.plus(DOWN_RECENTLY).plus(caller.stood_still_since(u)) > around.now)
            };
            let source = lock.map_or(&state.direction.source, |l| &l.run.direction.source);
            let down = state.outages.iter().any(|o| &o.region == source && recently(o.until));
            (in_plan, oldest.map_or(0, |at| cut.ms_since(at)), down)
        };
        self.check("S16", in_plan, || format!("{name} or {target} is not in the plan"));
        // Whoever acts without a lock means the drill's own target.
        let run_target = lock.map_or_else(|| self.state().direction.target.clone(), |l| l.run.direction.target.clone());
        let forward = database.clusters.get(&run_target) == Some(target);
        self.check("S11", forward, || format!("{name} is moved to {target}, which is not the run's target"));
        let consent = lock.and_then(|l| l.run.consent.as_ref());
        let consented = match (loses_data, lock.map(|l| l.run.mode)) {
            (true, Some(Mode::Failover)) => {
                consent.is_some_and(|c| self.is_within(c, caller, around.sent) && c.max_data_loss.as_ms() >= missing_ms)
            }
            // Without a lock there is no consent; what loses nothing needs none.
            (false, Some(Mode::Switchover) | None) => true,
            (true, Some(Mode::Switchover) | None) | (false, Some(Mode::Failover)) => false,
        };
        self.check("S6", consented, || format!("{name}: {missing_ms} ms of writes would be lost without consent"));
        let looked = self.newest_call(caller, "rds:DescribeGlobalClusters", name.as_str());
        let fresh = looked.is_some_and(|at| is_fresh(at, LOOK_FRESH, caller, around.now));
        let verdict = newest_verdict(&around.journal);
        let go = verdict.is_some_and(|v| v.go());
        self.check("S8", fresh && go, || format!("{name} is promoted without a fresh look or a verdict to go"));
        if loses_data {
            self.check("S9", go && down, || format!("{name} is failed over; source down {down}, verdict to go {go}"));
        }
    }

    fn check_routing(&self, changes: &[(Arn, Switch)], caller: &Caller, lock: Option<&Lock>, around: &Around) {
        let (whole, known, target_is_on, turns_on, writers_there) = {
            let state = self.state();
            let controls: Vec<&Arn> = state.plan.routing.controls.values().collect();
            let whole = controls.iter().all(|c| changes.iter().any(|(changed, _)| &changed == c));
            let known = changes.iter().all(|(changed, _)| controls.contains(&changed));
            let target = lock.map_or(&state.direction.target, |l| &l.run.direction.target);
            let control = state.plan.routing.controls.get(target);
            let is_on = control.and_then(|c| state.traffic.controls.get(c)) == Some(&Switch::On);
            let turns_on = changes.iter().any(|(c, switch)| Some(c) == control && *switch == Switch::On) && !is_on;
            let there = |accepting: &[Region]| accepting.len() == 1 && accepting.first() == Some(target);
            (whole, known, is_on, turns_on, state.aurora.databases.values().all(|db| there(&db.accepting)))
        };
        self.check("S2", whole, || "a change names one control only".to_owned());
        // A change of routing has no condition: what a person changes between look and call is overtaken.
        let seen = self.newest_call(caller, "route53-recovery-cluster:GetRoutingControlState", "routing");
        let overtaken = self.moved_by_hand().is_some_and(|moved| seen.is_some_and(|seen| moved >= seen));
        self.check("S2", target_is_on || overtaken || caller.step != Step::IsolateSource, || {
            format!("{} takes the source out of traffic while the target is Off", caller.run_id)
        });
        self.check("S16", known, || "a change names a control that is not in the plan".to_owned());
        // By the run itself, and so under the lock; by the world's own clock, whatever the run's showed.
        let noted = newest(&around.journal, |n| *n == Note::WritersVerified).is_some();
        let looked = {
            let state = self.state();
            let by_verify = |c: &&CallRecord| c.run_id == caller.run_id && c.step == Step::VerifyWriters && c.effective;
            let read = |c: &&CallRecord| c.operation == "rds:DescribeGlobalClusters";
            state.lambda.calls.iter().rev().filter(by_verify).find(read).map(|c| c.at)
        };
        let verified = noted && looked.is_some_and(|at| is_fresh(at, WRITERS_READ, caller, around.now));
        let isolates = overtaken && caller.step == Step::IsolateSource;
        self.check("S3", !turns_on || isolates || writers_there && verified, || {
            format!("{} moves traffic before the writers: there {writers_there}, verified {verified}", caller.run_id)
        });
    }

    /// Just after a mutation took effect.
    pub(crate) fn check_after(&self, mutation: &Mutation<'_>, caller: &Caller) {
        let (name, operations): (_, &[&str]) = match mutation {
            Mutation::Promotion { database, .. } => {
                (&database.name, &["rds:FailoverGlobalCluster", "rds:SwitchoverGlobalCluster"])
            }
            Mutation::CachePromotion { cache, .. } => (&cache.name, &["elasticache:FailoverGlobalReplicationGroup"]),
            Mutation::BrokerPromotion { broker, .. } => (&broker.name, &["mq:Promote"]),
            Mutation::Compute { .. } => return,
            Mutation::Routing { .. } => {
                let any_on = self.state().traffic.any_on();
                return self.check("S2", any_on, || "no Region is On after a change".to_owned());
            }
        };
        // What Aurora took back was no promotion: the run may ask again when it has seen that.
        let (accepted, taken_back) = {
            let state = self.state();
            let by_run = |c: &&CallRecord| {
                c.run_id == caller.run_id
                    && c.effective
                    && c.resource == name.as_str()
                    && operations.contains(&c.operation)
            };
            let calls: Vec<&CallRecord> = state.lambda.calls.iter().filter(by_run).collect();
            let of_run = |p: &&PromotionTruth| {
                p.rolled_back && &p.database == name && calls.first().is_some_and(|first| p.accepted_at >= first.at)
            };
            (calls.len(), state.aurora.promotions.iter().filter(of_run).count())
        };
        self.check("S10", accepted == 1 + taken_back, || format!("{name} was promoted {accepted} times in one run"));
    }
}
