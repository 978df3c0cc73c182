//! The one place that knows storage adapters by name, and chooses one.
//!
//! Chosen once, when the process starts. An existing data directory says by itself which adapter wrote it; one of
//! another adapter, or of another program, is refused and left as it is.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use headwater_core::Storage;
use headwater_storage::MemoryStorage;
use headwater_storage::directory::{self, OpenError};
use headwater_storage::journal::{self, Backup, Backups, JournalStorage, SyncPolicy};
use headwater_storage::sled::{self, SledStorage};

use crate::process::Exit;

/// An adapter of storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Adapter {
    /// In files, through an embedded database.
    Sled,
    /// In files, a journal and what is packed of it.
    Journal,
    /// In memory, for as long as the process lives.
    Memory,
}

impl Adapter {
    /// The name, on the command line and in a data directory.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Journal => "journal",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Storage, and which adapter it is.
#[derive(Debug)]
pub struct Opened {
    /// The adapter that was chosen.
    pub adapter: Adapter,
    /// The storage, ready to use.
    pub storage: Arc<dyn Storage>,
    /// What makes backups of it while it is used, where it can do that.
    pub backups: Option<Backups>,
}

/// Why no storage was opened. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StorageFailure {
    /// The adapter refused the data directory.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another adapter wrote the data directory, one that this program does not have.
    #[error(
        "the data directory {} was written by the storage `{adapter}`, which this version does not have; nothing in it \
         was changed; use a newer version, or choose another directory",
        directory.display()
    )]
    UnknownAdapter {
        /// The directory.
        directory: PathBuf,
        /// What its manifest names.
        adapter: String,
    },
    /// An interval is for the journal alone.
    #[error(
        "--sync is always with the storage `{adapter}`, which keeps no journal: leave it out, or keep a new directory with --storage journal"
    )]
    NoInterval {
        /// The storage.
        adapter: Adapter,
    },
    /// There is no data directory.
    #[error("there is no data directory at {}", directory.display())]
    NoDirectory {
        /// The place.
        directory: PathBuf,
    },
    /// It is of sled, which changes its files when it opens them.
    #[error(
        "the data directory {} is kept by `sled`, which cannot be read without being changed: start a server on a copy of it, \
         which verifies all of it",
        directory.display()
    )]
    Unchecked {
        /// The directory.
        directory: PathBuf,
    },
    /// It is of sled, of which there are no backups but copies.
    #[error(
        "the data directory {} is kept by `sled`: while no server has it open, a copy of the directory is a backup",
        directory.display()
    )]
    NoBackups {
        /// The directory.
        directory: PathBuf,
    },
}

impl StorageFailure {
    /// The exit code of a process that fails for this.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::UnknownAdapter { .. } => Exit::Foreign,
            Self::NoDirectory { .. }
            | Self::Unchecked { .. }
            | Self::NoBackups { .. }
            | Self::NoInterval { .. } => Exit::Usage,
            Self::Open(OpenError::InUse { .. }) => Exit::DataInUse,
            Self::Open(OpenError::Foreign { .. } | OpenError::NewerFormat { .. }) => Exit::Foreign,
            Self::Open(OpenError::Corrupt(_)) => Exit::Corrupt,
            Self::Open(OpenError::Io { source, .. }) => match source.kind() {
                // The wrong place to keep data in, which a look at the configuration mends.
                ErrorKind::PermissionDenied
                | ErrorKind::NotADirectory
                | ErrorKind::AlreadyExists
                | ErrorKind::ReadOnlyFilesystem => Exit::Usage,
                _ => Exit::Internal,
            },
            Self::Open(_) => Exit::Internal,
        }
    }
}

/// Reads all of a data directory that nobody has open, and tells what is damaged. Changes nothing. Blocks.
///
/// # Errors
/// [`StorageFailure`] when there is no such directory, when it is in use, or is of an adapter that cannot look without
/// changing something.
pub fn check(data_dir: &Path) -> Result<journal::Report, StorageFailure> {
    of_journal(data_dir, |directory| StorageFailure::Unchecked { directory })?;
    Ok(journal::check(data_dir)?)
}

/// Begins a backup of a data directory that nobody has open. Changes nothing in it. Blocks.
///
/// # Errors
/// As [`check`], and where a start would be refused because of damage.
pub fn backup(data_dir: &Path) -> Result<Backup, StorageFailure> {
    of_journal(data_dir, |directory| StorageFailure::NoBackups { directory })?;
    Ok(journal::backup(data_dir)?)
}

/// Requires a directory that the adapter `journal` keeps.
fn of_journal(
    data_dir: &Path,
    of_sled: impl FnOnce(PathBuf) -> StorageFailure,
) -> Result<(), StorageFailure> {
    let directory = || data_dir.to_owned();
    match directory::detect(data_dir)? {
        None => Err(StorageFailure::NoDirectory { directory: directory() }),
        Some(name) if name == Adapter::Journal.name() => Ok(()),
        Some(name) if name == Adapter::Sled.name() => Err(of_sled(directory())),
        Some(adapter) => Err(StorageFailure::UnknownAdapter { directory: directory(), adapter }),
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The adapter, if one was named.
    pub adapter: Option<Adapter>,
    /// How the adapter `journal` keeps a directory.
    pub journal: journal::Options,
}

/// Opens storage: the adapter that is wanted, or the one that the data directory was written by, or for a new directory
/// the journal. Memory touches no directory. Blocks while existing data is checked.
///
/// # Errors
/// [`StorageFailure`]; nothing of a directory that is not ours was changed.
pub fn open(wanted: Wanted, data_dir: &Path) -> Result<Opened, StorageFailure> {
    let adapter = match wanted.adapter {
        Some(adapter) => adapter,
        None => found(data_dir)?,
    };
    if adapter != Adapter::Journal && wanted.journal.sync != SyncPolicy::Always {
        return Err(StorageFailure::NoInterval { adapter });
    }
    let mut backups = None;
    let storage: Arc<dyn Storage> = match adapter {
        Adapter::Memory => Arc::new(MemoryStorage::new()),
        Adapter::Sled => Arc::new(SledStorage::open(data_dir, sled::Options::default())?),
        Adapter::Journal => {
            let storage = JournalStorage::open(data_dir, wanted.journal)?;
            backups = Some(storage.backups());
            Arc::new(storage)
        }
    };
    Ok(Opened { adapter, storage, backups })
}

fn found(data_dir: &Path) -> Result<Adapter, StorageFailure> {
    match directory::detect(data_dir)? {
        None => Ok(Adapter::Journal),
        Some(name) => match Adapter::value_variants().iter().find(|known| known.name() == name) {
            Some(adapter) if *adapter != Adapter::Memory => Ok(*adapter),
            _ => Err(StorageFailure::UnknownAdapter {
                directory: data_dir.to_owned(),
                adapter: name,
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn each_failure_has_its_exit_code() {
        let directory = PathBuf::from("d");
        let io = |kind| OpenError::Io {
            action: "cannot read",
            path: "d".into(),
            source: io::Error::from(kind),
        };
        for (error, exit) in [
            (OpenError::InUse { directory: directory.clone() }, Exit::DataInUse),
            (OpenError::Foreign { directory: directory.clone(), found: "x".into() }, Exit::Foreign),
            (OpenError::NewerFormat { directory, found: 2, known: 1 }, Exit::Foreign),
            (OpenError::Corrupt("x".into()), Exit::Corrupt),
            (io(ErrorKind::PermissionDenied), Exit::Usage),
            (io(ErrorKind::NotADirectory), Exit::Usage),
            (io(ErrorKind::Other), Exit::Internal),
        ] {
            assert_eq!(StorageFailure::Open(error).exit(), exit);
        }
        let unknown = StorageFailure::UnknownAdapter { directory: "d".into(), adapter: "x".into() };
        assert_eq!(unknown.exit(), Exit::Foreign);
    }

    #[test]
    fn adapters_are_called_as_on_the_command_line() {
        for adapter in Adapter::value_variants() {
            let value = adapter.to_possible_value().unwrap();
            assert_eq!(value.get_name(), adapter.to_string());
        }
    }
}
