//! Targets for fuzzers, which CI runs for a number of inputs and `cargo xtask fuzz` for a time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

#[path = "../it/model.rs"]
mod model;
#[path = "../it/support.rs"]
mod support;
mod targets;
