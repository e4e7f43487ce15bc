//! A plan as `lifeboat plan show` prints it, to be kept, edited and read again.
//!
//! Guarantees: what is printed reads as the same plan.

use std::io;

use lifeboat_model::Plan;
use saphyr::{LoadableYamlNode, Yaml, YamlEmitter};

/// `plan` as JSON.
///
/// # Errors
/// It cannot be written as such.
pub fn json(plan: &Plan) -> io::Result<String> {
    Ok(serde_json::to_string_pretty(plan)? + "\n")
}

/// `plan` as YAML. JSON is YAML: read back as such, it keeps the order of the plan's fields.
///
/// # Errors
/// It cannot be written as such.
pub fn yaml(plan: &Plan) -> io::Result<String> {
    let documents = Yaml::load_from_str(&json(plan)?).map_err(io::Error::other)?;
    let mut yaml = String::new();
    for document in &documents {
        YamlEmitter::new(&mut yaml).dump(document).map_err(|e| io::Error::other(e.to_string()))?;
    }
    Ok(yaml.trim_start_matches("---\n").trim_end().to_owned() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_file;

    #[test]
    fn what_show_prints_reads_as_the_same_plan() {
        let plan = plan_file::load(None).expect("the example");
        for text in [yaml(&plan).expect("yaml"), json(&plan).expect("json")] {
            assert_eq!(plan_file::parse("shown", &text).expect(&text), plan);
        }
        assert!(yaml(&plan).expect("yaml").starts_with("version: 1\nname: retail-store\n"));
    }
}
