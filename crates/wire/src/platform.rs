//! What Lifeboat itself stands on: the table, Step Functions, Lambda, SNS, S3, STS.

use std::rc::Rc;

use lifeboat_model::Region;
use lifeboat_model::limits::Step;

use crate::callers::Callers;
use crate::face::Face;

pub mod answer;
pub mod identity;
pub mod lambda;
pub mod notices;
pub mod objects;
pub mod states;
pub mod table;

pub use identity::IdentityService;
pub use lambda::{Host, HostError, HostOptions, LambdaService, functions_see_the_dns, own_variables, with_fixed_names};
pub use notices::NoticesService;
pub use objects::ObjectsService;
pub use states::StatesService;
pub use table::TableService;

/// The name of the table, where nobody gives it another.
pub const TABLE: &str = "lifeboat";

/// `face` with everything that Lifeboat stands on; `definition` is the state machine as text.
#[must_use]
pub fn with_platform(face: Face, callers: &Callers, definition: &str) -> Face {
    let callers = || callers.clone();
    face.with("dynamodb", Rc::new(TableService::new(callers(), TABLE)))
        .with("states", Rc::new(StatesService::new(callers(), definition)))
        .with("lambda", Rc::new(LambdaService::new(callers())))
        .with("sns", Rc::new(NoticesService::new(callers())))
        .with("s3", Rc::new(ObjectsService::new(callers())))
        .with("sts", Rc::new(IdentityService))
}

pub use crate::services::ACCOUNT;
/// The name of the state machine.
pub const MACHINE: &str = "lifeboat-failover";

/// The ARN of the state machine in `region`.
pub fn machine_arn(region: &Region) -> String {
    format!("arn:aws:states:{region}:{ACCOUNT}:stateMachine:{MACHINE}")
}

/// The ARN of an execution.
pub fn execution_arn(region: &Region, name: &str) -> String {
    format!("arn:aws:states:{region}:{ACCOUNT}:execution:{MACHINE}:{name}")
}

/// The ARN of a step's function.
pub fn function_arn(region: &Region, step: Step) -> String {
    format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{}", function_name(step))
}

/// The name of a step's function.
pub fn function_name(step: Step) -> String {
    format!("lifeboat-{step}")
}

/// The ARN of the topic in `region`.
pub fn topic_arn(region: &Region) -> String {
    format!("arn:aws:sns:{region}:{ACCOUNT}:lifeboat-notices")
}

/// The name of the bucket in `region`.
pub fn bucket(region: &Region) -> String {
    format!("lifeboat-reports-{region}")
}
