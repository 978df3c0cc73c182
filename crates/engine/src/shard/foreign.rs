//! What other writers of the same data did.
//!
//! Storage tells which keys may have changed. Nothing depends on it for correctness, since versions are compared at
//! every commit and confirmed for every answer; it keeps memory fresh and wakes live readers.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use headwater_core::StreamKey;
use headwater_core::storage::Watcher;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Shard;

/// Keys to look at again. A set, so it is bounded by the streams that exist however many commits there are.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    changed: Mutex<HashSet<StreamKey>>,
    news: Arc<Notify>,
}

struct Ear(Weak<Shard>);

impl Watcher for Ear {
    fn changed(&self, key: &StreamKey) {
        if let Some(shard) = self.0.upgrade() {
            shard.foreign.changed.lock().insert(key.clone());
            shard.foreign.news.notify_one();
        }
    }
}

pub(super) fn attach(shard: &Arc<Shard>) {
    shard.storage.watch(Arc::new(Ear(Arc::downgrade(shard))));
    let weak = Arc::downgrade(shard);
    let news = Arc::clone(&shard.foreign.news);
    // The task holds no reference while it waits; it ends with the shard, whose drop rings once more.
    tokio::spawn(async move {
        loop {
            news.notified().await;
            let Some(shard) = weak.upgrade() else { return };
            let keys = std::mem::take(&mut *shard.foreign.changed.lock());
            for key in keys {
                shard.refresh(&key).await;
            }
        }
    });
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.foreign.news.notify_one();
    }
}

impl Shard {
    /// Loads a stream again and tells its live readers what is new.
    pub(crate) async fn refresh(&self, key: &StreamKey) {
        self.with(|inner| {
            if inner.cache.get(key).is_some_and(|stream| stream.pending.is_none()) {
                inner.cache.forget(key);
            }
        });
        if !self.with(|inner| inner.lives.has_readers(key)) {
            return;
        }
        match self.storage.load(key, None).await {
            Ok(loaded) => {
                let publication =
                    self.with(|inner| inner.lives.publication(key, &loaded.slot, None));
                if let Some(publication) = publication {
                    publication.publish();
                }
            }
            Err(error) => tracing::warn!(%key, %error, "a changed stream could not be loaded"),
        }
    }
}
