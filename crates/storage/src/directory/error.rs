//! Why a data directory was not opened.

use std::io;
use std::path::{Path, PathBuf};

/// Why a data directory was not opened. Each kind calls for another reaction, and has its own exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or another handle of this one, has it open, and had for as long as was waited.
    #[error(
        "the data directory {} is in use by another process; stop that one, or choose another directory",
        directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// It holds something else. Nothing was changed.
    #[error(
        "{} is not a data directory of this kind: {found}; nothing in it was changed; choose an empty or a new directory",
        directory.display()
    )]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// What it holds instead.
        found: String,
    },
    /// What is stored is damaged, or a part of it is missing. The text names the place, and what to do.
    #[error("{0}")]
    Corrupt(String),
    /// A later version of this program wrote it. Nothing was changed.
    #[error(
        "the data directory {} has format {found}, and this program knows formats up to {known}; use a newer version",
        directory.display()
    )]
    NewerFormat {
        /// The directory.
        directory: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// The operating system refused something.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, as in "cannot read".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl OpenError {
    /// Adds to an error of the operating system what was tried.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// Damage at a place, with the advice that holds for every kind of damage.
    pub(crate) fn corrupt(directory: &Path, place: &str) -> Self {
        Self::Corrupt(format!(
            "the data directory {} is damaged: {place}; restore the directory from a backup, or move it away to start \
             with an empty one",
            directory.display()
        ))
    }
}
