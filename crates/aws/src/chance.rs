//! Randomness from the standard library.
//!
//! Purpose: picks the routing-control endpoint that is asked first, so that not every run leans on the same one.
//! Guarantees: a number below the bound; spread evenly enough. The keys of [`RandomState`] come from the operating system,
//! and SipHash spreads them. No secret hangs on it, so no cryptographic source is needed and no crate for one.
//! Effects: none. Fails when: never.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use lifeboat_ports::Chance;

/// Randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsChance;

impl Chance for OsChance {
    fn below(&self, bound: usize) -> usize {
        let bits = RandomState::new().build_hasher().finish();
        let bound = bound.max(1) as u64;
        usize::try_from(bits % bound).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_five_endpoints_is_picked_now_and_then_and_nothing_else() {
        let mut picked = [0_u32; 5];
        for _ in 0..1000 {
            picked[OsChance.below(5)] += 1;
        }
        assert!(picked.iter().all(|times| *times > 100), "{picked:?}");
        assert_eq!(OsChance.below(0), 0);
    }
}
