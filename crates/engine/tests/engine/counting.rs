//! A layer that counts what the engine asks of its storage.

use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::storage::{BoxFuture, CommitDone, StorageError};
use headwater_core::{Storage, StreamKey, Timestamp};
use headwater_storage::testkit::{Layer, Layered};
use tokio::sync::watch;

use crate::support::within;

/// How often what was asked. Channels, so that a test can wait for a number.
pub(crate) struct Counts {
    groups: watch::Sender<usize>,
    looks: watch::Sender<usize>,
}

impl Counts {
    /// Groups handed over.
    pub(crate) fn groups(&self) -> usize {
        *self.groups.borrow()
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
    let (groups, looks) = (watch::Sender::new(0), watch::Sender::new(0));
    let counts = Arc::new(Counts { groups, looks });
    (Arc::new(Layered(Counting { inner, counts: Arc::clone(&counts) })), counts)
}

impl Layer for Counting {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        self.counts.groups.send_modify(|groups| *groups += 1);
        self.inner.commit(group, now, done);
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
