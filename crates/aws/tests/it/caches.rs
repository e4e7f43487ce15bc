//! Global datastores: what is asked of ElastiCache, and what is made of its answers.

use crate::common::resources::sessions;
use crate::common::{AWAY, HOME, Reply, Script, rds, rds_error, region};
use lifeboat_aws::ElastiCacheCaches;
use lifeboat_model::evidence::{Association, CacheRole, GlobalCache, Status};
use lifeboat_model::journal::Effect;
use lifeboat_ports::{Caches, CallError, Fault};

const DESCRIBE: &str = "DescribeGlobalReplicationGroups";
const FAILOVER: &str = "FailoverGlobalReplicationGroup";

fn member(group: &str, content: &str) -> String {
    format!(
        "<GlobalReplicationGroupMember><ReplicationGroupId>{group}</ReplicationGroupId>{content}\
         </GlobalReplicationGroupMember>"
    )
}

fn datastore(content: &str) -> String {
    format!(
        "<GlobalReplicationGroups><GlobalReplicationGroup>\
         <GlobalReplicationGroupId>ldgnf-sessions</GlobalReplicationGroupId>{content}\
         </GlobalReplicationGroup></GlobalReplicationGroups>"
    )
}

fn calm() -> String {
    let primary = member("sessions-use1", "<Role>PRIMARY</Role><Status>associated</Status>");
    let secondary = member("sessions-usw2", "<Role>SECONDARY</Role><Status>Associated</Status>");
    datastore(&format!("<Status>available</Status><Members>{primary}{secondary}</Members>"))
}

async fn describe(reply: Reply) -> Result<GlobalCache, CallError> {
    let aws = Script::new();
    aws.on(DESCRIBE, reply);
    let seen = ElastiCacheCaches::new(&aws.environment()).describe(&sessions(), &region(HOME)).await;
    aws.only_request();
    seen
}

async fn describe_body(body: &str) -> Result<GlobalCache, CallError> {
    describe(rds(DESCRIBE, body)).await
}

#[tokio::test(start_paused = true)]
async fn s12_a_description_asks_the_region_it_is_about_for_the_datastore_and_its_members() {
    let aws = Script::new();
    aws.on(DESCRIBE, rds(DESCRIBE, &calm()));
    ElastiCacheCaches::new(&aws.environment()).describe(&sessions(), &region(AWAY)).await.expect("a description");
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("elasticache.us-east-1.amazonaws.com", AWAY));
    let form = request.form();
    assert_eq!(form["GlobalReplicationGroupId"], "ldgnf-sessions");
    assert_eq!(form["ShowMemberInfo"], "true");
}

#[tokio::test(start_paused = true)]
async fn a_calm_datastore_is_described_in_full() {
    let seen = describe_body(&calm()).await.expect("a description");
    assert_eq!((&seen.vantage, &seen.status, seen.members.len()), (&region(HOME), &Status::Available, 2));
    assert_eq!(seen.primary().map(|primary| primary.group.as_str()), Some("sessions-use1"));
    let secondary = seen.member("sessions-usw2").expect("the member in the target");
    assert_eq!((secondary.role, &secondary.association), (CacheRole::Secondary, &Association::Associated));
}

#[tokio::test(start_paused = true)]
async fn s9_unknown_words_stay_unknown() {
    for role in ["", "<Role>TERTIARY</Role>"] {
        let members = member("sessions-usw2", &format!("{role}<Status>disassociating</Status>"));
        let body = datastore(&format!("<Status>modifying</Status><Members>{members}</Members>"));
        let seen = describe_body(&body).await.expect("a description");
        assert_eq!(seen.status, Status::Other("modifying".to_owned()));
        assert_eq!(seen.members[0].role, CacheRole::Unknown, "{role}");
        assert_eq!(seen.members[0].association, Association::Other("disassociating".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn s9_an_answer_that_lacks_what_a_decision_needs_is_no_answer() {
    let cases = [
        ("no list", String::new()),
        ("no status", calm().replace("<Status>available</Status>", "")),
        ("no members", datastore("<Status>available</Status>")),
        ("a member without group", calm().replace("<ReplicationGroupId>sessions-usw2</ReplicationGroupId>", "")),
        ("a member that belongs or not", calm().replace("<Status>Associated</Status>", "")),
    ];
    for (what, body) in cases {
        let error = describe_body(&body).await.expect_err(what);
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "IncompleteAnswer"), "{what}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_datastore_that_is_not_there_is_not_found() {
    let refusal = rds_error(404, "GlobalReplicationGroupNotFoundFault", "ldgnf-sessions not found");
    let other = calm().replace("ldgnf-sessions", "ldgnf-other");
    for reply in [refusal, rds(DESCRIBE, "<GlobalReplicationGroups/>"), rds(DESCRIBE, &other)] {
        let error = describe(reply).await.expect_err("not found");
        assert_eq!((error.fault, error.place.as_str()), (Fault::NotFound, HOME));
    }
}

#[tokio::test(start_paused = true)]
async fn s12_a_promotion_goes_to_the_target_and_names_its_group() {
    let aws = Script::new();
    aws.on(FAILOVER, rds(FAILOVER, ""));
    let caches = ElastiCacheCaches::new(&aws.environment());
    let receipt = caches.promote(&sessions(), &region(HOME)).await.expect("a receipt");
    assert_eq!(receipt.request_id, "request-1");
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("elasticache.us-west-2.amazonaws.com", HOME));
    let form = request.form();
    assert_eq!(form["GlobalReplicationGroupId"], "ldgnf-sessions");
    assert_eq!((form["PrimaryRegion"].as_str(), form["PrimaryReplicationGroupId"].as_str()), (HOME, "sessions-usw2"));
    assert_eq!(form.len(), 5, "action, version and these three: {form:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_promotion_had_no_effect() {
    let cases = [
        (400, "InvalidGlobalReplicationGroupState", Fault::Conflict),
        (404, "GlobalReplicationGroupNotFoundFault", Fault::NotFound),
        (400, "InvalidParameterValue", Fault::Invalid),
        (400, "InvalidParameterCombination", Fault::Invalid),
    ];
    for (status, code, fault) in cases {
        let aws = Script::new();
        aws.on(FAILOVER, rds_error(status, code, "no"));
        let caches = ElastiCacheCaches::new(&aws.environment());
        let error = caches.promote(&sessions(), &region(HOME)).await.expect_err("a refusal");
        aws.only_request();
        assert_eq!((error.fault, error.effect()), (fault, Effect::None), "{code}");
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, "no"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_the_plan_does_not_have_is_not_asked_for() {
    let aws = Script::new();
    let caches = ElastiCacheCaches::new(&aws.environment());
    let error = caches.promote(&sessions(), &region("eu-west-1")).await.expect_err("no group");
    assert_eq!((error.fault, error.place.as_str()), (Fault::Invalid, "eu-west-1"));
    assert!(aws.finish().is_empty());
}
