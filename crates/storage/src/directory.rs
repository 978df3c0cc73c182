//! A data directory: whose it is, who has it open, and how one comes into being.
//!
//! An adapter that keeps data on a disk keeps it in a directory of its own. The file `MANIFEST` names the adapter and the
//! version of its format; the file `LOCK` is held by the process that has the directory open. What else lies there is
//! the adapter's business. This module promises:
//!
//! - **A foreign directory stays as it is**, byte for byte. Whether a directory is ours is decided by reading alone, before
//!   anything is created in it.
//! - **One process at a time**, for as long as the `DataDir` lives.
//! - **A directory comes into being whole or not at all.** The manifest gets its name last, when all that the adapter
//!   needs stands synced. What a crash leaves before that is recognised as an unfinished creation and begun anew.
//!
//! `docs/format.md` describes the files.

mod claim;
mod error;
mod files;
mod manifest;

pub use claim::detect;
pub(crate) use claim::{Claimed, DataDir, Layout, with_patience};
#[cfg(feature = "journal")]
pub(crate) use claim::{Vacant, hold, hold_whatever_it_is};
pub use error::OpenError;
pub(crate) use files::sync_directory;
#[cfg(feature = "sled")]
pub(crate) use files::write_atomically;

#[cfg(test)]
mod tests;
