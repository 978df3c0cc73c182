//! A layer that counts what the engine asks of its storage, and what it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use headwater_core::change::Unit;
use headwater_core::storage::{
    BoxFuture, CommitDone, Confirmation, Detail, Page, ReadRange, StorageError, UnitResult,
};
use headwater_core::{Storage, StreamKey, Timestamp, Version};
use headwater_storage::testkit::{Layer, Layered};
use tokio::sync::watch;

use crate::support::within;

/// How often what was asked, as channels, so that a test can wait for a number; and what was answered.
#[derive(Default)]
pub(crate) struct Counts {
    groups: watch::Sender<usize>,
    looks: watch::Sender<usize>,
    conflicts: AtomicU64,
    unknown: AtomicU64,
    stale: AtomicU64,
    rows: AtomicUsize,
}

impl Counts {
    /// Groups handed over.
    pub(crate) fn groups(&self) -> usize {
        *self.groups.borrow()
    }

    /// Units that were conflicts.
    pub(crate) fn conflicts(&self) -> u64 {
        self.conflicts.load(Ordering::Relaxed)
    }

    /// Units whose outcome nobody knew.
    pub(crate) fn unknown(&self) -> u64 {
        self.unknown.load(Ordering::Relaxed)
    }

    /// Answers that were about to be given of a past.
    pub(crate) fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    /// Most rows of records that one read returned.
    pub(crate) fn most_rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    fn add(&self, results: &[UnitResult]) {
        for result in results {
            match result {
                UnitResult::Conflict => self.conflicts.fetch_add(1, Ordering::Relaxed),
                UnitResult::Unknown => self.unknown.fetch_add(1, Ordering::Relaxed),
                UnitResult::Committed(_) | UnitResult::Refused(_) => 0,
            };
        }
    }

    /// Waits until the engine's upkeep has gone once through everything that is due at this time of its clock.
    ///
    /// It looks for what has expired at the end of each round. The round under way may have begun before the clock was
    /// set, so it is the second look from now that ends a whole one.
    pub(crate) async fn upkeep(&self) {
        let mut looks = self.looks.subscribe();
        let seen = *looks.borrow_and_update();
        within(looks.wait_for(|looks| *looks >= seen + 2)).await.unwrap();
    }
}

pub(crate) struct Counting {
    inner: Arc<dyn Storage>,
    counts: Arc<Counts>,
}

pub(crate) fn counting(inner: Arc<dyn Storage>) -> (Arc<dyn Storage>, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    (Arc::new(Layered(Counting { inner, counts: Arc::clone(&counts) })), counts)
}

impl Layer for Counting {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        self.counts.groups.send_modify(|groups| *groups += 1);
        let counts = Arc::clone(&self.counts);
        let counted = move |results: Vec<UnitResult>| {
            counts.add(&results);
            done(results);
        };
        self.inner.commit(group, now, Box::new(counted));
    }

    fn confirm<'a>(
        &'a self,
        relies_on: &'a [(StreamKey, Version)],
    ) -> BoxFuture<'a, Result<Confirmation, StorageError>> {
        Box::pin(async move {
            let answer = self.inner.confirm(relies_on).await?;
            let stale = u64::from(answer == Confirmation::Stale);
            self.counts.stale.fetch_add(stale, Ordering::Relaxed);
            Ok(answer)
        })
    }

    fn read(&self, range: ReadRange, detail: Detail) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move {
            let page = self.inner.read(range, detail).await?;
            self.counts.rows.fetch_max(page.records.len(), Ordering::Relaxed);
            Ok(page)
        })
    }

    fn expiring(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(Timestamp, StreamKey)>, StorageError>> {
        Box::pin(async move {
            let due = self.inner.expiring(before, limit).await?;
            if due.len() < limit {
                self.counts.looks.send_modify(|looks| *looks += 1);
            }
            Ok(due)
        })
    }
}
