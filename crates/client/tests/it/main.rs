//! What the client makes of peers that break off, hang, refuse, or are no servers at all, over real sockets. What it does with a real server is shown in the
//! workspace's own tests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod appends;
mod connections;
mod peer;
mod reads;
mod waits;
