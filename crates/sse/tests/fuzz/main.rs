//! Targets for fuzzers, which CI runs for a number of inputs and `cargo xtask fuzz` for a time.

#[path = "../it/faulty.rs"]
mod faulty;
mod input;
mod planted;
#[path = "../it/reference.rs"]
mod reference;
#[path = "../it/support.rs"]
mod support;
mod targets;
