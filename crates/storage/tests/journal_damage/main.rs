//! Damage to a store of the journal adapter that was stopped cleanly.
//!
//! A small store that has everything is damaged in one place, opened, and looked at as a whole. Every byte of every frame,
//! header and chunk file that is read is flipped in turn, some of those that are not, one byte of each block of zeroes, and bytes
//! of the catalogue; files are cut and removed. Whatever comes: nothing else than what was written is ever served, no stream is absent that is there, and
//! there is an answer.
//!
//! [`store`] makes the store and puts copies of it on a disk, [`trial`] damages one, opens it and looks.
#![cfg(feature = "journal")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests report by panicking"
)]

mod blocks;
mod catalogue;
mod check;
mod chunks;
mod files;
mod log;
mod repair;
mod store;
mod trial;
