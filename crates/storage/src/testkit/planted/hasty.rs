//! Answers before the sync.

use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, Loaded, Page, ReadRange, StorageError, UnitResult,
};
use headwater_core::{ProducerId, Storage, StreamKey, Timestamp, Version};

use super::leaky::{Leak, Showing, Writing};
use super::writes::{creates, invented};
use crate::testkit::layer::{Layer, Layered};

/// Reports a group as committed as soon as the adapter underneath has it, whatever that makes of it, and shows it from
/// then on, as an adapter does that forgets to sync. Over [`Faulty`](crate::testkit::Faulty), a group that is held has
/// been reported.
///
/// It reports on the caller's thread, so that a test on one thread knows when it has. Groups that create a stream go
/// through as they are: their lineage is the adapter's to give.
pub struct Hasty {
    inner: Arc<dyn Storage>,
    writing: Layered<Writing>,
    showing: Layered<Showing>,
}

impl Hasty {
    /// Lays the fault over an adapter.
    #[must_use]
    pub fn over(inner: Arc<dyn Storage>) -> Layered<Self> {
        let leak = Leak::default();
        let writing = leak.writing(Arc::clone(&inner));
        let showing = leak.showing(Arc::clone(&inner));
        Layered(Self { inner, writing, showing })
    }
}

impl Layer for Hasty {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    fn load<'a>(
        &'a self,
        key: &'a StreamKey,
        producer: Option<&'a ProducerId>,
    ) -> BoxFuture<'a, Result<Loaded, StorageError>> {
        self.showing.load(key, producer)
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        if group.iter().any(creates) {
            return self.inner.commit(group, now, done);
        }
        let early = group.iter().map(|unit| UnitResult::Committed(invented(unit, now))).collect();
        self.writing.commit(group, now, Box::new(drop));
        done(early);
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        self.showing.confirm(relies_on)
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        self.showing.read(range, detail)
    }
}
