//! A handle on a store in memory: what an engine holds.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_channel::oneshot;
use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange,
    Refusal, SpacePage, SpaceRead, StorageError, UnitResult, Watcher, Writers,
};
use headwater_core::{ProducerId, Storage, StreamKey, Timestamp, Version};
use parking_lot::RwLock;

use super::follower::Follower;
use super::replica::{Numbering, Replica};
use crate::group::Fallen;
use crate::worker::Worker;

/// Streams in memory: gone when the process ends, and when the last handle is dropped.
///
/// See the [module](super) for what it promises. One made by [`MemoryStorage::new`] is its data's only writer; those
/// that [`SharedMemory::attach`](super::SharedMemory::attach) gives out write the same data.
pub struct MemoryStorage {
    data: Arc<Data>,
    worker: Worker,
    /// Set when closing begins: nothing is read any more.
    closing: AtomicBool,
}

struct Data {
    place: Place,
    /// Set by the worker behind the last group that was accepted: nothing is written any more.
    closed: AtomicBool,
}

/// Where a handle reads and writes.
enum Place {
    /// The handle's own. A read-write lock, because pages are read side by side; it is held for one unit or one page.
    Sole(RwLock<Replica>),
    /// What this handle has seen of a store that several write.
    Shared(Arc<Follower>),
}

impl MemoryStorage {
    /// An empty store with this handle as its one writer.
    ///
    /// # Panics
    /// When the operating system refuses the handle its thread, as [`std::thread::spawn`] does.
    #[must_use]
    pub fn new() -> Self {
        Self::over(Place::Sole(RwLock::new(Replica::new(Numbering::PerSpace))))
    }

    pub(super) fn following(follower: Arc<Follower>) -> Self {
        Self::over(Place::Shared(follower))
    }

    fn over(place: Place) -> Self {
        let data = Data { place, closed: AtomicBool::new(false) };
        Self { data: Arc::new(data), worker: Worker::start(), closing: AtomicBool::new(false) }
    }

    /// The part of it that sees foreign commits late; `None` where there are none.
    pub(super) fn follower(&self) -> Option<&Arc<Follower>> {
        match &self.data.place {
            Place::Sole(_) => None,
            Place::Shared(follower) => Some(follower),
        }
    }

    fn is_closed(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Answers from what is there when the future is first polled.
    fn answer<'a, T: Send + 'a>(
        &'a self,
        look: impl FnOnce(&Replica) -> Result<T, StorageError> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StorageError>> {
        Box::pin(async move {
            if self.is_closed() {
                return Err(StorageError::Closed);
            }
            match &self.data.place {
                Place::Sole(replica) => look(&replica.read()),
                Place::Shared(follower) => follower.look(look),
            }
        })
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage")
            .field("writers", &self.writers())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl Data {
    fn commit(&self, group: &[Unit], now: Timestamp) -> Vec<UnitResult> {
        if self.closed.load(Ordering::Acquire) {
            return vec![UnitResult::Refused(Refusal::Closed); group.len()];
        }
        let result = |stamp| match stamp {
            Some(stamp) => UnitResult::Committed(stamp),
            None => UnitResult::Conflict,
        };
        match &self.place {
            Place::Sole(replica) => {
                // The lock is taken for each unit, so that readers wait for one at most.
                let mut fallen = Fallen::default();
                let mut commit =
                    |unit| fallen.attempt(unit, |unit| replica.write().commit(unit, now));
                group.iter().map(|unit| result(commit(unit))).collect()
            }
            Place::Shared(follower) => {
                follower.commit(group, now).into_iter().map(result).collect()
            }
        }
    }
}

impl Storage for MemoryStorage {
    fn writers(&self) -> Writers {
        match &self.data.place {
            Place::Sole(_) => Writers::Sole,
            Place::Shared(_) => Writers::Several,
        }
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        self.answer(move |replica| Ok(replica.load(key, producer)))
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let data = Arc::clone(&self.data);
        self.worker.run(move || {
            let results = data.commit(&group, now);
            // No lock is held here: the callback may commit, read, or drop the handle.
            drop((data, group));
            done(results);
        });
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        match &self.data.place {
            Place::Sole(_) => self.answer(move |replica| Ok(replica.confirm(relies_on))),
            Place::Shared(follower) => Box::pin(async move {
                if self.is_closed() {
                    Err(StorageError::Closed)
                } else {
                    Ok(follower.confirm(relies_on))
                }
            }),
        }
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        self.answer(move |replica| replica.read(range, detail))
    }

    fn read_space(&self, read: SpaceRead) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
        self.answer(move |replica| replica.read_space(&read))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
        self.answer(move |replica| Ok(replica.list(&query)))
    }

    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        self.answer(move |replica| Ok(replica.expiring(before, limit)))
    }

    fn watch(&self, watcher: Arc<dyn Watcher>) {
        if let Place::Shared(follower) = &self.data.place {
            follower.watch(watcher);
        }
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        self.closing.store(true, Ordering::Release);
        let (done, waiting) = oneshot::channel::<()>();
        let data = Arc::clone(&self.data);
        self.worker.run(move || {
            data.closed.store(true, Ordering::Release);
            drop(done);
        });
        Box::pin(async move {
            // Ends when the sender is dropped, behind every group that was accepted.
            waiting.await.ok();
            Ok(())
        })
    }
}
