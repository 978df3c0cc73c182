//! The faulty adapter as storage.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, mpsc};

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange,
    SpacePage, SpaceRead, StorageError, UnitResult, Watcher, Writers,
};
use headwater_core::{ProducerId, Slot, Storage, StreamKey, Timestamp, Version};
use parking_lot::{Condvar, Mutex};
use tokio::sync::{oneshot, watch};

use super::Fault;
use crate::worker::Worker;

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// An adapter with a fault. Made for the memory adapter underneath, whose answers come at once.
pub struct Planted {
    pub(super) state: Arc<State>,
    worker: Worker,
}

/// What the thread that writes shares with the handle.
pub(super) struct State {
    pub(super) inner: Arc<dyn Storage>,
    pub(super) fault: Fault,
    // A mutex, for a glance or a change.
    pub(super) notes: Mutex<Notes>,
    callback_runs: watch::Sender<bool>,
    group_runs: (Mutex<bool>, Condvar),
}

/// What faults have to remember to be consistent.
#[derive(Default)]
pub(super) struct Notes {
    /// Units seen so far.
    pub(super) units: u64,
    pub(super) created: u64,
    pub(super) soft_deleted: BTreeSet<u64>,
    /// Where each lineage that gave something up begins.
    pub(super) floors: BTreeMap<u64, u64>,
    /// The stream that each lineage was created for.
    pub(super) lineages: BTreeMap<u64, StreamKey>,
}

impl Planted {
    /// Lays a fault over an adapter.
    #[must_use]
    pub fn over(inner: Arc<dyn Storage>, fault: Fault) -> Self {
        let state = State {
            inner,
            fault,
            notes: Mutex::new(Notes::default()),
            callback_runs: watch::Sender::new(false),
            group_runs: (Mutex::new(false), Condvar::new()),
        };
        Self { state: Arc::new(state), worker: Worker::start() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.state.fault == fault
    }
}

impl State {
    /// Commits to the adapter underneath and waits for it.
    pub(super) fn commit_inner(&self, group: Vec<Unit>, now: Timestamp) -> Vec<UnitResult> {
        let (sender, receiver) = mpsc::channel();
        self.inner.commit(group, now, Box::new(move |results| drop(sender.send(results))));
        receiver.recv().unwrap_or_default()
    }

    fn report(&self, done: CommitDone, results: Vec<UnitResult>) {
        self.callback_runs.send_replace(true);
        IN_CALLBACK.set(true);
        done(results);
        IN_CALLBACK.set(false);
        self.callback_runs.send_replace(false);
        *self.group_runs.0.lock() = false;
        self.group_runs.1.notify_all();
    }

    fn wait_for_the_last_group(&self) {
        let mut runs = self.group_runs.0.lock();
        self.group_runs.1.wait_while(&mut runs, |runs| *runs);
        *runs = true;
    }
}

impl fmt::Debug for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planted").field("fault", &self.state.fault).finish_non_exhaustive()
    }
}

impl Storage for Planted {
    fn writers(&self) -> Writers {
        if self.has(Fault::LeavesGaps) { Writers::Sole } else { self.state.inner.writers() }
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        Box::pin(async move {
            if self.has(Fault::WaitsForCallbacks) {
                self.state.callback_runs.subscribe().wait_for(|runs| !runs).await.ok();
            }
            let mut loaded = self.state.inner.load(key, producer).await?;
            if self.has(Fault::FindsNoRows) {
                loaded.producer = None;
            }
            if self.has(Fault::HidesForeignStreams) && self.state.is_foreign(&loaded.slot) {
                loaded.slot = Slot::Absent;
            }
            Ok(loaded)
        })
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let state = Arc::clone(&self.state);
        match self.state.fault {
            Fault::DropsEmptyGroups if group.is_empty() => return,
            Fault::DropsNestedCommits if IN_CALLBACK.get() => return,
            Fault::CallsBackInline => return done(state.write(group, now)),
            Fault::WaitsForGroups => self.state.wait_for_the_last_group(),
            _ => {}
        }
        self.worker.run(move || {
            let results = state.write(group, now);
            state.report(done, results);
        });
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        Box::pin(async move {
            let answer = self.state.inner.confirm(relies_on).await?;
            Ok(if self.has(Fault::ConfirmsAnything) { Confirmation::Current } else { answer })
        })
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move {
            let range = self.state.asked_instead(range)?;
            let page = self.state.inner.read(range, detail).await?;
            Ok(self.state.altered(range, page))
        })
    }

    fn read_space(&self, read: SpaceRead) -> BoxFuture<'_, Result<SpacePage, StorageError>> {
        Box::pin(async move { self.state.altered_space(read).await })
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Vec<Listed>, StorageError>> {
        Box::pin(async move { self.state.altered_list(query).await })
    }

    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        let early = if self.has(Fault::ExpiresEarly) { 1 } else { 0 };
        self.state.inner.expiring(before.plus_seconds(early), limit)
    }

    fn watch(&self, watcher: Arc<dyn Watcher>) {
        if !self.has(Fault::NeverTells) {
            self.state.inner.watch(watcher);
        }
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        let (sender, written) = oneshot::channel::<()>();
        self.worker.run(move || drop(sender));
        Box::pin(async move {
            // Ends when the sender is dropped, behind every group.
            written.await.ok();
            if self.has(Fault::StaysOpen) { Ok(()) } else { self.state.inner.close().await }
        })
    }
}
