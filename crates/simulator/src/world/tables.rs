//! DynamoDB global tables of the workload: the replicas' status, and how long replication takes. Nothing moves them: each
//! replica takes writes.

use std::collections::BTreeMap;

use lifeboat_model::evidence::{GlobalTable, Point, TableReplica, TableStatus};
use lifeboat_model::plan::{Consistency, Name, Table};
use lifeboat_model::{Period, Plan, Region, Timestamp};
use lifeboat_ports::{CallError, Fault};

use super::World;
use super::work::{minutes, wobble};
use crate::service_times::TABLE_LATENCY;

/// All global tables, by the plan's name for them.
pub struct GlobalTables(pub BTreeMap<Name, ReplicatedTable>);

/// One global table.
pub struct ReplicatedTable {
    /// The replica's status in each Region.
    pub statuses: BTreeMap<Region, TableStatus>,
    /// How the replicas agree, as DynamoDB says it; `None` when it does not.
    pub consistency: Option<Consistency>,
    /// Latency that a scenario adds.
    pub extra_latency: Period,
}

impl GlobalTables {
    pub(super) fn new(plan: &Plan) -> Self {
        let tables = plan.tables.iter().map(|table| {
            let state = ReplicatedTable {
                statuses: plan.regions.iter().map(|r| (r.clone(), TableStatus::Active)).collect(),
                consistency: Some(table.consistency),
                extra_latency: Period::ms(0),
            };
            (table.name.clone(), state)
        });
        Self(tables.collect())
    }
}

impl World {
    pub(super) fn describe_table(&self, table: &Table, region: &Region) -> Result<GlobalTable, CallError> {
        let state = self.state();
        let found = state.tables.0.get(&table.name);
        let Some((found, status)) = found.and_then(|t| Some((t, t.statuses.get(region)?))) else {
            return Err(CallError::new("dynamodb:DescribeTable", region, Fault::NotFound));
        };
        let others = found.statuses.iter().filter(|(r, _)| *r != region);
        Ok(GlobalTable {
            observed_at: self.now(),
            vantage: region.clone(),
            status: status.clone(),
            consistency: found.consistency,
            replicas: others.map(|(r, s)| TableReplica { region: r.to_string(), status: s.clone() }).collect(),
        })
    }

    /// The latency metric, which `from` reports, in milliseconds: one value a minute. None for a strongly consistent table,
    /// and none for the minutes in which either Region was dark: nothing was replicated (assumption; AWS does not say).
    pub(super) fn table_latency_points(
        &self,
        table: &Table,
        from: &Region,
        to: &Region,
        since: Timestamp,
    ) -> Vec<Point> {
        let state = self.state();
        let Some(found) = state.tables.0.get(&table.name) else { return Vec::new() };
        match found.consistency {
            Some(Consistency::Strong) => return Vec::new(),
            Some(Consistency::Eventual) | None => {}
        }
        let base = f64::from(TABLE_LATENCY.typical_ms) + found.extra_latency.as_ms() as f64;
        minutes(since, self.now())
            .filter(|at| !state.was_dark(from, *at) && !state.was_dark(to, *at))
            .map(|at| Point { at, value: base + wobble(at) * 50.0 })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{SOURCE, TARGET, plan, region, within, world};

    #[test]
    fn a_replica_is_described_with_its_own_status_and_that_of_the_others() {
        let world = world(plan());
        let table = world.state().plan.tables[0].clone();
        let updating = TableStatus::Other("UPDATING".to_owned());
        {
            let mut state = world.state_mut();
            let found = state.tables.0.get_mut(&table.name).expect("it");
            found.statuses.insert(region(SOURCE), updating.clone());
        }
        let seen = world.describe_table(&table, &region(TARGET)).expect("described");
        assert_eq!((seen.status, seen.consistency), (TableStatus::Active, Some(Consistency::Eventual)));
        assert_eq!(seen.replicas, [TableReplica { region: SOURCE.to_owned(), status: updating }]);
    }

    #[test]
    fn latency_is_absent_in_the_dark_and_for_strong_consistency() {
        let world = world(plan());
        let tables = world.state().plan.tables.clone();
        within(&world, |world| async move {
            let began = world.now();
            let (source, target) = (region(SOURCE), region(TARGET));
            world.sleep(Period::seconds(130)).await;
            world.darken(&source);
            world.sleep(Period::seconds(120)).await;
            world.light(&source);
            world.sleep(Period::seconds(60)).await;
            let points = |n: usize| world.table_latency_points(&tables[n], &source, &target, began);
            let seconds: Vec<i64> = points(0).iter().map(|p| p.at.ms_since(began) / 1000).collect();
            assert_eq!(seconds, [60, 120, 300]);
            assert!(points(1).is_empty(), "a strongly consistent table has none");
        });
    }
}
