//! Aurora global databases: asynchronous replication, operations that take their time, the old primary's way back.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::evidence::{
    GlobalDatabase, LocalCluster, Member, Operation, OperationPhase, Point, Status, Synchronization,
};
use lifeboat_model::plan::{Database, Name};
use lifeboat_model::report::Lane;
use lifeboat_model::{Arn, Direction, Period, Plan, Region, Timestamp};
use lifeboat_ports::{CallError, Fault, Receipt};

use super::work::{minutes, wobble};
use super::{State, World};
use crate::service_times::{
    FAILOVER, PROMOTION_PENDING, PROMOTION_SETTLES, REJOIN, REPLICATION_LAG, SWITCHOVER, SWITCHOVER_WRITE_STOP,
};

/// All global databases.
pub struct Aurora {
    /// By the plan's name for them.
    pub databases: BTreeMap<Name, GlobalDb>,
    /// Every operation that was accepted.
    pub promotions: Vec<PromotionTruth>,
    next_write: u64,
}

/// One global database.
pub struct GlobalDb {
    /// The plan's words for it.
    pub database: Database,
    /// The Region whose cluster the control plane calls the writer.
    pub writer: Region,
    /// The Regions whose cluster takes writes; more than one is a split brain.
    pub accepting: Vec<Region>,
    /// The operation under way.
    pub operation: Option<(OperationPhase, Region)>,
    /// Clusters that are not available, or not in sync.
    pub unavailable: Vec<Region>,
    /// Members that are being rebuilt.
    pub resyncing: Vec<Region>,
    /// Whether accepted operations never end.
    pub stalls: bool,
    /// Lag that a scenario adds.
    pub extra_lag: Period,
    /// Every acknowledged write.
    pub writes: Vec<Write>,
}

/// An acknowledged write.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Its number, over all databases.
    pub id: u64,
    /// When it was acknowledged.
    pub at: Timestamp,
    /// The Region whose cluster took it.
    pub region: Region,
    /// When the other Region has it, if nothing stops it.
    pub arrives_at: Timestamp,
    /// Whether it was lost in a failover.
    pub lost: bool,
    /// Whether another Region took writes at the same time.
    pub conflicting: bool,
}

/// An operation, as it really went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromotionTruth {
    /// The database.
    pub database: Name,
    /// Where to.
    pub target: Region,
    /// When the call was accepted.
    pub accepted_at: Timestamp,
    /// When it had ended.
    pub done_at: Option<Timestamp>,
    /// Whether Aurora took it back.
    pub rolled_back: bool,
}

impl Aurora {
    pub(super) fn new(plan: &Plan, direction: &Direction) -> Self {
        let databases = plan.databases.iter().map(|database| {
            let state = GlobalDb {
                database: database.clone(),
                writer: direction.source.clone(),
                accepting: vec![direction.source.clone()],
                operation: None,
                unavailable: Vec::new(),
                resyncing: Vec::new(),
                stalls: false,
                extra_lag: Period::ms(0),
                writes: Vec::new(),
            };
            (database.name.clone(), state)
        });
        Self { databases: databases.collect(), promotions: Vec::new(), next_write: 1 }
    }
}

impl GlobalDb {
    fn cluster(&self, region: &Region) -> Option<&Arn> {
        self.database.clusters.get(region)
    }

    /// The writes that the other Region will not have if `writer` is given up now.
    pub fn missing_elsewhere(&self, dark_since: Option<Timestamp>, now: Timestamp) -> impl Iterator<Item = &Write> {
        let cut = dark_since.unwrap_or(now);
        self.writes.iter().filter(move |w| w.region == self.writer && w.arrives_at > cut && !w.lost)
    }
}

/// A way of moving the writer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    Switchover,
    Failover,
}

impl World {
    /// What the control plane of `region` says of it now. Not a call: nobody is asked, and nothing is recorded.
    ///
    /// # Errors
    /// It is not known there.
    pub fn describe_database(&self, database: &Database, region: &Region) -> Result<GlobalDatabase, CallError> {
        let state = self.state();
        let Some(db) = state.aurora.databases.get(&database.name) else {
            return Err(CallError::new("rds:DescribeGlobalClusters", region, Fault::NotFound));
        };
        let members = db.database.clusters.iter().map(|(member_region, cluster)| Member {
            cluster: cluster.clone(),
            is_writer: member_region == &db.writer,
            synchronization: match member_region {
                r if r == &db.writer => Synchronization::Unknown,
                r if db.resyncing.contains(r) => Synchronization::PendingResync,
                _ => Synchronization::Connected,
            },
        });
        let status = |busy: bool, word: &str| if busy { Status::Other(word.to_owned()) } else { Status::Available };
        let operation = db
            .operation
            .as_ref()
            .and_then(|(phase, to)| Some(Operation { phase: phase.clone(), to: db.cluster(to)?.clone() }));
        let local = db.cluster(region).map(|cluster| LocalCluster {
            cluster: cluster.clone(),
            status: status(db.unavailable.contains(region), "promoting"),
            instances: 2,
        });
        Ok(GlobalDatabase {
            observed_at: self.now(),
            vantage: region.clone(),
            status: status(db.operation.is_some(), "modifying"),
            members: members.collect(),
            operation,
            local,
        })
    }

    /// The lag metric: one value a minute. It stops with the source: what AWS does then is not documented.
    pub(super) fn lag_points(&self, database: &Database, region: &Region, since: Timestamp) -> Vec<Point> {
        let state = self.state();
        let Some(db) = state.aurora.databases.get(&database.name) else { return Vec::new() };
        if &db.writer == region {
            return Vec::new();
        }
        let until = state.dark.get(&db.writer).copied().unwrap_or(self.now());
        minutes(since, until)
            .map(|at| {
                let extra = if at.as_ms() >= self.extra_lag_from(db) { db.extra_lag.as_ms() as f64 } else { 0.0 };
                Point { at, value: f64::from(REPLICATION_LAG.typical_ms) + wobble(at) * 60.0 + extra }
            })
            .collect()
    }

    fn extra_lag_from(&self, db: &GlobalDb) -> i64 {
        if db.extra_lag.as_ms() > 0 { super::BEGINNING.as_ms() } else { i64::MAX }
    }

    /// Takes a write in `region` if its cluster does; the write's number.
    pub(super) fn write(&self, database: &Name, region: &Region) -> Option<u64> {
        let lag = self.sample(REPLICATION_LAG);
        let now = self.now();
        let mut state = self.state_mut();
        let State { aurora, dark, .. } = &mut *state;
        let id = aurora.next_write;
        let db = aurora.databases.get_mut(database)?;
        if !db.accepting.contains(region) {
            return None;
        }
        let conflicting = db.accepting.iter().filter(|r| !dark.contains_key(r)).count() > 1;
        let arrives_at = now.plus(lag).plus(db.extra_lag);
        db.writes.push(Write { id, at: now, region: region.clone(), arrives_at, lost: false, conflicting });
        aurora.next_write += 1;
        Some(id)
    }

    /// Accepts or refuses an operation, and sets it going.
    pub(super) fn promote(
        &self,
        database: &Database,
        target: &Arn,
        how: Move,
        operation: &str,
        sent_to: &Region,
    ) -> Result<Receipt, CallError> {
        let refuse = |fault, code: &str| {
            Err(CallError::new(operation, sent_to, fault).saying(code, "refused by the simulated service"))
        };
        let Ok(to) = target.region().parse::<Region>() else {
            return refuse(Fault::Invalid, "InvalidParameterValue");
        };
        let now = self.now();
        {
            let mut state = self.state_mut();
            let Some(db) = state.aurora.databases.get_mut(&database.name) else {
                return refuse(Fault::NotFound, "GlobalClusterNotFoundFault");
            };
            if db.operation.is_some() || db.writer == to {
                return refuse(Fault::Conflict, "InvalidGlobalClusterStateFault");
            }
            if db.resyncing.contains(&to) || db.unavailable.contains(&to) {
                return refuse(Fault::Conflict, "InvalidDBClusterStateFault");
            }
            if how == Move::Switchover && *sent_to != db.writer {
                return refuse(Fault::Invalid, "InvalidParameterCombination");
            }
            db.operation = Some((OperationPhase::Pending, to.clone()));
            let truth = PromotionTruth {
                database: database.name.clone(),
                target: to.clone(),
                accepted_at: now,
                done_at: None,
                rolled_back: false,
            };
            state.aurora.promotions.push(truth);
        }
        let (world, name) = (self.clone(), database.name.clone());
        self.0.executor.spawn(async move { world.carry_out(name, to, how, now).await });
        Ok(Receipt { request_id: format!("rds-{}", now.as_ms()) })
    }

    async fn carry_out(&self, name: Name, to: Region, how: Move, accepted: Timestamp) {
        let (total, phase) = match how {
            Move::Switchover => (self.sample(SWITCHOVER), OperationPhase::SwitchingOver),
            Move::Failover => (self.sample(FAILOVER), OperationPhase::FailingOver),
        };
        let settles = self.sample(PROMOTION_SETTLES);
        self.pause(PROMOTION_PENDING).await;
        self.with_database(&name, |db| db.operation = Some((phase, to.clone())));
        if self.state().aurora.databases.get(&name).is_some_and(|db| db.stalls) {
            return self.log(Lane::Databases, format!("{name}: the operation does not end"));
        }
        let moves_at = accepted.plus(total).minus(settles);
        match how {
            Move::Switchover => {
                let stop = self.sample(SWITCHOVER_WRITE_STOP);
                self.0.executor.sleep_until(moves_at.minus(stop)).await;
                self.with_database(&name, |db| db.accepting.clear());
                self.0.executor.sleep_until(moves_at.max(self.all_arrived_at(&name))).await;
                if self.writer_is_dark(&name) {
                    return self.cancel(&name, accepted);
                }
            }
            Move::Failover => {
                self.0.executor.sleep_until(moves_at).await;
                self.lose_what_has_not_arrived(&name);
            }
        }
        let old = self.with_database(&name, |db| {
            let old = std::mem::replace(&mut db.writer, to.clone());
            db.accepting = vec![to.clone()];
            db.unavailable.push(to.clone());
            if how == Move::Failover {
                db.resyncing.push(old.clone());
            }
            old
        });
        self.sleep(settles).await;
        self.with_database(&name, |db| {
            db.operation = None;
            db.unavailable.retain(|r| r != &to);
        });
        let now = self.now();
        self.with_truth(&name, accepted, |truth| truth.done_at = Some(now));
        self.log_since(Lane::Databases, accepted, format!("{name}: writer moves to {to}"));
        if let Some(old) = old
            && !self.is_dark(&old)
        {
            self.rejoin_databases(&old);
        }
    }

    fn writer_is_dark(&self, name: &Name) -> bool {
        let state = self.state();
        state.aurora.databases.get(name).is_some_and(|db| state.dark.contains_key(&db.writer))
    }

    /// A switchover whose old writer is lost midway is rolled back: the old writer has the newest data.
    fn cancel(&self, name: &Name, accepted: Timestamp) {
        self.with_database(name, |db| {
            db.operation = None;
            db.accepting = vec![db.writer.clone()];
        });
        self.with_truth(name, accepted, |truth| truth.rolled_back = true);
        self.log(Lane::Databases, format!("{name}: the switchover is rolled back"));
    }

    fn with_truth(&self, name: &Name, accepted: Timestamp, change: impl Fn(&mut PromotionTruth)) {
        let mut state = self.state_mut();
        let mine = state.aurora.promotions.iter_mut().filter(|p| &p.database == name && p.accepted_at == accepted);
        mine.for_each(change);
    }

    fn with_database<T>(&self, name: &Name, change: impl FnOnce(&mut GlobalDb) -> T) -> Option<T> {
        self.state_mut().aurora.databases.get_mut(name).map(change)
    }

    fn all_arrived_at(&self, name: &Name) -> Timestamp {
        let state = self.state();
        let db = state.aurora.databases.get(name);
        db.and_then(|db| db.writes.iter().map(|w| w.arrives_at).max()).unwrap_or(self.now())
    }

    fn lose_what_has_not_arrived(&self, name: &Name) {
        let now = self.now();
        let mut state = self.state_mut();
        let dark = state.dark.clone();
        if let Some(db) = state.aurora.databases.get_mut(name) {
            let since = dark.get(&db.writer).copied();
            let lost: BTreeSet<u64> = db.missing_elsewhere(since, now).map(|w| w.id).collect();
            for write in db.writes.iter_mut().filter(|w| lost.contains(&w.id)) {
                write.lost = true;
            }
        }
    }

    /// After its Region came back, an old primary is rebuilt from the new one.
    pub(super) fn rejoin_databases(&self, region: &Region) {
        let waiting: Vec<Name> = {
            let state = self.state();
            let databases = state.aurora.databases.values();
            databases.filter(|db| db.resyncing.contains(region)).map(|db| db.database.name.clone()).collect()
        };
        for name in waiting {
            let (world, region, began) = (self.clone(), region.clone(), self.now());
            self.0.executor.spawn(async move {
                world.pause(REJOIN).await;
                world.with_database(&name, |db| db.resyncing.retain(|r| r != &region));
                world.log_since(Lane::Databases, began, format!("{name}: {region} rejoins"));
            });
        }
    }
}
