//! `lifeboat plan`: check, show, parameters, apply, schema.

use std::path::Path;

use lifeboat_model::Plan;
use lifeboat_report::text;
use serde_json::json;

use crate::args::PlanCommand;
use crate::exit::{Exit, Failure, print};
use crate::plan_file::PlanFileError;
use crate::{plan_file, plan_parameters, plan_show, schema};

pub(crate) fn run(command: &PlanCommand) -> Result<Exit, Failure> {
    match command {
        PlanCommand::Check { file, json: true } => return check_as_json(file.as_deref()),
        PlanCommand::Check { file, json: false } => {
            let plan = plan_file::load(file.as_deref())?;
            let name = file.as_deref().map_or(plan_file::EXAMPLE.0.to_owned(), |f| f.display().to_string());
            print(&format!("{name}: {}\n", in_a_line(&plan)))?;
        }
        PlanCommand::Show { file, json } => {
            let plan = plan_file::load(file.as_deref())?;
            let shown = if *json { plan_show::json(&plan) } else { plan_show::yaml(&plan) };
            print(&shown.map_err(Failure::Output)?)?;
        }
        PlanCommand::Parameters { file } => {
            let plan = plan_file::load(file.as_deref())?;
            print(&plan_parameters::json(&plan).map_err(Failure::Arguments)?)?;
        }
        PlanCommand::Apply(args) => return crate::operator::apply(args),
        PlanCommand::Schema => print(&schema::of_plan())?,
    }
    Ok(Exit::AsExpected)
}

/// For a script: the same problems, as data.
fn check_as_json(file: Option<&Path>) -> Result<Exit, Failure> {
    let (told, exit) = match plan_file::load(file) {
        Ok(plan) => (json!({"good": true, "plan": plan.name, "problems": []}), Exit::AsExpected),
        Err(PlanFileError::NotAPlan { problems, .. }) => (json!({"good": false, "problems": problems}), Exit::BadInput),
        Err(error @ (PlanFileError::Unreadable { .. } | PlanFileError::NotYaml { .. })) => {
            (json!({"good": false, "problems": [], "error": error.to_string()}), Exit::BadInput)
        }
    };
    print(&format!("{told:#}\n"))?;
    Ok(exit)
}

/// What the plan is about, once it is known to be good.
fn in_a_line(plan: &Plan) -> String {
    let [a, b] = &plan.regions;
    format!(
        "plan {} is good: {a} and {b}, {}, {}, {}, {}",
        plan.name,
        text::count(plan.databases.len(), "database"),
        text::count(plan.canaries.len(), "canary"),
        text::count(plan.dns.len(), "DNS name"),
        text::count(plan.routing.endpoints.len(), "routing endpoint"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_plan_is_told_in_a_line() {
        let plan = plan_file::load(None).expect("the example");
        assert_eq!(
            in_a_line(&plan),
            "plan retail-store is good: us-east-1 and us-west-2, 2 databases, 8 canaries, 1 DNS name, 5 routing endpoints"
        );
    }
}
