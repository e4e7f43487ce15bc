//! A plan as the parameters of the stacks that are deployed for it: `lifeboat plan parameters`.
//!
//! Purpose: what a stack may touch is said once, in the plan; nobody copies ARNs by hand.
//! Guarantees: every resource of the plan, in both Regions, and none beside. Partition and account are those of the first
//! database's clusters, since the plan has all resources in one account.

use std::collections::BTreeMap;
use std::iter;

use lifeboat_model::{Arn, Plan, Region};
use serde_json::json;

/// What CloudFormation takes as the value of one parameter, in bytes: its documented quota.
pub const VALUE_BYTES_MAX: usize = 4096;

/// The parameters of a stack by their names in template.yaml.
pub type Parameters = BTreeMap<&'static str, String>;

/// The parameters of both stacks, as JSON by Region.
///
/// # Errors
/// A value is longer than CloudFormation takes: which one, and what to do.
pub fn json(plan: &Plan) -> Result<String, String> {
    let mut stacks: BTreeMap<&str, Parameters> = BTreeMap::new();
    for region in &plan.regions {
        let parameters = of_stack(plan, region);
        if let Some((name, value)) = parameters.iter().find(|(_, value)| value.len() > VALUE_BYTES_MAX) {
            return Err(format!(
                "{name} of plan {} has {} bytes, and CloudFormation takes {VALUE_BYTES_MAX}: split the workload into several \
                 plans, each with stacks of its own",
                plan.name,
                value.len(),
            ));
        }
        stacks.insert(region.as_str(), parameters);
    }
    Ok(format!("{:#}\n", json!(stacks)))
}

/// The parameters of the stack in `here`.
fn of_stack(plan: &Plan, here: &Region) -> Parameters {
    let arn = Arns::of(plan);
    let databases = plan.databases.iter().flat_map(|database| {
        let global = arn.global("rds", &format!("global-cluster:{}", database.global_cluster));
        iter::once(global).chain(database.clusters.values().map(ToString::to_string))
    });
    let caches = plan.caches.iter();
    let caches = caches.map(|c| arn.global("elasticache", &format!("globalreplicationgroup:{}", c.global_datastore)));
    let tables = plan.tables.iter().flat_map(|t| plan.regions.iter().map(move |r| (r, format!("table/{}", t.table))));
    let tables = tables.map(|(region, table)| arn.regional("dynamodb", region, &table));
    let brokers = plan.brokers.iter().flat_map(|b| &b.brokers);
    let brokers = brokers.map(|(region, b)| arn.regional("mq", region, &format!("broker:{}:{}", b.name, b.id)));
    let services = plan.services.iter().flat_map(|s| &s.placements);
    let services =
        services.map(|(region, p)| arn.regional("ecs", region, &format!("service/{}/{}", p.cluster, p.service)));
    let mut parameters = Parameters::from([
        ("DatabaseArns", joined(databases)),
        ("RoutingControlArns", joined(plan.routing.controls.values().map(ToString::to_string))),
        ("GlobalDatastoreArns", joined(caches)),
        ("WorkloadTableArns", joined(tables)),
        ("BrokerArns", joined(brokers)),
        ("ServiceArns", joined(services)),
        ("AlarmName", plan.automation.alarm.name.clone()),
        ("AlarmPeriodSeconds", (plan.automation.alarm.period.as_ms() / 1000).to_string()),
        ("AlarmEvaluationPeriods", plan.automation.alarm.evaluation_periods.to_string()),
    ]);
    // The stack makes the alarm only over both: one alone would not tell which Region is ill.
    let watching = |watched: &Region| plan.canaries.iter().find(|c| &c.runs_in == here && &c.watches == watched);
    let [a, b] = &plan.regions;
    let other = if a == here { b } else { a };
    if let (Some(of_other), Some(of_this)) = (watching(other), watching(here)) {
        parameters.insert("OtherRegionCanary", of_other.name.clone());
        parameters.insert("ThisRegionCanary", of_this.name.clone());
    }
    parameters
}

/// Each once, in the order of the plan.
fn joined(arns: impl Iterator<Item = String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for arn in arns {
        if !once.contains(&arn) {
            once.push(arn);
        }
    }
    once.join(",")
}

/// Makes ARNs in the partition and account of one that the plan has.
struct Arns<'a>(&'a Arn);

impl<'a> Arns<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self(
            plan.databases
                .iter()
                .flat_map(|d| d.clusters.values())
                .next()
                .expect("a plan has a database of two clusters"),
        )
    }

    fn global(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}::{}:{resource}", self.0.partition(), self.0.account())
    }

    fn regional(&self, service: &str, region: &Region, resource: &str) -> String {
        format!("arn:{}:{service}:{region}:{}:{resource}", self.0.partition(), self.0.account())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_file;

    #[test]
    fn a_stack_may_touch_each_resource_of_its_plan_in_both_regions_and_has_its_own_canaries() {
        let plan = plan_file::load(None).expect("the example");
        let stacks: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(&json(&plan).expect("parameters")).expect("an object of objects");
        let counts = [
            ("DatabaseArns", 6),
            ("RoutingControlArns", 2),
            ("GlobalDatastoreArns", 1),
            ("WorkloadTableArns", 2),
            ("BrokerArns", 2),
            ("ServiceArns", 12),
        ];
        for (here, this, other) in [
            ("us-east-1", "store-use1-read", "store-usw2-from-use1"),
            ("us-west-2", "store-usw2-read", "store-use1-from-usw2"),
        ] {
            let stack = &stacks[here];
            for (name, count) in counts {
                assert_eq!(stack[name].split(',').filter(|arn| arn.parse::<Arn>().is_ok()).count(), count, "{name}");
            }
            assert_eq!((stack["ThisRegionCanary"].as_str(), stack["OtherRegionCanary"].as_str()), (this, other));
            assert_eq!((stack["AlarmPeriodSeconds"].as_str(), stack["AlarmEvaluationPeriods"].as_str()), ("60", "2"));
        }
        let east = &stacks["us-east-1"];
        assert!(east["DatabaseArns"].starts_with("arn:aws:rds::111122223333:global-cluster:retail-store-catalog,"));
        assert_eq!(east["ServiceArns"], stacks["us-west-2"]["ServiceArns"]);
    }

    #[test]
    fn more_than_cloudformation_takes_is_refused_by_name() {
        let mut plan = plan_file::load(None).expect("the example");
        let many = (0..20).flat_map(|n| {
            plan.services.iter().cloned().map(move |mut service| {
                service.placements.values_mut().for_each(|p| p.service = format!("{}-{n}", p.service));
                service
            })
        });
        plan.services = many.collect();
        let told = json(&plan).expect_err("too many");
        assert!(told.starts_with("ServiceArns of plan retail-store has ") && told.contains("4096"), "{told}");
    }
}
