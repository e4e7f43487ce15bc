//! Time as a step sees it.

use async_trait::async_trait;
use futures_util::future::{Either, select};
use lifeboat_model::{Period, Timestamp};

use crate::{CallError, Fault};

/// The clock, real or simulated. No IAM.
#[async_trait(?Send)]
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns after `period`.
    async fn sleep(&self, period: Period);
}

/// The result of `work`, or `None` when it takes longer than `limit`; it is dropped then, its effect unknown.
pub async fn within<T>(clock: &dyn Clock, limit: Period, work: impl Future<Output = T>) -> Option<T> {
    match select(std::pin::pin!(work), clock.sleep(limit)).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(((), _)) => None,
    }
}

/// The result of `call`, or that it gave no answer within `limit`.
///
/// # Errors
/// The call's own, or `TimedOut` for `operation` at `place`.
pub async fn timely<T>(
    clock: &dyn Clock,
    limit: Period,
    operation: &str,
    place: impl ToString,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    within(clock, limit, call).await.unwrap_or_else(|| Err(CallError::new(operation, place, Fault::TimedOut)))
}
