//! Messages to people: what is asked of SNS, and what is made of its answers.

use crate::common::{HOME, Recorded, Script, rds, rds_error};
use lifeboat_aws::SnsNotices;
use lifeboat_ports::{CallError, Fault, Notices, Receipt};

const PUBLISH: &str = "Publish";

async fn publish(aws: &Script, subject: &str, body: &str) -> Result<Receipt, CallError> {
    SnsNotices::new(&aws.environment()).expect("a topic").publish(subject, body).await
}

async fn published(subject: &str, body: &str) -> Recorded {
    let aws = Script::new();
    aws.on(PUBLISH, rds(PUBLISH, "<MessageId>m-1</MessageId>"));
    let receipt = publish(&aws, subject, body).await.expect("a receipt");
    assert_eq!(receipt.request_id, "request-1");
    aws.only_request()
}

#[tokio::test(start_paused = true)]
async fn s12_a_message_goes_to_the_topic_of_the_home_region() {
    let request = published("Retail store failed over", "Traffic is in us-west-2.").await;
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("sns.us-west-2.amazonaws.com", HOME));
    let text = String::from_utf8_lossy(&request.body).replace('+', "%20");
    let form = Recorded { body: text.into_bytes(), ..request }.form();
    assert_eq!(form["TopicArn"], "arn:aws:sns:us-west-2:111122223333:lifeboat");
    assert_eq!(
        (form["Subject"].as_str(), form["Message"].as_str()),
        ("Retail store failed over", "Traffic is in us-west-2.")
    );
    assert_eq!(form.len(), 5, "action, version and these three: {form:?}");
}

#[tokio::test(start_paused = true)]
async fn a_subject_becomes_one_short_line_of_ascii() {
    let request = published(&format!("é\n{}", "x".repeat(200)), "body").await;
    assert_eq!(request.form()["Subject"], format!("??{}", "x".repeat(97)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_cut_between_characters_and_says_so() {
    let limit = 256 * 1024;
    let request = published("s", &"x".repeat(limit)).await;
    assert_eq!(request.form()["Message"].len(), limit);
    // Three bytes each, escaped as nine characters.
    let request = published("s", &"€".repeat(limit / 3 + 1)).await;
    let text = String::from_utf8_lossy(&request.body).into_owned();
    let message = text.split("Message=").nth(1).expect("a message").split('&').next().unwrap_or_default();
    assert!(message.starts_with("%E2%82%AC") && message.contains("%E2%82%AC%0A%5Bcut"), "{}", message.len());
    let euros = message.matches("%E2%82%AC").count();
    assert!(euros * 3 + 31 <= limit && euros * 3 + 40 > limit, "{euros}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_the_words_of_the_service() {
    let cases = [
        (404, "NotFound", Fault::NotFound),
        (403, "AuthorizationError", Fault::Denied),
        (400, "InvalidParameter", Fault::Invalid),
        (400, "KMSAccessDenied", Fault::Denied),
        (400, "KMSThrottling", Fault::Throttled),
        (429, "Throttled", Fault::Throttled),
        (500, "InternalError", Fault::Internal),
    ];
    for (status, code, fault) in cases {
        let aws = Script::new();
        aws.on(PUBLISH, rds_error(status, code, "no"));
        let error = publish(&aws, "s", "b").await.expect_err("a refusal");
        aws.only_request();
        assert_eq!((error.fault, error.code.as_str(), error.message.as_str()), (fault, code, "no"));
        assert_eq!((error.operation.as_str(), error.place.as_str()), ("sns:Publish", HOME));
    }
}
