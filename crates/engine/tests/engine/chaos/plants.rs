//! Storage that breaks its contract, for the properties to be seen to find it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use headwater_core::Timestamp;
use headwater_core::change::Unit;
use headwater_core::storage::{CommitDone, Storage, UnitResult};
use headwater_storage::testkit::planted::{Fault, Planted};
use headwater_storage::testkit::{Layer, Layered};

/// What lies over the memory.
#[derive(Debug)]
pub(crate) enum Plant {
    Nothing,
    /// A way to break the contract that the suite for adapters knows.
    Fault(Fault),
    /// Of so many units that are committed one is reported as this.
    Reports(u64, UnitResult),
}

impl Plant {
    pub(crate) fn over(&self, storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
        match self {
            Self::Nothing => storage,
            Self::Fault(fault) => Arc::new(Planted::over(storage, *fault)),
            Self::Reports(every, result) => {
                let committed = Arc::new(AtomicU64::new(0));
                let (every, result) = (*every, result.clone());
                Arc::new(Layered(Misreporting { inner: storage, committed, every, result }))
            }
        }
    }
}

struct Misreporting {
    inner: Arc<dyn Storage>,
    committed: Arc<AtomicU64>,
    every: u64,
    result: UnitResult,
}

impl Layer for Misreporting {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.inner
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let (committed, every) = (Arc::clone(&self.committed), self.every);
        let instead = self.result.clone();
        let report = move |mut results: Vec<UnitResult>| {
            for result in &mut results {
                let counts = matches!(result, UnitResult::Committed(_));
                if counts && committed.fetch_add(1, Ordering::Relaxed) % every == every - 1 {
                    *result = instead.clone();
                }
            }
            done(results);
        };
        self.inner.commit(group, now, Box::new(report));
    }
}
