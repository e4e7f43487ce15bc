//! `lifeboat watch`.
