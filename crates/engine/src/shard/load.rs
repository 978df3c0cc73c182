//! Loading: what storage knows comes into memory, one load per key at a time.
//!
//! Nobody can decide on a key that is not in memory, only one load of it is under way, and an entry with something on its
//! way to storage is forgotten only together with that. So what a load brings is not older than the last commit of this engine.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_core::producer::ProducerId;
use headwater_core::storage::StorageError;
use headwater_core::{Expiry, Slot, StreamKey, StreamState};
use tokio::sync::oneshot;

use super::Shard;

/// Keys that are being loaded, and who else waits for them.
pub(super) type Loading = HashMap<StreamKey, Vec<oneshot::Sender<()>>>;

enum Turn {
    Ours,
    Theirs(oneshot::Receiver<()>),
    Loaded,
}

/// Ends a load, also when the command that began it is cancelled.
struct Claim<'a> {
    shard: &'a Shard,
    key: &'a StreamKey,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // Dropping the senders wakes the others, who look again.
        drop(self.shard.with(|inner| inner.loading.remove(self.key)));
    }
}

impl Shard {
    /// Brings a stream into memory. It may be gone again when the caller looks; then it asks again.
    pub(super) async fn load(&self, key: &StreamKey) -> Result<(), StorageError> {
        let turn = self.with(|inner| {
            if inner.cache.get(key).is_some() {
                return Turn::Loaded;
            }
            if let Some(waiting) = inner.loading.get_mut(key) {
                let (sender, receiver) = oneshot::channel();
                waiting.push(sender);
                return Turn::Theirs(receiver);
            }
            inner.loading.insert(key.clone(), Vec::new());
            Turn::Ours
        });
        match turn {
            Turn::Loaded => Ok(()),
            Turn::Theirs(receiver) => {
                let _ended = receiver.await;
                Ok(())
            }
            Turn::Ours => {
                let claim = Claim { shard: self, key };
                let loaded = self.storage.load(key, None).await?;
                let slot = self.begin_window(loaded.slot);
                self.with(|inner| {
                    let used_at = inner.uses.last(key);
                    let stream = inner.cache.insert(key.clone(), slot);
                    if let (Some((_, loaded)), Some(noted)) = (stream.ttl_mut(), used_at) {
                        *loaded = noted.max(*loaded);
                    }
                });
                drop(claim);
                Ok(())
            }
        }
    }

    /// Brings a producer's row into memory.
    pub(super) async fn load_producer(
        &self,
        key: &StreamKey,
        id: &ProducerId,
    ) -> Result<(), StorageError> {
        let Some(entry) = self.with(|inner| inner.cache.get(key).map(|stream| stream.id)) else {
            return Ok(());
        };
        let loaded = self.storage.load(key, Some(id)).await?;
        self.with(|inner| {
            // A row of an entry made since may be older than what that entry's commands did.
            if let Some(stream) = inner.cache.get_mut(key).filter(|stream| stream.id == entry) {
                let same = stream.durable.version().lineage == loaded.slot.version().lineage;
                if same {
                    stream.enter_producer(id, loaded.producer);
                } else if stream.pending.is_none() {
                    inner.cache.forget(key);
                }
            }
        });
        Ok(())
    }

    /// The window of a TTL begins anew with the process: uses that were not saved before it ended are not held against
    /// the stream.
    pub(super) fn begin_window(&self, slot: Slot) -> Slot {
        match slot {
            Slot::Live(state)
                if matches!(state.expiry, Expiry::Ttl(_)) && state.used_at < self.started =>
            {
                let used_at = self.started;
                Slot::Live(Arc::new(StreamState { used_at, ..StreamState::clone(&state) }))
            }
            slot => slot,
        }
    }
}
