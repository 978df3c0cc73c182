//! Connections: over real sockets with hyper and axum, and in simulated time over pipes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod closing;
mod gates;
mod http;
mod json;
mod large;
mod liveness;
mod peer;
mod reading;
mod refusals;
mod torture;
mod writing;
