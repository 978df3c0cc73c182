//! Why something is no backup, or was not restored.

use std::io;
use std::path::{Path, PathBuf};

use crate::directory::OpenError;

/// Why what was read is no backup that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// It ends before its last frame: it was never completed, or cut.
    #[error("it is not complete: it ends at byte {at}")]
    Incomplete {
        /// Where it ends.
        at: u64,
    },
    /// Something in it is not what was written.
    #[error("it is damaged at byte {at}{}: {what}", inside(file.as_deref()))]
    Damaged {
        /// The byte where what is damaged begins.
        at: u64,
        /// The file of the data directory that is there, if it is known.
        file: Option<String>,
        /// What is wrong.
        what: &'static str,
    },
    /// It was not made by this program.
    #[error("it is no backup of this program")]
    Foreign,
    /// A later version of this program made it.
    #[error("it was made by a newer version of this program; use that one")]
    Newer,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

fn inside(file: Option<&str>) -> String {
    file.map_or_else(String::new, |file| format!(", in `{file}`"))
}

/// Why a backup was not restored. What had been written of the directory was removed again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The backup cannot be used.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The directory holds something. Nothing was changed.
    #[error(
        "the directory {} holds `{found}`; nothing in it was changed; choose an empty or a new one",
        directory.display()
    )]
    Occupied {
        /// The directory.
        directory: PathBuf,
        /// One of the names in it.
        found: String,
    },
    /// The directory cannot be had, or written to.
    #[error(transparent)]
    Directory(#[from] OpenError),
}

impl RestoreError {
    /// Adds to an error of the operating system what was tried.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let told = OpenError::io(action, path);
        move |error| Self::Directory(told(error))
    }
}
