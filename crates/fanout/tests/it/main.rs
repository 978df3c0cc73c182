//! The log through its public face.
#![cfg(not(headwater_loom))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod checker;
mod checker_faults;
mod late;
mod memory;
mod model;
mod policies;
mod random;
mod sending;
mod support;
mod threads;
