//! Why the log was not read, or not written.

use std::io;
use std::path::{Path, PathBuf};

use super::Place;

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// What is there cannot be what was written. Nothing was changed.
    #[error("{} is damaged at byte {offset}: {flaw}{}", path.display(), later.map_or_else(String::new, behind))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        flaw: Flaw,
        /// Where a later group stands, which shows that this place was durable once.
        later: Option<Place>,
    },
    /// The disk refused something.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as in "read".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

fn behind(later: Place) -> String {
    format!("; a later group stands at {later}")
}

impl ReadError {
    /// Adds to an error of the disk what was tried.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

/// What is wrong at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// The file is not there.
    #[error("the file is missing")]
    Missing,
    /// It is smaller than it was before anything was written to it.
    #[error("the file is shorter than the {capacity} bytes it was made with")]
    Shortened {
        /// What it was made with.
        capacity: u32,
    },
    /// The file ends inside of a frame.
    #[error("the file ends in the middle of a frame")]
    Short,
    /// No frame was ever written there.
    #[error("nothing was written there")]
    Blank,
    /// What is there is not the header of a frame at this place of this file.
    #[error("no frame begins there")]
    Header,
    /// The header is plausible, but it or the body was altered.
    #[error("a frame does not match its checksum")]
    Checksum,
    /// The frame belongs to another group.
    #[error("a frame of group {found} stands where group {expected} belongs")]
    Group {
        /// The group whose turn it is.
        expected: u64,
        /// The frame's group.
        found: u64,
    },
    /// The frame has another place in its group.
    #[error("frames of a group are missing or out of order")]
    Order,
    /// A whole frame has a version that this program does not know.
    #[error("a frame has the unknown version {0}")]
    Version(u8),
    /// The first frame of a file does not continue the log before it.
    #[error("the file does not continue the one before it")]
    Continuation,
    /// The log has another end than the one it was sealed with.
    #[error("the log was sealed with another end")]
    Sealed,
    /// The seal was altered.
    #[error("the seal does not match its checksum")]
    Seal,
    /// There is more that looks like frames than can be looked at in reasonable time.
    #[error("too much behind it looks like frames to tell whether a later group is among them")]
    Crowded,
}

impl Flaw {
    /// Whether a write that a crash interrupted can look so. A whole frame that does not belong where it is cannot.
    pub(super) fn may_be_torn(self) -> bool {
        matches!(self, Self::Short | Self::Blank | Self::Header | Self::Checksum)
    }
}

/// Why a group was not written, or is not known to be durable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// There is no file to write it to. Nothing of the group was written, and it may be tried again.
    #[error("cannot prepare a journal file: {0}")]
    Spare(#[source] io::Error),
    /// It is empty, or has more frames or bytes than a group can have. Nothing of it was written.
    #[error("a group cannot have {frames} frames and {bytes} bytes")]
    Shape {
        /// How many frames it has.
        frames: usize,
        /// How many bytes they are.
        bytes: u64,
    },
    /// The group before it has not been synced. Nothing of this one was written.
    #[error("the group before it has not been synced")]
    Unsynced,
    /// A write or a sync failed. Whether the group is durable is unknown until the log is opened anew.
    #[error("cannot write the journal: {0}")]
    Failed(#[source] io::Error),
    /// An earlier write or sync failed.
    #[error("an earlier write of the journal failed")]
    Poisoned,
}
