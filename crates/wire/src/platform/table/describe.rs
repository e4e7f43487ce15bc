//! What DynamoDB says of the table itself.

use lifeboat_simulator::World;
use serde_json::{Value as Json, json};

use super::store::Store;
use super::value::size_of_item;

/// `DescribeTable`: a global table with strong consistency, over the plan's Regions.
pub fn describe(name: &str, store: &Store, world: &World) -> Json {
    let state = world.state();
    let replicas: Vec<Json> =
        state.plan.regions.iter().map(|r| json!({"RegionName": r.as_str(), "ReplicaStatus": "ACTIVE"})).collect();
    let [region, _] = &state.plan.regions;
    json!({"Table": {
        "TableName": name,
        "TableStatus": "ACTIVE",
        "TableArn": format!("arn:aws:dynamodb:{region}:111122223333:table/{name}"),
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ItemCount": store.all().count(),
        "TableSizeBytes": store.all().map(|(_, item)| size_of_item(item)).sum::<usize>(),
        "MultiRegionConsistency": "STRONG",
        "Replicas": replicas,
    }})
}
