//! From the SDK's errors to ours: one mapping for every service.
//!
//! Purpose: says what a failed call may have done. A step repeats a call on the word of this file, so the class is chosen
//! by proof, not by hope.
//! Guarantees:
//! - `Unreachable` only when no connection was made: the request cannot have been seen. A connection that breaks, even
//!   before a byte of an answer, is `Internal`: the request may have been carried out.
//! - A refusal (`Denied`, `NotFound`, `Conflict`, `Invalid`) only on a status of 400 to 499. What a server says with a
//!   status of 500 or more is `Internal`, but for the words that say "not now" before anything was done.
//! - An answer that cannot be read, or an error that does not say which, is `Internal`, whatever its status but 429.
//!
//! Effects: none. Fails when: never.

use std::error::Error;
use std::io;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{DispatchFailure, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use lifeboat_ports::{CallError, Fault, Receipt};

/// The service asks for patience: nothing was done. The SDKs' own list of throttling codes, and the limit on executions.
const THROTTLED: [&str; 17] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "ExecutionLimitExceeded",
    "KMSThrottling",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Wrong, expired or insufficient credentials.
const DENIED: [&str; 16] = [
    "AuthFailure",
    "AuthorizationError",
    "ForbiddenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "KMSAccessDenied",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

/// The thing's state forbids it, or somebody else changes it.
const CONFLICT: [&str; 9] = [
    "ConcurrentUpdateException",
    "ConditionalCheckFailedException",
    "ConflictException",
    "OperationAborted",
    "ReplicatedWriteConflictException",
    "ServiceNotActiveException",
    "StateMachineDeleting",
    "TransactionCanceledException",
    "TransactionConflictException",
];

/// What a call of `operation` in `place` failed with.
pub fn call_error<E>(operation: &str, place: impl ToString, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let failed = |fault| CallError::new(operation, place.to_string(), fault);
    match error {
        // Never sent: no endpoint, no signature, no body. The next endpoint may do better.
        SdkError::ConstructionFailure(_) => failed(Fault::Unreachable).saying("", chain(error)),
        SdkError::TimeoutError(_) => failed(Fault::TimedOut),
        SdkError::DispatchFailure(failure) => failed(of_dispatch(failure)).saying("", chain(error)),
        SdkError::ResponseError(_) => failed(Fault::Internal).saying("UnreadableAnswer", chain(error)),
        SdkError::ServiceError(context) => {
            let (status, code) = (context.raw().status().as_u16(), context.err().code());
            let words = context.err().message().map_or_else(|| format!("status {status}"), str::to_owned);
            failed(of_answer(status, code.unwrap_or_default())).saying(code.unwrap_or_default(), words)
        }
        // The SDK may add kinds of failure; of such a one nothing is known.
        _ => failed(Fault::Internal).saying("", chain(error)),
    }
}

/// An answer that came in good order but lacks `what`: never a default, never "no".
pub fn incomplete(operation: &str, place: impl ToString, what: impl std::fmt::Display) -> CallError {
    CallError::new(operation, place, Fault::Internal).saying("IncompleteAnswer", format!("the answer lacks {what}"))
}

/// The text that an answer has to have: neither missing nor empty.
///
/// # Errors
/// The answer is [`incomplete`].
pub fn said<'a>(
    operation: &str,
    place: impl ToString,
    what: impl std::fmt::Display,
    text: Option<&'a str>,
) -> Result<&'a str, CallError> {
    text.filter(|text| !text.is_empty()).ok_or_else(|| incomplete(operation, place, what))
}

/// A call that was not made, as the plan has no `what` in `place`.
pub fn unplanned(operation: &str, place: impl ToString, what: impl std::fmt::Display) -> CallError {
    CallError::new(operation, place, Fault::Invalid).saying("", format!("the plan has no {what} there"))
}

/// The receipt of a call that was accepted with `output`.
pub fn receipt(output: &impl RequestId) -> Receipt {
    Receipt { request_id: output.request_id().unwrap_or_default().to_owned() }
}

/// The error and its sources, each in its own words.
fn chain(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

fn of_dispatch(failure: &DispatchFailure) -> Fault {
    let never_connected = failure.as_connector_error().is_some_and(|error| was_never_connected(error));
    match (never_connected, failure.is_timeout()) {
        (true, _) => Fault::Unreachable,
        (false, true) => Fault::TimedOut,
        (false, false) => Fault::Internal,
    }
}

/// Whether the chain of errors proves that no connection was made: the HTTP client failed in connecting (name resolution,
/// TCP, TLS, or their time limit), or the system refused a connection, which it does only while connecting.
fn was_never_connected(error: &(dyn Error + 'static)) -> bool {
    let connecting = error.downcast_ref::<hyper_util::client::legacy::Error>();
    let refused = error.downcast_ref::<io::Error>();
    connecting.is_some_and(hyper_util::client::legacy::Error::is_connect)
        || refused.is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
        || error.source().is_some_and(was_never_connected)
}

fn of_answer(status: u16, code: &str) -> Fault {
    let throttled = THROTTLED.contains(&code) || status == 429;
    match status {
        400.. if throttled => Fault::Throttled,
        // Application Auto Scaling says it with 500, of a resource that has an update pending: this one is not taken.
        400.. if code == "ConcurrentUpdateException" => Fault::Conflict,
        400.. if code == "EndpointTemporarilyUnavailableException" => Fault::Unavailable,
        400..=499 if !code.is_empty() => of_refusal(code),
        // 503 without such a word too: a proxy may say it after the service has acted.
        _ => Fault::Internal,
    }
}

fn of_refusal(code: &str) -> Fault {
    let starts_with = |starts: &[&str]| starts.iter().any(|start| code.starts_with(start));
    let denied = DENIED.contains(&code) || starts_with(&["AccessDenied", "ExpiredToken", "UnrecognizedClient"]);
    let wrong_state = code.starts_with("Invalid") && ["State", "StateFault"].iter().any(|end| code.ends_with(end));
    if denied {
        Fault::Denied
    } else if CONFLICT.contains(&code) || wrong_state {
        Fault::Conflict
    } else if code.contains("NotFound") || code.ends_with("DoesNotExist") || code.starts_with("NoSuch") {
        Fault::NotFound
    } else if starts_with(&["RequestTimeout"]) {
        // The server waited for the request's end; what it did with what it had is not said.
        Fault::TimedOut
    } else {
        Fault::Invalid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_needs_a_status_that_refuses() {
        let cases = [
            (400, "ThrottlingException", Fault::Throttled),
            (400, "Throttling", Fault::Throttled),
            (400, "ProvisionedThroughputExceededException", Fault::Throttled),
            (429, "", Fault::Throttled),
            (503, "RequestLimitExceeded", Fault::Throttled),
            (400, "AccessDenied", Fault::Denied),
            (403, "AccessDeniedException", Fault::Denied),
            (403, "UnauthorizedOperation", Fault::Denied),
            (400, "ExpiredTokenException", Fault::Denied),
            (403, "ExpiredToken", Fault::Denied),
            (400, "UnrecognizedClientException", Fault::Denied),
            (404, "GlobalClusterNotFoundFault", Fault::NotFound),
            (404, "DBClusterNotFoundFault", Fault::NotFound),
            (400, "ResourceNotFoundException", Fault::NotFound),
            (400, "StateMachineDoesNotExist", Fault::NotFound),
            (400, "InvalidGlobalClusterStateFault", Fault::Conflict),
            (400, "InvalidDBClusterStateFault", Fault::Conflict),
            (400, "InvalidGlobalReplicationGroupState", Fault::Conflict),
            (404, "GlobalReplicationGroupNotFoundFault", Fault::NotFound),
            (400, "InvalidParameterValue", Fault::Invalid),
            (400, "InvalidParameterCombination", Fault::Invalid),
            (400, "ClientException", Fault::Invalid),
            (400, "InvalidParameterException", Fault::Invalid),
            (400, "ClusterNotFoundException", Fault::NotFound),
            (400, "ServiceNotFoundException", Fault::NotFound),
            (400, "ServiceNotActiveException", Fault::Conflict),
            (400, "ObjectNotFoundException", Fault::NotFound),
            (400, "ConcurrentUpdateException", Fault::Conflict),
            (500, "ConcurrentUpdateException", Fault::Conflict),
            (500, "InternalServiceException", Fault::Internal),
            (400, "TargetGroupNotFound", Fault::NotFound),
            (400, "BadRequestException", Fault::Invalid),
            (403, "ForbiddenException", Fault::Denied),
            (403, "AuthorizationError", Fault::Denied),
            (400, "KMSAccessDenied", Fault::Denied),
            (400, "KMSThrottling", Fault::Throttled),
            (404, "NoSuchBucket", Fault::NotFound),
            (403, "InvalidAccessKeyId", Fault::Denied),
            (409, "OperationAborted", Fault::Conflict),
            (409, "ConflictException", Fault::Conflict),
            (400, "ReplicatedWriteConflictException", Fault::Conflict),
            (400, "ConditionalCheckFailedException", Fault::Conflict),
            (400, "ValidationException", Fault::Invalid),
            (402, "ServiceLimitExceededException", Fault::Invalid),
            (400, "", Fault::Internal),
            (403, "", Fault::Internal),
            (408, "RequestTimeout", Fault::TimedOut),
            (503, "EndpointTemporarilyUnavailableException", Fault::Unavailable),
            (503, "ServiceUnavailable", Fault::Internal),
            (503, "", Fault::Internal),
            (500, "InternalServerError", Fault::Internal),
            (500, "ConditionalCheckFailedException", Fault::Internal),
            (302, "", Fault::Internal),
        ];
        for (status, code, fault) in cases {
            assert_eq!(of_answer(status, code), fault, "{status} {code}");
        }
    }
}
