//! What is measured, opened on a folder.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use headwater_core::Storage;
use headwater_storage::MemoryStorage;
use headwater_storage::journal::{self, JournalStorage};
use headwater_storage::sled::{self, SledStorage};

use super::Fault;

/// A plain file or an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The floor: the same bytes, written and synced.
    Plain,
    /// Storage.
    Adapter(Adapter),
}

/// An adapter, as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    /// Keeps nothing on disk.
    Memory,
    /// The embedded database.
    Sled,
    /// The journal.
    Journal,
}

impl FromStr for Subject {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        Ok(match text {
            "plain" => Self::Plain,
            "memory" => Self::Adapter(Adapter::Memory),
            "sled" => Self::Adapter(Adapter::Sled),
            "journal" => Self::Adapter(Adapter::Journal),
            _ => return Err(format!("`{text}`: expected plain, memory, sled or journal").into()),
        })
    }
}

impl Adapter {
    /// Opens it on a folder.
    pub(crate) fn open(self, dir: &Path) -> Result<Arc<dyn Storage>, Fault> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryStorage::new()),
            Self::Sled => Arc::new(SledStorage::open(dir, sled::Options::default())?),
            Self::Journal => Arc::new(JournalStorage::open(dir, journal::Options::default())?),
        })
    }
}
