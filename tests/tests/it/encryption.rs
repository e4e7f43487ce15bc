//! What is stored is encrypted with the stack's own key, and the key serves those who need it, for what they need it for.

use std::collections::BTreeSet;

use saphyr::Yaml;

use crate::common::{at, said, template, written};

/// Each type of resource that keeps data, where it says its key, and what it has to say.
const STORES: [(&str, &str, &str); 5] = [
    ("AWS::DynamoDB::GlobalTable", "Replicas", ""), // two keys: a test of their own
    ("AWS::Logs::LogGroup", "KmsKeyId", "!GetAtt Key.Arn"),
    ("AWS::S3::Bucket", "BucketEncryption", ""), // deeper down: a test of its own
    ("AWS::SNS::Topic", "KmsMasterKeyId", "!GetAtt Key.Arn"),
    ("AWS::SQS::Queue", "KmsMasterKeyId", "!GetAtt Key.Arn"),
];

/// Types that keep nothing that a run, a person or AWS writes into them: what they hold stands in this repository.
const STORE_NOTHING: [&str; 13] = [
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SSM::Document",
    "AWS::Serverless::Function",
    // It keeps the history of executions for 90 days, with a key of AWS's: with one of a customer's, SAM cannot declare it.
    "AWS::Serverless::StateMachine",
    "AWS::SQS::QueuePolicy",
];

/// Name, type and definition of every resource of the template.
pub fn resources() -> Vec<(String, String, Yaml<'static>)> {
    let template = template();
    let found = at(&template, "Resources").and_then(Yaml::as_mapping).expect("resources");
    let read = |(name, resource): (&Yaml<'static>, &Yaml<'static>)| {
        let kind = resource.as_mapping_get("Type").map(written).expect("a type");
        (name.as_str().expect("a name").to_owned(), kind, resource.clone())
    };
    found.iter().map(read).collect()
}

fn list<'a>(node: &'a Yaml<'static>, path: &str) -> &'a [Yaml<'static>] {
    at(node, path).and_then(Yaml::as_vec).map_or(&[], |v| v.as_slice())
}

#[test]
fn whatever_the_stack_stores_is_encrypted_with_its_own_key() {
    for (name, kind, resource) in resources() {
        let Some((_, property, key)) = STORES.iter().find(|(store, _, _)| *store == kind) else {
            assert!(STORE_NOTHING.contains(&kind.as_str()), "{name} is of type {kind}: does it store anything?");
            continue;
        };
        let found = at(&resource, &format!("Properties/{property}"));
        let found = found.unwrap_or_else(|| panic!("{name} has no {property}"));
        if !key.is_empty() {
            assert_eq!(written(found), *key, "{name}");
        }
    }
}

#[test]
fn every_replica_of_the_table_has_the_key_of_the_stack_in_its_region() {
    assert_eq!(said("Resources/Table/Properties/SSESpecification/SSEType"), "KMS");
    let template = template();
    let table = at(&template, "Resources/Table/Properties").expect("the table");
    let keys: Vec<(String, String)> = list(table, "Replicas")
        .iter()
        .map(|r| ["Region", "SSESpecification/KMSMasterKeyId"].map(|path| written(at(r, path).expect("a field"))))
        .map(|[region, key]| (region, key))
        .collect();
    let expected = [("!Ref AWS::Region", "!GetAtt Key.Arn"), ("!Ref TableReplicaRegion", "!Ref TableReplicaKeyArn")];
    assert_eq!(keys, expected.map(|(region, key)| (region.to_owned(), key.to_owned())));
    assert_eq!(said("Outputs/KeyArn/Value"), "!GetAtt Key.Arn", "what the other stack is given");
}

#[test]
fn reports_are_encrypted_with_the_stacks_key_and_whoever_asks_without_tls_is_denied() {
    let template = template();
    let encryption = at(&template, "Resources/Reports/Properties/BucketEncryption").expect("encryption");
    let [rule] = list(encryption, "ServerSideEncryptionConfiguration") else { panic!("{encryption:?}") };
    let rule = at(rule, "ServerSideEncryptionByDefault").expect("a default");
    let field = |name: &str| written(at(rule, name).expect("a field"));
    assert_eq!((field("SSEAlgorithm").as_str(), field("KMSMasterKeyID").as_str()), ("aws:kms", "!GetAtt Key.Arn"));
    for policy in ["ReportsPolicy", "NoticesPolicy"] {
        let resource = at(&template, &format!("Resources/{policy}/Properties/PolicyDocument")).expect("a policy");
        let tls = list(resource, "Statement").iter().find(|s| at(s, "Sid").map(written).as_deref() == Some("OnlyTls"));
        let tls = tls.unwrap_or_else(|| panic!("{policy} does without TLS"));
        assert_eq!(at(tls, "Effect").map(written).as_deref(), Some("Deny"), "{policy}");
        assert_eq!(at(tls, "Condition/Bool/aws:SecureTransport").map(written).as_deref(), Some("false"), "{policy}");
    }
}

#[test]
fn the_key_is_rotated_and_outlives_the_stack_like_what_it_encrypts() {
    let key = |name: &str| at(&template(), &format!("Resources/Key/Properties/{name}")).cloned();
    assert_eq!(key("EnableKeyRotation").and_then(|y| y.as_bool()), Some(true));
    assert_eq!(key("PendingWindowInDays").and_then(|y| y.as_integer()), Some(30), "the most");
    for resource in ["Key", "Table", "Reports", "ReportsPolicy"] {
        assert_eq!(said(&format!("Resources/{resource}/DeletionPolicy")), "Retain", "{resource}");
        assert_eq!(said(&format!("Resources/{resource}/UpdateReplacePolicy")), "Retain", "{resource}");
    }
}

/// The actions of a statement, be it one or several.
pub fn actions(statement: &Yaml<'static>) -> Vec<String> {
    match at(statement, "Action") {
        Some(one) if one.as_str().is_some() => vec![written(one)],
        Some(many) => many.as_vec().into_iter().flatten().map(written).collect(),
        None => Vec::new(),
    }
}

/// The services through which a statement lets its holder use a key; empty when it may use it directly.
fn services(statement: &Yaml<'static>) -> BTreeSet<String> {
    let via = at(statement, "Condition/StringEquals/kms:ViaService");
    let each: Vec<String> = match via {
        Some(many) if many.as_vec().is_some() => many.as_vec().into_iter().flatten().map(written).collect(),
        Some(one) => vec![written(one)],
        None => Vec::new(),
    };
    let name = |service: String| service.trim_start_matches("!Sub ").split('.').next().unwrap_or_default().to_owned();
    each.into_iter().map(name).collect()
}

#[test]
fn a_role_uses_the_key_for_the_services_that_it_writes_to_and_for_no_other() {
    let written_with = [("sns:Publish", "sns"), ("sqs:SendMessage", "sqs"), ("s3:PutObject", "s3")];
    let mut users = BTreeSet::new();
    for (name, kind, resource) in resources() {
        if kind != "AWS::IAM::Role" {
            continue;
        }
        let statements: Vec<&Yaml<'static>> =
            list(&resource, "Properties/Policies").iter().flat_map(|p| list(p, "PolicyDocument/Statement")).collect();
        let all: BTreeSet<String> = statements.iter().flat_map(|s| actions(s)).collect();
        let of_key: Vec<_> = statements.iter().filter(|s| actions(s).iter().any(|a| a.starts_with("kms:"))).collect();
        let needed: BTreeSet<String> =
            written_with.iter().filter(|(a, _)| all.contains(*a)).map(|(_, service)| (*service).to_owned()).collect();
        let used: BTreeSet<String> = of_key.iter().flat_map(|s| services(s)).collect();
        assert_eq!(used, needed, "{name}");
        for statement in of_key {
            assert_eq!(actions(statement), ["kms:GenerateDataKey", "kms:Decrypt"], "{name}");
            assert_eq!(at(statement, "Resource").map(written).as_deref(), Some("!GetAtt Key.Arn"), "{name}");
            assert!(!services(statement).is_empty(), "{name} uses the key directly");
            users.insert(name.clone());
        }
        let attached = list(&resource, "Properties/ManagedPolicyArns").iter().map(written);
        let opens_table = attached.filter(|policy| policy == "!Ref LedgerKeyPolicy").count();
        let uses_table = statements.iter().any(|s| at(s, "Sid").map(written).as_deref() == Some("Ledger"));
        assert_eq!(opens_table, usize::from(uses_table), "{name} and the table");
    }
    assert_eq!(users, ["ConcludeRole", "RequestApprovalRole", "StartRunRole"].map(str::to_owned).into());
}

#[test]
fn the_table_is_opened_through_dynamodb_alone_and_no_other_table_with_it() {
    let template = template();
    let policy = at(&template, "Resources/LedgerKeyPolicy/Properties/PolicyDocument").expect("the policy");
    let [statement] = list(policy, "Statement") else { panic!("one statement") };
    assert_eq!(actions(statement), ["kms:Decrypt"]);
    let table = at(statement, "Condition/StringEquals/kms:EncryptionContext:aws:dynamodb:tableName");
    assert_eq!(table.map(written).as_deref(), Some("!Ref TableName"));
    let resource = at(statement, "Resource").map(written);
    assert_eq!(resource.as_deref(), Some("!If [TableHasOwnKey, !Ref TableKeyArn, !GetAtt Key.Arn]"));
    let via = at(statement, "Condition/StringEquals/kms:ViaService").expect("a service");
    let Yaml::Tagged(_, inner) = via else { panic!("{via:?}") };
    let text = inner.as_vec().and_then(|v| v.first()).map(written);
    assert_eq!(text.as_deref(), Some("dynamodb.${Region}.${AWS::URLSuffix}"));
}

#[test]
fn the_keys_policy_lets_in_the_account_the_logs_of_the_stack_and_its_alarms() {
    let template = template();
    let statements = list(at(&template, "Resources/Key/Properties/KeyPolicy").expect("a policy"), "Statement");
    let sids: Vec<String> = statements.iter().map(|s| written(at(s, "Sid").expect("a name"))).collect();
    assert_eq!(sids, ["Account", "Logs", "Alarms"]);
    let [account, logs, alarms] = statements else { panic!("three statements") };
    let root = at(account, "Principal/AWS").map(written);
    assert_eq!(root.as_deref(), Some("!Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:root"), "and nobody else's");
    let service = |statement| at(statement, "Principal/Service").map(written);
    assert_eq!(service(logs).as_deref(), Some("!Sub logs.${AWS::Region}.${AWS::URLSuffix}"));
    assert_eq!(service(alarms).as_deref(), Some("cloudwatch.amazonaws.com"));
    // Each group has a name that the policy knows.
    let groups = list(logs, "Condition/ArnLike/kms:EncryptionContext:aws:logs:arn");
    let prefixes: Vec<String> = groups
        .iter()
        .filter_map(|arn| written(arn).split_once(":log-group:").map(|(_, name)| name.trim_end_matches('*').to_owned()))
        .collect();
    assert_eq!(prefixes.len(), 2);
    for (name, kind, resource) in resources() {
        if kind == "AWS::Logs::LogGroup" {
            let group = at(&resource, "Properties/LogGroupName").map(written).expect("a name");
            let group = group.trim_start_matches("!Sub ");
            assert!(prefixes.iter().any(|prefix| group.starts_with(prefix)), "{name}: no key for {group}");
        }
    }
}
