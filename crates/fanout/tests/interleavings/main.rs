//! What the log and the roster synchronise themselves, in every interleaving:
//! `RUSTFLAGS="--cfg headwater_loom" cargo test --release --package headwater-fanout --test interleavings`.
//!
//! A lost wake-up is a deadlock here, which loom reports; planted faults show that it does.
#![cfg(headwater_loom)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod hand;
mod log;
mod planted;
mod roster;
mod support;
