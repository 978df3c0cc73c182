//! The engine at its boundary, on real adapters and on shared memory with faults injected.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod counting;
mod durable;
mod ending;
mod expiry;
mod fallen;
mod faults;
mod forks;
mod grouping;
mod late;
mod live;
mod order;
mod pages;
mod parked;
mod records;
mod refused;
mod removed;
mod reuse;
mod revealing;
mod support;
mod uses;
