//! The real clock.
//!
//! Purpose: time for the steps. Guarantees: none beyond the host's; Lambda keeps it by NTP.
//! Effects: none. Fails when: never.

use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use lifeboat_model::{Period, Timestamp};
use lifeboat_ports::Clock;

/// The system's time and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait(?Send)]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is broken; the epoch then makes every lease, consent and datapoint look far off, so that
        // nothing acts on it.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep(&self, period: Period) {
        tokio::time::sleep(period.as_duration()).await;
    }
}
