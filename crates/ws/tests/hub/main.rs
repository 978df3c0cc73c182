//! The hub, on real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod asked;
mod bound;
mod delivery;
mod ending;
mod isolation;
mod pair;
mod publisher;
mod races;
mod slow;
mod verdicts;
