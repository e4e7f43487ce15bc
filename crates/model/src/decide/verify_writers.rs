//! Whether one database's only writer is in the target (S3).

use crate::evidence::{GlobalDatabase, Status};
use crate::plan::Database;
use crate::{Direction, Reason, ReasonCode};

/// What is wrong with `database` as the target sees it and, where the source answered, as the source sees it.
/// `None` means verified.
pub fn verify_writers(
    database: &Database,
    direction: &Direction,
    in_target: &GlobalDatabase,
    in_source: Option<&GlobalDatabase>,
) -> Option<Reason> {
    let unverified =
        |detail| Some(Reason::new(ReasonCode::WriterNotVerified, format!("database {}", database.name), detail));
    let Some(target) = database.clusters.get(&direction.target) else {
        return unverified("the plan names no cluster in the target".to_owned());
    };
    let ready = |state: &GlobalDatabase| {
        state.local.as_ref().is_some_and(|l| &l.cluster == target && l.status == Status::Available && l.instances > 0)
    };
    let detail = if in_target.writer() != Some(target) {
        let writers: Vec<&str> = in_target.members.iter().filter(|m| m.is_writer).map(|m| m.cluster.name()).collect();
        format!("the writer is [{}], not {}", writers.join(", "), target.name())
    } else if let Some(operation) = &in_target.operation {
        format!("an operation towards {} is still under way", operation.to.name())
    } else if in_target.status != Status::Available {
        format!("the global cluster is {}", in_target.status.as_str())
    } else if !ready(in_target) {
        format!("{} is not available with an instance", target.name())
    } else if in_source.is_some_and(|s| s.members.iter().any(|m| m.is_writer && &m.cluster != target)) {
        "the source's control plane still names another writer".to_owned()
    } else {
        return None;
    };
    unverified(detail)
}
