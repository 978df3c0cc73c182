//! The journal's log: groups of frames, durable in order, in files of one size.
//!
//! It knows nothing of streams: a frame is a kind, a version and bytes. It promises:
//!
//! - **Groups are whole.** After a crash a group is handed out with all its frames or not at all.
//! - **Groups are in order.** They are numbered without gaps, and what is handed out is the beginning of what was written, with
//!   everything that was durable. Each frame says which group was durable when it was written: a damaged group of which a later frame
//!   says so is corruption, and any other one may be what a crash tore. A group is written when the one before it is durable, or,
//!   where durability may come later, when all files before its own are.
//! - **What is not the log's is never taken for it.** Checksums cover the log's identity, the file's generation, the place and
//!   the group. Neither the old content of a recycled file, nor payload that imitates frames, passes for a frame.
//! - **After a failed write or sync nothing more is written.**
//!
//! Each opening for writing begins a new file, whose first frame says where the log before it ended. Behind that place anything
//! may lie: it is never read again.
//!
//! It leaves to others what the frames mean, when a group is full, and from which place on the log is still needed.
//! `docs/format.md` describes the bytes.

mod batch;
mod durable;
mod error;
mod files;
mod frame;
mod opening;
#[cfg(test)]
mod planted;
mod prepare;
mod recovery;
mod salvage;
mod seal;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use batch::Batch;
pub(crate) use durable::Durability;
pub use durable::SyncPolicy;
pub(crate) use error::{Flaw, ReadError, WriteError};
pub(crate) use files::{Files, is_file};
pub(crate) use frame::{CONTENT, Floors, Identity, Kind, Run};
pub(crate) use opening::{Settings, open};
#[cfg(test)]
pub(crate) use prepare::Prepared;
pub(crate) use prepare::{Hold, Supply};
pub(crate) use recovery::{Cut, Frame, Group, Recovered, recover};
pub(crate) use salvage::{Left, find_identity, salvage};
pub(crate) use seal::{NAME as SEAL, content as seal};
pub(crate) use writer::Writer;
#[cfg(test)]
pub(crate) use writer::Written;

/// A place in the log. Places are ordered as the log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// The file, by its generation. Generations count from 1.
    pub(crate) generation: u64,
    /// Bytes from the file's beginning.
    pub(crate) offset: u32,
}

impl Place {
    /// Bytes of the log from here to a later place, given the bytes of a file: about, because groups do not fill files.
    pub(crate) fn distance(self, later: Self, file_bytes: u32) -> u64 {
        // In front of the first file is where that begins.
        let files = later.generation.saturating_sub(self.generation.max(1));
        let bytes = files.saturating_mul(file_bytes.into()).saturating_add(later.offset.into());
        bytes.saturating_sub(self.offset.into())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} of journal file {}", self.offset, self.generation)
    }
}

/// A place between two groups, and the number of the group in front of it.
///
/// The default is the beginning of a log that was never written: in front of its first file, after group 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Where the group in front of it ends.
    pub(crate) place: Place,
    /// That group's number. Groups count from 1.
    pub(crate) group: u64,
}
