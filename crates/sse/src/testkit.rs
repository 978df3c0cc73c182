//! For tests: the conformance suite for replay logs, and logs that fail on purpose.

pub mod check;
pub mod drive;
pub mod replay;

pub use check::{Failure, Verdict};
