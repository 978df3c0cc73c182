//! What the suite needs of an adapter under test.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::Storage;

use crate::memory::{MemoryStorage, SharedMemory};

/// Whether data outlives the handle that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restarts {
    /// It is found again: the suite closes and reopens between its steps.
    Keep,
    /// It does not: the suite goes on with the handle it has.
    Never,
}

/// One set of data of the adapter under test, empty at first. Each check gets its own.
pub trait Harness: Send + Sync {
    /// Opens a handle.
    ///
    /// Where data outlives handles, the suite calls this again after it has closed and dropped the last one. Where
    /// several write, it also calls this while it holds another.
    fn open(&self) -> Arc<dyn Storage>;

    /// Whether data outlives handles.
    fn restarts(&self) -> Restarts;

    /// How long any single call may take before a check gives up.
    ///
    /// Generous by default: debug builds, slow disks, and groups of many megabytes.
    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }
}

/// The memory adapter with one writer.
#[derive(Debug, Default)]
pub struct SoleMemory;

impl Harness for SoleMemory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(MemoryStorage::new())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Never
    }
}

/// The memory adapter in shared mode. The data is held by this value, so it outlives the handles.
#[derive(Debug, Default)]
pub struct Shared(pub SharedMemory);

impl Harness for Shared {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(self.0.attach())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}
