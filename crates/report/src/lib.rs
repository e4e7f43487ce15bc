//! The report of a run, and everything that is made of it: the page, the message to people, the metrics.
//!
//! Purpose: a real run and a drilled one leave the same report in the same look; the drill's own page is drawn with the
//! parts that are public here.
//! Guarantees: pure; made from the plan and the run's journal alone, so that the same journal gives the same report, to
//! the byte, whenever it is asked for.
//! Beside it the message about an alarm that called in vain, when there is no run to report on.
//! Fails when: it cannot; what is not known is absent.

mod calls;
mod metrics;
mod run;
mod timeline;

pub mod alarm;
pub mod figures;
pub mod html;
pub mod message;
pub mod picture;
pub mod text;

pub use metrics::{Figures, metrics};
pub use run::of;
pub use timeline::words as in_words;
