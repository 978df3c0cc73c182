//! Export of spans: the real program, and a collector of our own that reads what really comes over a socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod collector;
mod down;
mod message;
mod server;
mod spans;
