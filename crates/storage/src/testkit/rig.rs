//! A handle under test, with calls that wait, and that give up after a while instead of hanging.

mod reads;

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use headwater_core::change::{Birth, Change, Unit, Update};
use headwater_core::storage::{Stamp, UnitResult, Writers};
use headwater_core::{Batch, Storage, StreamKey, StreamState, Timestamp};

use super::check::{Failure, ensure, ensure_eq};
use super::harness::{Harness, Restarts};
use super::make;
use crate::memory::MemoryStorage;

/// A handle under test.
pub struct Rig<'h> {
    harness: &'h dyn Harness,
    storage: Arc<dyn Storage>,
    runtime: tokio::runtime::Runtime,
    clock: Cell<u64>,
}

impl<'h> Rig<'h> {
    /// Opens a handle of the harness.
    ///
    /// # Errors
    /// When the operating system gives no timer to wait with.
    pub fn open(harness: &'h dyn Harness) -> Result<Self, Failure> {
        Self::over(harness, harness.open())
    }

    fn over(harness: &'h dyn Harness, storage: Arc<dyn Storage>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| Failure::new(format!("no runtime: {error}")))?;
        // Any time well after the epoch; the suite's clock is its own.
        let clock = Cell::new(1_700_000_000_000);
        Ok(Self { harness, storage, runtime, clock })
    }

    /// The handle.
    #[must_use]
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Another handle on the same data, where several may write.
    ///
    /// # Errors
    /// As [`Rig::open`].
    pub fn another(&self) -> Result<Self, Failure> {
        Self::open(self.harness)
    }

    /// The same handle, for the use of another thread.
    ///
    /// # Errors
    /// As [`Rig::open`].
    pub fn beside(&self) -> Result<Self, Failure> {
        Self::over(self.harness, Arc::clone(&self.storage))
    }

    /// Closes the handle and opens the data again; does nothing where data does not outlive handles.
    ///
    /// # Errors
    /// When closing fails.
    pub fn reopen(&mut self) -> Result<(), Failure> {
        if self.harness.restarts() == Restarts::Keep {
            self.wait(self.storage.close())??;
            // Nothing of the old handle is left when the data is opened again.
            self.storage = Arc::new(MemoryStorage::new());
            self.storage = self.harness.open();
        }
        Ok(())
    }

    /// Whether the adapter has a sole writer, and so numbers a space without gaps.
    #[must_use]
    pub fn is_sole(&self) -> bool {
        self.storage.writers() == Writers::Sole
    }

    /// Waits for an answer.
    ///
    /// # Errors
    /// When the harness has no more patience.
    pub fn wait<T>(&self, answer: impl Future<Output = T>) -> Result<T, Failure> {
        let limited = async { tokio::time::timeout(self.patience(), answer).await };
        self.runtime.block_on(limited).map_err(|_| Failure::new("a call was not answered"))
    }

    /// How long any single call may take.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.harness.patience()
    }

    /// The suite's clock, a millisecond later than the last time.
    pub fn now(&self) -> Timestamp {
        self.clock.set(self.clock.get() + 1);
        Timestamp(self.clock.get())
    }

    /// Commits a group and waits for its results.
    ///
    /// # Errors
    /// When the results do not come, are not one per unit, or come on the calling thread.
    pub fn commit(&self, group: Vec<Unit>) -> Result<Vec<UnitResult>, Failure> {
        self.commit_at(group, self.now())
    }

    /// Commits a group at a time of the caller's.
    ///
    /// # Errors
    /// As [`Rig::commit`].
    pub fn commit_at(&self, group: Vec<Unit>, now: Timestamp) -> Result<Vec<UnitResult>, Failure> {
        let units = group.len();
        let (sender, receiver) = mpsc::channel();
        let done = move |results| drop(sender.send((results, thread::current().id())));
        self.storage.commit(group, now, Box::new(done));
        let (results, thread) = self.receive(&receiver, "a commit was not reported")?;
        ensure!(thread != thread::current().id(), "results were reported on the caller's thread");
        ensure_eq!(results.len(), units, "a group gets one result per unit");
        Ok(results)
    }

    /// Waits for what another thread sends.
    ///
    /// # Errors
    /// When nothing comes, or the other end is gone.
    pub fn receive<T>(&self, receiver: &Receiver<T>, what: &str) -> Result<T, Failure> {
        let received = receiver.recv_timeout(self.patience());
        received.map_err(|error| Failure::new(format!("{what}: {error}")))
    }

    /// Commits one unit.
    ///
    /// # Errors
    /// As [`Rig::commit`].
    pub fn try_unit(&self, unit: Unit) -> Result<UnitResult, Failure> {
        let results = self.commit(vec![unit])?;
        results.into_iter().next().ok_or_else(|| Failure::new("no result"))
    }

    /// Commits one unit that has to succeed.
    ///
    /// # Errors
    /// As [`Rig::commit`], and when it does not succeed.
    pub fn unit(&self, changes: impl IntoIterator<Item = Change>) -> Result<Stamp, Failure> {
        committed(self.try_unit(make::unit(changes))?)
    }

    /// Creates a stream and returns its state.
    ///
    /// # Errors
    /// As [`Rig::unit`].
    pub fn create(&self, key: &StreamKey, birth: Birth) -> Result<Arc<StreamState>, Failure> {
        self.unit([make::creation(key, birth)])?;
        self.live(key)
    }

    /// Appends to a stream as it stands.
    ///
    /// # Errors
    /// As [`Rig::unit`], and when there is no stream.
    pub fn append(&self, key: &StreamKey, batch: Batch) -> Result<Stamp, Failure> {
        self.update(key, Update { batch: Some(batch), ..Update::default() })
    }

    /// Changes a stream as it stands.
    ///
    /// # Errors
    /// As [`Rig::unit`].
    pub fn update(&self, key: &StreamKey, update: Update) -> Result<Stamp, Failure> {
        self.unit([make::update(key, self.version(key)?, update)])
    }

    /// Closes the handle.
    ///
    /// # Errors
    /// When that fails.
    pub fn close(&self) -> Result<(), Failure> {
        Ok(self.wait(self.storage.close())??)
    }
}

/// The stamp of a unit that has to be committed.
///
/// # Errors
/// When it is not.
pub fn committed(result: UnitResult) -> Result<Stamp, Failure> {
    match result {
        UnitResult::Committed(stamp) => Ok(stamp),
        other => Err(Failure::new(format!("a unit was not committed: {other:?}"))),
    }
}
