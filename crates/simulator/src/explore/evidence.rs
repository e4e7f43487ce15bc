//! Looks that are stale, or that answer in words that nobody knows.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::evidence::{
    Association, BrokerSeen, BrokerState, CacheRole, CanaryResults, GlobalCache, GlobalDatabase, GlobalTable,
    LocalCluster, Operation, OperationPhase, Point, ReplicationRole, ServiceSeen, ServiceStatus, Status, Switch,
    Synchronization, TableStatus,
};
use lifeboat_model::{Arn, Period, Region, Timestamp};

use crate::faults::FaultKind;
use crate::world::World;

/// How old a stale answer is at the most.
const STALE: Period = Period::seconds(10);

/// What a look is about: the operation, where it was sent, the resource.
pub(crate) type Subject = (&'static str, Region, String);

/// What looks have shown, oldest first.
pub(super) type Answers = BTreeMap<Subject, Vec<(Timestamp, Box<dyn Any>)>>;

/// What a look shows.
pub(crate) trait Evidence: Clone + 'static {
    /// The same, answered at `now`: a stale answer does not say that it is.
    fn answered_at(self, now: Timestamp) -> Self;

    /// The same, with every word in it replaced by one that nobody knows, and what need not be there left out.
    fn in_unknown_words(self) -> Self;
}

impl World {
    /// What the look at `subject` shows, when the truth is `seen`.
    pub(crate) fn seen<T: Evidence>(&self, subject: Subject, seen: T, fault: Option<FaultKind>) -> T {
        let now = self.now();
        let mut state = self.state_mut();
        let Some(explored) = &mut state.faults.explored else { return seen };
        let answers = explored.answers.entry(subject).or_default();
        let shown = match fault {
            Some(FaultKind::Stale) => {
                let recent = answers.iter().find(|(at, _)| *at >= now.minus(STALE));
                let old = recent.and_then(|(_, old)| old.downcast_ref::<T>()).cloned();
                old.map_or_else(|| seen.clone(), |old| old.answered_at(now))
            }
            Some(FaultKind::Unknown) => seen.clone().in_unknown_words(),
            Some(_) | None => seen.clone(),
        };
        answers.retain(|(at, _)| *at >= now.minus(STALE));
        answers.push((now, Box::new(seen)));
        shown
    }
}

const NEW_WORD: &str = "rebalancing";

fn status() -> Status {
    Status::Other(NEW_WORD.to_owned())
}

impl Evidence for GlobalDatabase {
    fn answered_at(self, now: Timestamp) -> Self {
        Self { observed_at: now, ..self }
    }

    fn in_unknown_words(mut self) -> Self {
        self.status = status();
        for member in &mut self.members {
            member.synchronization = Synchronization::Unknown;
        }
        self.local = self.local.map(|local| LocalCluster { status: status(), ..local });
        let phase = OperationPhase::Other(NEW_WORD.to_owned());
        self.operation = self.operation.map(|operation| Operation { phase, ..operation });
        self
    }
}

impl Evidence for GlobalCache {
    fn answered_at(self, now: Timestamp) -> Self {
        Self { observed_at: now, ..self }
    }

    fn in_unknown_words(mut self) -> Self {
        self.status = status();
        for member in &mut self.members {
            (member.role, member.association) = (CacheRole::Unknown, Association::Other(NEW_WORD.to_owned()));
        }
        self
    }
}

impl Evidence for GlobalTable {
    fn answered_at(self, now: Timestamp) -> Self {
        Self { observed_at: now, ..self }
    }

    fn in_unknown_words(mut self) -> Self {
        (self.status, self.consistency) = (TableStatus::Other(NEW_WORD.to_owned()), None);
        for replica in &mut self.replicas {
            replica.status = TableStatus::Other(NEW_WORD.to_owned());
        }
        self
    }
}

impl Evidence for BrokerSeen {
    fn answered_at(self, now: Timestamp) -> Self {
        Self { observed_at: now, ..self }
    }

    fn in_unknown_words(self) -> Self {
        Self { state: BrokerState::Other(NEW_WORD.to_owned()), role: ReplicationRole::Unknown, ..self }
    }
}

impl Evidence for ServiceSeen {
    fn answered_at(self, now: Timestamp) -> Self {
        Self { observed_at: now, ..self }
    }

    fn in_unknown_words(self) -> Self {
        Self { status: ServiceStatus::Other(NEW_WORD.to_owned()), ..self }
    }
}

impl Evidence for BTreeMap<Arn, Switch> {
    fn answered_at(self, _now: Timestamp) -> Self {
        self
    }

    fn in_unknown_words(self) -> Self {
        Self::new()
    }
}

impl Evidence for BTreeSet<String> {
    fn answered_at(self, _now: Timestamp) -> Self {
        self
    }

    fn in_unknown_words(self) -> Self {
        Self::from(["an address that is nobody's".to_owned()])
    }
}

impl Evidence for Vec<Point> {
    fn answered_at(self, _now: Timestamp) -> Self {
        self
    }

    fn in_unknown_words(self) -> Self {
        Self::new()
    }
}

impl Evidence for Vec<CanaryResults> {
    fn answered_at(self, _now: Timestamp) -> Self {
        self
    }

    fn in_unknown_words(mut self) -> Self {
        for canary in &mut self {
            canary.points.clear();
        }
        self
    }
}
