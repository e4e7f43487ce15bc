//! `DescribeTable` of the workload's own tables, for the DynamoDB that answers for all tables.

use lifeboat_model::Region;
use lifeboat_model::evidence::{GlobalTable, TableStatus};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::{Consistency, Table};
use lifeboat_ports::{CallError, Tables};
use serde_json::{Value, json};

use super::ACCOUNT;
use crate::callers::{Act, Callers};

/// What DynamoDB in `region` answers under `key` about the table called `name`, or identified by it as ARN; `None` for one
/// that is not the workload's.
///
/// # Errors
/// The call's.
pub async fn describe_table(
    callers: &Callers,
    key: &str,
    region: &Region,
    name: &str,
) -> Result<Option<Value>, CallError> {
    let name = name.rsplit('/').next().unwrap_or(name);
    let table = callers.world().state().plan.tables.iter().find(|t| t.table == name).cloned();
    let Some(table) = table else { return Ok(None) };
    let ports = callers.ports(key, Step::CheckTable, Act::Look, region);
    let seen = Tables::describe(&ports, &table, region).await?;
    Ok(Some(json!({"Table": described(&table, region, &seen)})))
}

fn described(table: &Table, region: &Region, seen: &GlobalTable) -> Value {
    let name = &table.table;
    let word = |status: &TableStatus| match status {
        TableStatus::Active => "ACTIVE".to_owned(),
        TableStatus::Other(word) => word.clone(),
    };
    let replicas: Vec<Value> =
        seen.replicas.iter().map(|r| json!({"RegionName": r.region, "ReplicaStatus": word(&r.status)})).collect();
    let mut described = json!({
        "TableName": name,
        "TableArn": format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{name}"),
        "TableStatus": word(&seen.status),
        "GlobalTableVersion": "2019.11.21",
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "Replicas": replicas,
    });
    let mode = match seen.consistency {
        Some(Consistency::Strong) => Some("STRONG"),
        Some(Consistency::Eventual) => Some("EVENTUAL"),
        None => None,
    };
    if let (Some(mode), Some(fields)) = (mode, described.as_object_mut()) {
        fields.insert("MultiRegionConsistency".to_owned(), mode.into());
    }
    described
}
