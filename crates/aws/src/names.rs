//! Name resolution by the system's resolver.
//!
//! Purpose: what clients would find under a name, as seen from the function's Region.
//! Guarantees: an answer is what the resolver said. "No such name" and "the resolver failed" come out of it as one error
//! that cannot be told apart for certain, so both are [`Fault::Unreachable`]: no answer is ever made up, and a name that
//! does not resolve proves nothing (S9).
//! Effects: none. Fails when: the resolver gives no address, or nothing within [`READ_TIMEOUT`].

use std::collections::BTreeSet;

use async_trait::async_trait;
use lifeboat_model::limits::READ_TIMEOUT;
use lifeboat_ports::{CallError, Fault, Names};

/// Which operation an error names.
const OPERATION: &str = "dns:Resolve";

/// The resolver wants a port; which one does not change the addresses.
const ANY_PORT: u16 = 443;

/// The system's resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

#[async_trait(?Send)]
impl Names for SystemNames {
    async fn resolve(&self, name: &str) -> Result<BTreeSet<String>, CallError> {
        let lookup = tokio::net::lookup_host((name, ANY_PORT));
        match tokio::time::timeout(READ_TIMEOUT.as_duration(), lookup).await {
            Ok(Ok(addresses)) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
            Ok(Err(error)) => Err(CallError::new(OPERATION, name, Fault::Unreachable).saying("", error.to_string())),
            Err(_elapsed) => Err(CallError::new(OPERATION, name, Fault::TimedOut)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_resolves_to_itself() {
        let addresses = SystemNames.resolve("192.0.2.7").await.expect("an address");
        assert_eq!(addresses, BTreeSet::from(["192.0.2.7".to_owned()]));
    }

    #[tokio::test]
    async fn s9_a_name_that_does_not_resolve_is_an_error_and_never_an_empty_answer() {
        // A label of more than 63 letters: the resolver refuses it without asking anybody.
        let error = SystemNames.resolve(&"x".repeat(300)).await.expect_err("no name");
        assert_eq!(error.fault, Fault::Unreachable);
    }
}
