//! A plan out of the table.

use lifeboat_model::Plan;
use lifeboat_model::plan::Name;
use lifeboat_model::read::Node;
use lifeboat_ports::{PlanStore, StoredPlan};

use crate::exit::Failure;

/// The plan called `name` in `version`, or in the one that is in force.
///
/// # Errors
/// It is not stored, it breaks a rule, or the table did not answer.
pub async fn plan(name: &Name, version: Option<u64>, plans: &dyn PlanStore) -> Result<StoredPlan, Failure> {
    let not_stored = || {
        Failure::NotPossible(format!(
            "plan {name} is not in the table that was read; store it with: lifeboat plan apply FILE, or look at --table and \
             --region"
        ))
    };
    let version = match version {
        Some(version) => version,
        None => plans.current_version(name).await.map_err(Failure::of_read)?.ok_or_else(not_stored)?,
    };
    let body = plans.body(name, version).await.map_err(Failure::of_read)?.ok_or_else(not_stored)?;
    let broken = |why: String| {
        Failure::NotPossible(format!(
            "version {version} of plan {name} cannot be used: {why}; apply a plan that can be"
        ))
    };
    let json: serde_json::Value = serde_json::from_str(&body).map_err(|e| broken(e.to_string()))?;
    let plan = Plan::read(&Node::from(&json)).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        broken(problems.join("; "))
    })?;
    Ok(StoredPlan { version, plan })
}
