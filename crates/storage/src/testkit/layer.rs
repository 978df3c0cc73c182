//! [`Layer`]: a wrapper around an adapter says only what it does differently.

use std::fmt;
use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange,
    SpacePage, SpaceRead, StorageError, Watcher, Writers,
};
use headwater_core::{ProducerId, Storage, StreamKey, Timestamp, Version};

/// What lies over an adapter. Every method passes through until it is written anew; [`Layered`] makes it a [`Storage`].
pub trait Layer: Send + Sync + 'static {
    /// The adapter underneath.
    fn inner(&self) -> &Arc<dyn Storage>;

    /// As [`Storage::load`].
    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        self.inner().load(key, producer)
    }

    /// As [`Storage::commit`].
    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        self.inner().commit(group, now, done);
    }

    /// As [`Storage::confirm`].
    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        self.inner().confirm(relies_on)
    }

    /// As [`Storage::read`].
    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        self.inner().read(range, detail)
    }

    /// As [`Storage::expiring`].
    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        self.inner().expiring(before, limit)
    }
}

/// A layer as storage.
pub struct Layered<L>(pub L);

impl<L: Layer> fmt::Debug for Layered<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Layered").field(self.0.inner()).finish()
    }
}

impl<L: Layer> Storage for Layered<L> {
    fn writers(&self) -> Writers {
        self.0.inner().writers()
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        self.0.load(key, producer)
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        self.0.commit(group, now, done);
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        self.0.confirm(relies_on)
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        self.0.read(range, detail)
    }

    fn read_space(&self, read: SpaceRead) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
        self.0.inner().read_space(read)
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
        self.0.inner().list(query)
    }

    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        self.0.expiring(before, limit)
    }

    fn watch(&self, watcher: Arc<dyn Watcher>) {
        self.0.inner().watch(watcher);
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.0.inner().close()
    }
}
