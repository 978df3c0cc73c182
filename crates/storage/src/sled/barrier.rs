//! The sync that makes a group durable.
//!
//! sled's `flush` hands data to the operating system and asks it to begin writing; on Linux it does not wait for the device.
//! So the file is synced once more, through a handle of our own. It is opened once and kept, because an error of
//! writing in the background is reported once per open file: a handle opened later would not hear of it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::StorageError;

use super::safeguards::Safeguards;
use crate::directory::OpenError;

/// The handle.
#[derive(Debug)]
pub(super) struct Barrier {
    data: File,
    safeguards: Arc<dyn Safeguards>,
}

impl Barrier {
    /// Opens the database's file.
    pub(super) fn open(path: &Path, safeguards: Arc<dyn Safeguards>) -> Result<Self, OpenError> {
        let data = File::open(path).map_err(OpenError::io("cannot open", path))?;
        Ok(Self { data, safeguards })
    }

    /// Waits until all that was flushed is on the device.
    pub(super) fn wait(&self) -> Result<(), StorageError> {
        self.safeguards.sync(&self.data).map_err(|error| {
            StorageError::Unavailable(format!("the database's file could not be synced: {error}"))
        })
    }
}
