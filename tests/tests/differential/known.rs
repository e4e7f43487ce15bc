//! Where the other interpreter, moto's, is known to be wrong.

use crate::trace::Aspect;

/// A known difference.
pub struct Known {
    /// The case that shows it.
    pub case: &'static str,
    /// In what it differs from what AWS does.
    pub differs: &'static [Aspect],
    /// What AWS does, and moto does instead.
    pub why: &'static str,
}

/// One by one.
pub const KNOWN: &[Known] = &[];
