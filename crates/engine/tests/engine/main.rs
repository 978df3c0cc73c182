//! The engine at its boundary, on real adapters and on shared memory with faults injected.
//!
//! Which modules run in which setting:
//!
//! | setting | modules |
//! |---|---|
//! | two engines over one shared memory: clients that do anything while conflicts, unknown outcomes and late visibility are injected | `chaos`; with producers alone `faults` |
//! | every kind of [`fleets`]: one engine, two over one shared memory, two with conflicts and late visibility injected | `order`, `pages`, `forks`; of `live`, `feeds`, `truncated`, `retained`, `records` and `expiry` what is not named below |
//! | one engine over a memory of its own, and one or two over a shared one; what is held, made unknown or hidden is chosen by the test | `durable`, `ending`, `removed`, `records` (rows, adapters), `late`, `fallen`, `uses` |
//!
//! On one engine alone run
//! - `crowded`, `grouping`, `refused`, `weights`, and of `live` and `feeds` what is about the ring, wake-ups, shared wire forms and draining: they are about the
//!   memory and the queue that each engine has for itself;
//! - of `expiry` what is about uses of a TTL: until it is saved (`uses`), only the engine that was asked knows of a use;
//! - `reuse` and the restarts in `records`: a directory has one writer.
//!
//! `support`, `counting`, `parked` and `revealing` are tools.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::print_stdout, reason = "a test that fails shows its seed and what it measured")]

mod chaos;
mod counting;
mod crowded;
mod durable;
mod ending;
mod expiry;
mod fallen;
mod faults;
mod feeds;
mod fleets;
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
mod retained;
mod reuse;
mod revealing;
mod support;
mod truncated;
mod unclear;
mod uses;
mod weights;
