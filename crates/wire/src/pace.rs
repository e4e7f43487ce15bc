//! Keeps the world's virtual clock in step with the machine's.

use std::time::Duration;

use lifeboat_model::Timestamp;
use lifeboat_simulator::World;
use tokio::time::Instant;

/// How often the world catches up: its calls take tens of milliseconds, so that nobody notices.
const BEAT: Duration = Duration::from_millis(2);

/// How fast the world's clock goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    began: Instant,
    world_began: Timestamp,
    scale: u32,
}

impl Pace {
    /// From now on, at which the world shows `world_began`, `scale` times as fast as the machine's clock.
    pub fn new(world_began: Timestamp, scale: u32) -> Self {
        Self { began: Instant::now(), world_began, scale }
    }

    /// What the world's clock shows now.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.began.elapsed().saturating_mul(self.scale).as_millis();
        Timestamp::from_ms(self.world_began.as_ms() + i64::try_from(elapsed).unwrap_or(i64::MAX / 2))
    }

    /// Drives `world` for ever.
    pub async fn drive(self, world: World) {
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            world.executor().run_until(self.now());
        }
    }
}
