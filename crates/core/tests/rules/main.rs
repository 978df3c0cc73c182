//! The rules, table by table, as scripts that can be read beside the protocol text.
//!
//! [`script`] tells how a script is written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests report by panicking"
)]

mod bodies;
mod closing;
mod expectations;
mod floors;
mod fork_points;
mod forks;
mod lifetimes;
mod lone;
mod many;
#[path = "../namespace/mod.rs"]
mod namespace;
mod order;
mod producers;
mod put;
mod removal;
mod retention;
mod script;
mod sizes;
mod truncation;
