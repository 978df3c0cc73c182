//! Streams in sled, an embedded database.
//!
//! *Durable*, for this adapter, means: in the database's file, and that file synced (`fdatasync`) after it was written. It
//! survives the death of the process at any moment, and loss of power as far as the disk keeps what it says it has, with one
//! exception: sled may write over a place before what it moved from there is synced. `docs/guarantees.md` says when.
//!
//! # How it works
//!
//! ```text
//!  commit ──▶ committer ──▶ group rows ──▶ sync ──▶ recent (memory) ──▶ done
//!                 │                                     │
//!                 └──── packing, in small steps ────────┴──▶ blocks, tables, orders, states … ──▶ group rows deleted
//!
//!  load, read ──▶ recent ──▶ a few threads that read the database
//! ```
//!
//! - One thread writes (`committer`): it decides by comparing versions (`decide`), writes a group as a few values, and syncs once.
//! - What is committed is `recent` until it is packed (`pack`) into rows per stream and per space. Packed values hold many
//!   records: sled is neither fast nor small with one value per record.
//! - Whoever `read`s looks into memory first and into the database second, on the threads of a `pool`.
//! - Opening (`open`) looks at every value. sled forgets damaged parts of its file without a word, so counts, sums and
//!   checksums are this adapter's own, and missing records refuse the start. Start time grows with the store.
//!
//! `local::database::tuning` says which sizes follow from how sled works. `docs/format.md` describes every row and file.
//!
//! # Limits
//!
//! sled reuses the space inside its file, and shortens the file only where free space lies at its end. A space's counter (about fifty bytes) stays when its
//! last stream is removed, so that its numbers are never used again.

mod chunk;
mod committed;
mod committer;
mod group;
mod handle;
mod open;
mod pack;
mod read;
mod room;
mod safeguards;
mod seal;
mod tree;

pub use handle::{Options, SledStorage};
#[cfg(any(test, feature = "testkit"))]
pub use safeguards::{Comparison, Safeguards, Strict};

pub use crate::directory::OpenError;

#[cfg(test)]
mod tests;
