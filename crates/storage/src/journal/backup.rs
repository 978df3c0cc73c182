//! Backups: all of a store as of one commit, in one stream of bytes, and a directory made of it again.
//!
//! It promises:
//!
//! - **As of one commit.** What a backup holds is what a crash at one moment after it was begun would have left, completely
//!   synced: every group that was reported before, whole, and none after some group.
//! - **Nobody waits for it.** Chunk files never change, and stay readable while they are open. Journal files would be written anew;
//!   they are [held](super::log::Hold) until the part of the log that is in no chunk file has been handed out, which comes first.
//! - **A part of a backup is none.** Frames are numbered and checksummed, and the last one says how much there was. What is
//!   damaged or ends early is refused, and the place is named.
//! - **A restored directory is there whole or not at all.** Its manifest gets its name last.
//!
//! What was damaged in a chunk file when the backup was made is so in the backup too, and is found by
//! [`check`](super::check()). `docs/format.md` describes the bytes.

mod archive;
mod error;
mod restore;
mod source;
#[cfg(test)]
mod tests;

pub use archive::{Summary, verify};
pub use error::{BackupError, RestoreError};
pub use restore::restore;
pub use source::{Backup, Backups, backup};
