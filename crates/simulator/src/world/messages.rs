//! What was published to people, and what was stored for them.

use lifeboat_model::{Region, Timestamp};
use lifeboat_ports::{CallError, Fault, Receipt};

use super::World;

/// The most characters of a subject (SNS).
const SUBJECT_MAX: usize = 100;
/// The most bytes of a message (SNS).
const BODY_MAX: usize = 256 * 1024;

/// What was published and stored.
#[derive(Debug, Default)]
pub struct Messages {
    /// Every message, in order.
    pub published: Vec<Published>,
    /// Every object that was stored, in order; one that was stored again is there again.
    pub stored: Vec<Stored>,
    /// The lines of metrics that functions wrote to their standard output, in order.
    pub printed: Vec<String>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// When it was published.
    pub at: Timestamp,
}

/// A stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// What it is.
    pub content_type: String,
    /// Its content.
    pub body: String,
    /// The Region of its bucket.
    pub region: Region,
    /// When it was stored.
    pub at: Timestamp,
}

impl World {
    /// Publishes a message to the topic in `region`.
    ///
    /// # Errors
    /// SNS would refuse it.
    pub fn publish(&self, region: &Region, subject: &str, body: &str) -> Result<Receipt, CallError> {
        let printable = subject.bytes().all(|b| (b' '..=b'~').contains(&b));
        if subject.is_empty() || subject.len() > SUBJECT_MAX || !printable || body.is_empty() || body.len() > BODY_MAX {
            let error = CallError::new("sns:Publish", region, Fault::Invalid);
            return Err(error.saying("InvalidParameterException", "refused by the simulated service"));
        }
        let now = self.now();
        let message = Published { subject: subject.to_owned(), body: body.to_owned(), at: now };
        self.state_mut().messages.published.push(message);
        Ok(Receipt { request_id: format!("sns-{}", now.as_ms()) })
    }

    /// Stores an object in the bucket in `region`; its address.
    pub fn store_object(&self, region: &Region, key: &str, content_type: &str, body: &str) -> String {
        let at = self.now();
        let object = Stored {
            key: key.to_owned(),
            content_type: content_type.to_owned(),
            body: body.to_owned(),
            region: region.clone(),
            at,
        };
        self.state_mut().messages.stored.push(object);
        format!("s3://lifeboat-reports-{region}/{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{TARGET, plan, region, world};

    #[test]
    fn a_message_needs_a_short_subject_of_plain_letters() {
        let world = world(plan());
        let home = region(TARGET);
        world.publish(&home, "Completed", "all is well").expect("published");
        for subject in ["", "\u{fc}", "two\nlines", &"x".repeat(101)] {
            assert_eq!(world.publish(&home, subject, "text").expect_err("bad").fault, Fault::Invalid, "{subject:?}");
        }
        assert_eq!(world.state().messages.published.len(), 1);
        assert_eq!(
            world.store_object(&home, "runs/a.json", "application/json", "{}"),
            "s3://lifeboat-reports-us-west-2/runs/a.json"
        );
        assert_eq!(world.state().messages.stored.len(), 1);
    }
}
