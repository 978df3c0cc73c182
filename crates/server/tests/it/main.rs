//! The server over a real socket, on storage that fails on command.
//!
//! The protocol itself is tested from outside, on the real binary; here is what needs a fault in the right
//! place.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod failing;
mod held;
mod limits;
mod logged;
mod pages;
mod removed;
mod rig;
