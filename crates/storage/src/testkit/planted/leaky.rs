//! Shows what is not durable.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::change::{Effect, Unit};
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, Loaded, Page, ReadRange, StorageError,
};
use headwater_core::{Lineage, ProducerId, Storage, StreamKey, Timestamp, Version};
use parking_lot::Mutex;

use crate::testkit::layer::{Layer, Layered};

/// What one handle has been given to commit and has not reported yet, for another handle to show.
#[derive(Clone, Default)]
pub struct Leak {
    // A mutex, for a glance or a change.
    on_the_way: Arc<Mutex<Vec<Unit>>>,
}

impl Leak {
    /// The handle that writes: nothing is wrong with it.
    #[must_use]
    pub fn writing(&self, inner: Arc<dyn Storage>) -> Layered<Writing> {
        Layered(Writing { inner, leak: self.clone() })
    }

    /// The handle that shows, confirms and reads what the other has on the way as if it were durable.
    #[must_use]
    pub fn showing(&self, inner: Arc<dyn Storage>) -> Layered<Showing> {
        Layered(Showing { inner, leak: self.clone() })
    }

    /// A slot with what is on the way applied.
    fn applied(&self, key: &StreamKey, mut loaded: Loaded) -> Loaded {
        for change in self.on_the_way.lock().iter().flat_map(|unit| &unit.changes) {
            // A creation has no lineage yet, so nobody could read it.
            let creates = matches!(change.effect, Effect::Create(_));
            if change.key == *key && change.basis == loaded.slot.version() && !creates {
                loaded.slot = change.apply(&loaded.slot, Lineage(u64::MAX));
            }
        }
        loaded
    }

    /// The bytes on the way for a lineage, in order.
    fn bytes(&self, lineage: Lineage) -> Bytes {
        let on_the_way = self.on_the_way.lock();
        let changes = on_the_way.iter().flat_map(|unit| &unit.changes);
        let own = changes.filter(|change| change.basis.lineage == lineage.0);
        own.filter_map(|change| change.batch()).flat_map(|batch| batch.payload().to_vec()).collect()
    }
}

/// See [`Leak::writing`].
pub struct Writing {
    inner: Arc<dyn Storage>,
    leak: Leak,
}

impl Layer for Writing {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let units = group.len();
        self.leak.on_the_way.lock().extend(group.iter().cloned());
        let leak = self.leak.clone();
        let reported = move |results| {
            // Groups are reported in the order in which they were handed over.
            leak.on_the_way.lock().drain(..units);
            done(results);
        };
        self.inner.commit(group, now, Box::new(reported));
    }
}

/// See [`Leak::showing`].
pub struct Showing {
    inner: Arc<dyn Storage>,
    leak: Leak,
}

impl Layer for Showing {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        Box::pin(async move {
            let loaded = self.inner.load(key, producer).await?;
            Ok(self.leak.applied(key, loaded))
        })
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        Box::pin(async move {
            for (key, version) in relies_on {
                if self.load(key, None).await?.slot.version() != *version {
                    return self.inner.confirm(relies_on).await;
                }
            }
            Ok(Confirmation::Current)
        })
    }

    /// Made for the end of a stream: what is on the way is taken to follow the last durable byte, and has no rows.
    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move {
            let leaked = self.leak.bytes(range.lineage);
            let mut page = self.inner.read(range, detail).await.unwrap_or_default();
            let end = range.from + page.len();
            let missing = usize::try_from(range.to - end).unwrap_or(usize::MAX);
            let from = leaked.len().saturating_sub(missing);
            if from < leaked.len() {
                page.chunks.push(leaked.slice(from..));
            }
            Ok(page)
        })
    }
}
