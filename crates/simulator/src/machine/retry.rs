//! Which retrier or catcher an error meets, and how long a retry waits.

use lifeboat_model::Period;

use super::definition::{Catcher, Jitter, Retrier};

/// Errors that no wildcard meets.
const UNCATCHABLE: [&str; 2] = ["States.DataLimitExceeded", "States.Runtime"];

fn meets(error_equals: &[String], error: &str) -> bool {
    error_equals.iter().any(|wanted| match wanted.as_str() {
        "States.ALL" => !UNCATCHABLE.contains(&error),
        "States.TaskFailed" => !UNCATCHABLE.contains(&error) && error != "States.Timeout",
        name => name == error,
    })
}

/// The attempts that each retrier of one visit to a state has used.
pub struct Retries<'a> {
    retriers: &'a [Retrier],
    used: Vec<u32>,
}

impl<'a> Retries<'a> {
    /// None used yet.
    pub fn new(retriers: &'a [Retrier]) -> Self {
        Self { retriers, used: vec![0; retriers.len()] }
    }

    /// How long to wait before trying again after `error`; `None` when the first retrier that it meets is used up, or it
    /// meets none. `chance` is from 0 to 1.
    pub fn delay(&mut self, error: &str, chance: f64) -> Option<Period> {
        let n = self.retriers.iter().position(|r| meets(&r.error_equals, error))?;
        let (retrier, used) = (self.retriers.get(n)?, self.used.get_mut(n)?);
        if *used >= retrier.max_attempts {
            return None;
        }
        let delay =
            f64::from(retrier.interval_seconds) * retrier.backoff_rate.powi(i32::try_from(*used).unwrap_or(i32::MAX));
        let delay = delay.min(f64::from(retrier.max_delay_seconds));
        *used += 1;
        let seconds = match retrier.jitter_strategy {
            Jitter::Full => delay * chance,
            Jitter::None => delay,
        };
        Some(Period::ms((seconds * 1000.0) as u32))
    }
}

/// The catcher that `error` meets.
pub fn catcher<'a>(catchers: &'a [Catcher], error: &str) -> Option<&'a Catcher> {
    catchers.iter().find(|c| meets(&c.error_equals, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retrier(errors: &[&str], jitter: Jitter) -> Retrier {
        Retrier {
            error_equals: errors.iter().map(|&e| e.to_owned()).collect(),
            interval_seconds: 1,
            backoff_rate: 2.0,
            max_attempts: 5,
            max_delay_seconds: 8,
            jitter_strategy: jitter,
        }
    }

    #[test]
    fn delays_double_up_to_the_cap_and_end_with_the_attempts() {
        let retriers = [retrier(&["Lifeboat.Transient"], Jitter::None)];
        let mut retries = Retries::new(&retriers);
        let delays: Vec<Option<i64>> =
            (0..6).map(|_| retries.delay("Lifeboat.Transient", 0.5).map(Period::as_ms)).collect();
        assert_eq!(delays, [Some(1000), Some(2000), Some(4000), Some(8000), Some(8000), None]);
    }

    #[test]
    fn full_jitter_spreads_over_the_whole_delay() {
        let retriers = [retrier(&["States.ALL"], Jitter::Full)];
        let mut retries = Retries::new(&retriers);
        assert_eq!(retries.delay("X", 0.0).map(Period::as_ms), Some(0));
        assert_eq!(retries.delay("X", 0.75).map(Period::as_ms), Some(1500));
    }

    #[test]
    fn each_retrier_counts_for_itself_and_the_first_that_meets_decides() {
        let retriers = [retrier(&["A"], Jitter::None), retrier(&["States.TaskFailed"], Jitter::None)];
        let mut retries = Retries::new(&retriers);
        for _ in 0..5 {
            assert!(retries.delay("A", 1.0).is_some());
        }
        assert_eq!(retries.delay("A", 1.0), None);
        assert!(retries.delay("B", 1.0).is_some());
        assert_eq!(retries.delay("States.Timeout", 1.0), None);
        assert_eq!(retries.delay("States.DataLimitExceeded", 1.0), None);
    }
}
