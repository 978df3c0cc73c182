//! The wrapper as storage.

use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange,
    SpacePage, SpaceRead, StorageError, Watcher, Writers,
};
use headwater_core::{ProducerId, Storage, StreamKey, Timestamp, Version};

use tokio::sync::oneshot;

use super::commit::Group;
use super::{Control, Faulty};

impl Control {
    /// Tells the watcher of units that were reported as unknown and took effect.
    pub(super) fn tell(&self, units: &[Unit]) {
        let watcher = self.watcher.lock().clone();
        if let Some(watcher) = watcher {
            let changes = units.iter().flat_map(|unit| &unit.changes);
            changes.for_each(|change| watcher.changed(&change.key));
        }
    }

    fn readable(&self) -> Result<(), StorageError> {
        self.plan.lock().unreadable.clone().map_or(Ok(()), Err)
    }
}

impl Storage for Faulty {
    fn writers(&self) -> Writers {
        self.inner.writers()
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        Box::pin(async move {
            let answer = match self.control.readable() {
                Ok(()) => self.inner.load(key, producer).await,
                Err(error) => Err(error),
            };
            self.control.loads.pass().await;
            answer
        })
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        self.hand_over(Group { units: group, now, done });
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        Box::pin(async move {
            self.control.readable()?;
            self.inner.confirm(relies_on).await
        })
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move {
            self.control.reads.pass().await;
            self.control.readable()?;
            self.inner.read(range, detail).await
        })
    }

    fn read_space(&self, read: SpaceRead) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
        Box::pin(async move {
            self.control.readable()?;
            self.inner.read_space(read).await
        })
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
        Box::pin(async move {
            self.control.readable()?;
            self.inner.list(query).await
        })
    }

    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        Box::pin(async move {
            self.control.readable()?;
            self.inner.expiring(before, limit).await
        })
    }

    fn watch(&self, watcher: Arc<dyn Watcher>) {
        *self.control.watcher.lock() = Some(Arc::clone(&watcher));
        self.inner.watch(watcher);
    }

    /// Held groups are let go on first: closing waits for the group in flight.
    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.release();
        let closing = self.inner.close();
        let (sender, reported) = oneshot::channel::<()>();
        self.control.worker.run(move || drop(sender));
        Box::pin(async move {
            // Ends when the sender is dropped, behind every report.
            reported.await.ok();
            closing.await
        })
    }
}
