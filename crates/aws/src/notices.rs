//! Messages to people, on Amazon SNS.
//!
//! Purpose: tells people of a run. Guarantees: one call, sent once (a message that is lost is better than one that comes
//! twice and looks like two runs); a subject or a body that SNS would refuse is made to fit, since a message that says less
//! is better than none. Effects: publishes to the stack's own topic, in the home Region.
//! Fails when: SNS refuses or does not answer.

use async_trait::async_trait;
use aws_sdk_sns::Client;
use lifeboat_model::{Arn, Region};
use lifeboat_ports::{CallError, Notices, Receipt};

use crate::Environment;
use crate::environment::{Calls, ConfigError, Service};
use crate::errors::{call_error, receipt};

const PUBLISH: &str = "sns:Publish";

/// The most characters of a subject: SNS wants less than 100.
const SUBJECT_MAX: usize = 99;

/// The most bytes of a body: the default of a topic's `MaximumMessageSize`.
const BODY_MAX_BYTES: usize = 256 * 1024;

/// What ends a body that was too long.
const CUT: &str = "\n[cut: too long for a message]";

/// The topic of the home Region.
#[derive(Debug)]
pub struct SnsNotices {
    client: Client,
    home: Region,
    topic: Arn,
}

impl SnsNotices {
    /// The topic that the environment names.
    ///
    /// # Errors
    /// `LIFEBOAT_TOPIC` is not set.
    pub fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let config = environment.config(Service::Sns, environment.home(), Calls::Mutations);
        Ok(Self { client: Client::new(&config), home: environment.home().clone(), topic: environment.topic()?.clone() })
    }
}

#[async_trait(?Send)]
impl Notices for SnsNotices {
    async fn publish(&self, subject: &str, body: &str) -> Result<Receipt, CallError> {
        let call = self
            .client
            .publish()
            .topic_arn(self.topic.as_str())
            .subject(fitting_subject(subject))
            .message(fitting_body(body));
        let output = call.send().await.map_err(|error| call_error(PUBLISH, &self.home, &error))?;
        Ok(receipt(&output))
    }
}

/// One line of printable ASCII; `?` stands for what is none.
fn fitting_subject(subject: &str) -> String {
    let printable = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    subject.chars().take(SUBJECT_MAX).map(printable).collect()
}

/// As much of `body` as SNS takes, in whole characters.
fn fitting_body(body: &str) -> String {
    if body.len() <= BODY_MAX_BYTES {
        return body.to_owned();
    }
    let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= BODY_MAX_BYTES - CUT.len();
    let kept: String = body.char_indices().take_while(fits).map(|(_, c)| c).collect();
    kept + CUT
}
