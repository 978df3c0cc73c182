//! What an opening found, read on the thread that asks.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange,
    Refusal, SpacePage, SpaceRead, StorageError, UnitResult, Watcher, Writers,
};
use headwater_core::{ProducerId, Storage, StreamKey, Timestamp, Version};

use crate::journal::index::Index;
use crate::local::read::page::Snapshot;
use crate::local::read::{catalogue, space};
use crate::local::view::View;
use crate::testkit::{Harness, Restarts};

/// A view that nobody writes to.
#[derive(Clone, Debug)]
pub(super) struct Still(pub(super) Arc<View<Index>>);

impl Harness for Still {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Never
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(120)
    }
}

fn ready<'a, T: Send + 'a>(answer: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Storage for Still {
    fn writers(&self) -> Writers {
        Writers::Sole
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        ready(self.0.load(key, producer))
    }

    fn commit(&self, group: Vec<Unit>, _now: Timestamp, done: CommitDone) {
        done(vec![UnitResult::Refused(Refusal::Closed); group.len()]);
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        ready(self.0.confirm(relies_on))
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        ready(Snapshot::take(&self.0, range, detail).complete(&self.0))
    }

    fn read_space(&self, read: SpaceRead) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
        ready(space::read_space(&self.0, &read))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
        ready(catalogue::list(&self.0, &query))
    }

    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        ready(catalogue::expiring(&self.0, before, limit))
    }

    fn watch(&self, _watcher: Arc<dyn Watcher>) {}

    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        ready(Ok(()))
    }
}
