//! A stream behind a broker of events: the suite that every such log runs, on real directories that are closed and opened again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod others;
mod suite;
