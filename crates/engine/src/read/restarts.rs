//! What a reader does that was told of bytes and does not find them.
//!
//! Storage lets go of a stream's bytes before it reports the removal, or the truncation. A reader in between has met no fault: it looks at
//! the stream again, and that look waits until the removal is durable and known.

use headwater_core::storage::{StorageError, Writers};
use headwater_core::{AccessError, StreamKey};

use crate::error::{Failure, ServiceError};
use crate::shard::Shard;

/// How often one read is begun anew. Every time the stream was removed in between, so more of it is storage that
/// contradicts itself.
const MAX_RESTARTS: u32 = 8;

/// Why a state that was looked at could not be read.
#[derive(Debug)]
pub(crate) enum Miss {
    /// The rules refuse it.
    Refused(AccessError),
    /// Storage did not give the bytes.
    Storage(StorageError),
    /// There is no room for the bytes.
    Crowded,
}

impl From<AccessError> for Miss {
    fn from(error: AccessError) -> Self {
        Self::Refused(error)
    }
}

impl From<StorageError> for Miss {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

/// How often one read was begun anew.
#[derive(Debug, Default)]
pub(crate) struct Restarts(u32);

impl Restarts {
    /// Returns when the next look at the stream tells what became of the bytes.
    ///
    /// # Errors
    /// The miss itself, unless bytes are gone; [`ServiceError::Contended`] when that happened too often.
    pub(crate) async fn after(
        &mut self,
        miss: impl Into<Miss>,
        shard: &Shard,
        key: &StreamKey,
    ) -> Result<(), Failure<AccessError>> {
        match miss.into() {
            Miss::Refused(error) => return Err(Failure::Refused(error)),
            Miss::Crowded => return Err(ServiceError::Crowded.into()),
            Miss::Storage(StorageError::Gone) if self.0 < MAX_RESTARTS => self.0 += 1,
            Miss::Storage(StorageError::Gone) => return Err(ServiceError::Contended.into()),
            Miss::Storage(error) => return Err(error.into()),
        }
        // A sole writer knows of every removal itself. What others did has to be loaded.
        if shard.storage.writers() == Writers::Several {
            shard.refresh(key).await;
        }
        Ok(())
    }
}
