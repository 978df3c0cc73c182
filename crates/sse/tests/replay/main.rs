//! The replay log in memory, and the suite that logs are held against.
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

mod planted;
mod retention;
mod suite;
mod waiting;
