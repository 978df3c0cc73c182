//! The crate from outside: bytes in, messages out, and back; handshakes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod closing;
mod deflate;
mod frames;
mod handshake;
mod limits;
mod model;
mod pieces;
mod planted;
mod prepared;
mod splits;
mod support;
