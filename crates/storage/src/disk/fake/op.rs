//! The history's entries.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::names::FileId;

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) name: Arc<str>,
}

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Failed,
}

/// What changed something, or says what does.
#[derive(Clone, Debug)]
pub(super) enum Op {
    CreateFolder(Place),
    Create(Place, FileId),
    /// To another name in the same folder.
    Rename(Place, Arc<str>),
    Remove(Place),
    Write {
        file: FileId,
        offset: u64,
        bytes: Bytes,
    },
    /// A sync is for what had been done when it `began`, and comes into the history when it ends.
    SyncData {
        file: FileId,
        began: u64,
        outcome: Outcome,
    },
    SyncFolder {
        folder: PathBuf,
        began: u64,
        outcome: Outcome,
    },
    Flip {
        file: FileId,
        offset: u64,
        mask: u8,
    },
    Mark(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.folder.join(&*self.name).display())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "",
            Self::Failed => ", which failed",
        })
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateFolder(place) => write!(f, "create_folder {place}"),
            Self::Create(place, file) => write!(f, "create {place} (file {file})"),
            Self::Rename(place, to) => write!(f, "rename {place} to {to}"),
            Self::Remove(place) => write!(f, "remove {place}"),
            Self::Write { file, offset, bytes } => {
                write!(f, "write to file {file} at {offset}, {} bytes", bytes.len())
            }
            Self::SyncData { file, outcome, .. } => write!(f, "sync_data of file {file}{outcome}"),
            Self::SyncFolder { folder, outcome, .. } => {
                write!(f, "sync_folder {:?}{outcome}", folder.display().to_string())
            }
            Self::Flip { file, offset, mask } => {
                write!(f, "flip in file {file} at {offset} by {mask:#04x}")
            }
            Self::Mark(mark) => write!(f, "mark {mark}"),
        }
    }
}
