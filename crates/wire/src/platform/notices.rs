//! SNS: what is published to people.

use async_trait::async_trait;
use http::StatusCode;
use lifeboat_model::limits::Step;

use super::topic_arn;
use crate::callers::{Act, Callers};
use crate::face::Service;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;

const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// SNS, with one topic in each Region.
pub struct NoticesService {
    callers: Callers,
}

impl NoticesService {
    /// The topics of the world of `callers`.
    pub const fn new(callers: Callers) -> Self {
        Self { callers }
    }

    async fn publish(&self, request: &Request) -> Result<String, Refusal> {
        let parameters: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
        let said = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let action = said("Action").unwrap_or_default();
        if action != "Publish" {
            return Err(Refusal::new("InvalidAction", format!("the simulator does not serve {action}")));
        }
        let unsigned = || Refusal::with_status(StatusCode::FORBIDDEN, "MissingAuthenticationToken", "it is not signed");
        let signature = request.signature.as_ref().ok_or_else(unsigned)?;
        let (key, region) = (&signature.access_key, &signature.region);
        if said("TopicArn") != Some(topic_arn(region).as_str()) {
            return Err(Refusal::with_status(StatusCode::NOT_FOUND, "NotFound", "Topic does not exist"));
        }
        let (subject, body) = (said("Subject").unwrap_or_default(), said("Message").unwrap_or_default());
        let ports = self.callers.ports(key, Step::Conclude, Act::Look, region);
        let receipt = ports.call_platform("sns:Publish", region, "topic", |world| world.publish(region, subject, body));
        Ok(receipt.await?.request_id)
    }
}

#[async_trait(?Send)]
impl Service for NoticesService {
    async fn serve(&self, request: &Request) -> Reply {
        match self.publish(request).await {
            Ok(id) => Reply::new(
                StatusCode::OK,
                "text/xml",
                format!(
                    "<PublishResponse xmlns=\"{NAMESPACE}\"><PublishResult><MessageId>{id}</MessageId></PublishResult>\
                     <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></PublishResponse>"
                ),
            ),
            Err(Refusal::Said { status, code, message, .. }) => refused(status, NAMESPACE, (&code, &message)),
            Err(Refusal::Gone) => Reply::Gone,
        }
    }
}

/// A refusal of the query protocol.
pub(super) fn refused(status: StatusCode, namespace: &str, (code, message): (&str, &str)) -> Reply {
    let message = escaped(message);
    let body = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>\
         </Error><RequestId>simulated</RequestId></ErrorResponse>"
    );
    Reply::new(status, "text/xml", body)
}

/// `text` as XML has it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
