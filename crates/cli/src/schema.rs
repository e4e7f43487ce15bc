//! The JSON Schemas of what goes in (plans) and what comes out (reports). `make schemas` writes them to `schemas/`.

use lifeboat_model::Plan;
use lifeboat_model::report::Report;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

/// The JSON Schema of a plan, as editors use it while one is written.
pub fn of_plan() -> String {
    text(&of::<Plan>(SchemaSettings::draft2020_12().for_deserialize()))
}

/// The JSON Schema of `report.json`.
pub fn of_report() -> String {
    text(&of::<Report>(SchemaSettings::draft2020_12().for_serialize()))
}

fn of<T: JsonSchema>(settings: SchemaSettings) -> Schema {
    settings.into_generator().into_root_schema_for::<T>()
}

fn text(schema: &Schema) -> String {
    format!("{:#}\n", schema.as_value())
}
