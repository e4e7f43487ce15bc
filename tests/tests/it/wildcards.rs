//! A `*` in a policy of the template stands there for a reason, which is written down here.

use std::collections::BTreeSet;

use saphyr::Yaml;

use crate::common::{at, written};
use crate::encryption::{actions, resources};

/// Every resource that has a policy with a `*`, the statement, what holds the `*`, and why nothing narrower would do.
const REASONS: &[(&str, &str, &str, &str)] = &[
    ("ApproveDocumentRole", "Answer", "*", "SendTaskSuccess takes no resource: the token names the task"),
    ("AssessRole", "DescribeCapacity", "*", NO_RESOURCE),
    ("AssessRole", "Metrics", "*", METRICS),
    ("CheckTableRole", "Metrics", "*", METRICS),
    (
        "ConcludeRole",
        "Reports",
        "${Reports.Arn}/runs/*",
        "an object's name has the plan's and the execution's, which are not known yet",
    ),
    ("FailoverRole", "LogDelivery", "*", "log delivery is set up for the account: these actions take no log group"),
    ("FailoverRole", "Sample", "*", "X-Ray's actions on sampling take no resource"),
    ("Key", "Account", "*", THIS_KEY),
    ("Key", "Account", "kms:*", "without it nobody could change the key, and IAM policies would not count for it"),
    ("Key", "Alarms", "*", THIS_KEY),
    (
        "Key",
        "Alarms",
        "kms:GenerateDataKey*",
        "with and without plain text: AWS names both for a topic that alarms publish to",
    ),
    ("Key", "Logs", "*", THIS_KEY),
    ("Key", "Logs", "kms:GenerateDataKey*", "with and without plain text: AWS names both for log groups"),
    ("Key", "Logs", "kms:ReEncrypt*", "from and to: AWS names both for log groups"),
    ("NoticesPolicy", "OnlyTheStepsAndAlarms", "*", DENIES),
    ("NoticesPolicy", "OnlyTls", "*", DENIES),
    ("PromoteBrokerRole", "Metrics", "*", METRICS),
    ("PromoteCacheRole", "Metrics", "*", METRICS),
    ("ReportsPolicy", "OnlyTls", "${Reports.Arn}/*", DENIES),
    ("ReportsPolicy", "OnlyTls", "*", DENIES),
    ("ReportsPolicy", "OnlyTls", "s3:*", DENIES),
    ("ScaleComputeRole", "DescribeCapacity", "*", NO_RESOURCE),
    (
        "ScaleComputeRole",
        "RaiseLimits",
        "arn:${AWS::Partition}:application-autoscaling:${AWS::Region}:${AWS::AccountId}:scalable-target/*",
        "the id of a target is made up by AWS and does not name its service; two conditions hold it to ECS's desired counts",
    ),
    ("TracePolicy", "Trace", "*", "X-Ray's actions take no resource"),
    ("VerifyTrafficRole", "Metrics", "*", METRICS),
];

const METRICS: &str = "IAM knows no single metric: GetMetricData reads all of an account's or none";
const NO_RESOURCE: &str = "DescribeScalableTargets and DescribeTargetHealth take no resource";
const THIS_KEY: &str = "in a key's policy the resource is always this key";
const DENIES: &str = "it denies, and has to reach everybody";

/// Every statement below `node`.
fn statements<'a>(node: &'a Yaml<'static>, found: &mut Vec<&'a Yaml<'static>>) {
    match node {
        Yaml::Tagged(_, inner) => statements(inner, found),
        Yaml::Mapping(fields) => {
            if node.as_mapping_get("Effect").is_some() {
                found.push(node);
            }
            fields.values().for_each(|value| statements(value, found));
        }
        Yaml::Sequence(items) => items.iter().for_each(|item| statements(item, found)),
        Yaml::Value(_) | Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {}
    }
}

/// Every text below `node`.
fn texts(node: &Yaml<'static>) -> Vec<String> {
    match node {
        Yaml::Tagged(_, inner) => texts(inner),
        Yaml::Mapping(fields) => fields.values().flat_map(texts).collect(),
        Yaml::Sequence(items) => items.iter().flat_map(texts).collect(),
        Yaml::Value(_) | Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            node.as_str().map(str::to_owned).into_iter().collect()
        }
    }
}

#[test]
fn s16_no_policy_has_a_wildcard_without_its_reason_and_no_reason_is_left_over() {
    let mut found = BTreeSet::new();
    for (name, _, resource) in resources() {
        let mut of_resource = Vec::new();
        statements(&resource, &mut of_resource);
        for statement in of_resource {
            let sid = at(statement, "Sid").map(written).unwrap_or_default();
            for out_of_reach in ["NotAction", "NotResource", "NotPrincipal"] {
                assert!(
                    at(statement, out_of_reach).is_none(),
                    "{name}, {sid}: {out_of_reach} allows what nobody listed"
                );
            }
            let mut held = actions(statement);
            held.extend(at(statement, "Resource").map(texts).unwrap_or_default());
            held.extend(at(statement, "Principal").map(texts).unwrap_or_default());
            found.extend(held.into_iter().filter(|h| h.contains('*')).map(|h| (name.clone(), sid.clone(), h)));
        }
    }
    let known: BTreeSet<_> =
        REASONS.iter().map(|&(name, sid, held, _)| (name.to_owned(), sid.to_owned(), held.to_owned())).collect();
    assert_eq!(known.len(), REASONS.len(), "a reason is given twice");
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "a wildcard without a reason: {new:#?}");
    let stale: Vec<_> = known.difference(&found).collect();
    assert!(stale.is_empty(), "a reason without its wildcard: {stale:#?}");
    assert!(REASONS.iter().all(|(.., why)| why.len() > 20), "a reason is a sentence");
}
