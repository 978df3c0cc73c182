//! Readers with faults that the models must find.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::model;

use super::super::Live;
use super::support::House;
use crate::sync::Ordering;

/// Demands that a model fails, and says so.
pub(super) fn must_be_found(says: &str, run: impl Fn() + Send + Sync + 'static) {
    let found = catch_unwind(AssertUnwindSafe(|| model(run))).unwrap_err();
    let said = found.downcast_ref::<String>().unwrap();
    assert!(said.contains(says), "{said}");
}

/// Where coming and going is done wrongly.
#[derive(Clone, Copy)]
pub(super) enum Planted {
    Nothing,
    /// The last one who leaves does not look whether somebody has come since.
    ForgetsUnlooked,
    /// It looks at its own count alone, and forgets those of a stream that was created anew.
    ForgetsOthers,
    /// Two who leave at once are counted as one.
    CountsInTwoSteps,
    /// It counts itself without the lock where perhaps nobody reads any more.
    EntersUnlocked,
}

impl Planted {
    pub(super) fn come_and_go(self, house: &House) {
        let live = self.begin(house);
        assert_eq!(house.told(), live.identity(), "somebody who reads is forgotten");
        self.leave(house, &live);
    }

    pub(super) fn begin(self, house: &House) -> Arc<Live> {
        let (shard, key) = (&house.shard, &house.key);
        if matches!(self, Self::EntersUnlocked) {
            let present = shard.with(|inner| inner.lives.streams.get(key).cloned());
            if let Some(present) = present {
                present.enter();
                return present;
            }
        }
        let now = shard.clock.steady();
        shard.with(|inner| {
            let durable = Arc::clone(inner.readable(key, now).unwrap());
            inner.lives.join(key, &durable, 1024).unwrap()
        })
    }

    pub(super) fn leave(self, house: &House, live: &Arc<Live>) {
        let is_last = match self {
            Self::CountsInTwoSteps => {
                let count = live.readers.load(Ordering::Acquire);
                live.readers.store(count - 1, Ordering::Release);
                count == 1
            }
            _ => live.exit(),
        };
        if !is_last {
            return;
        }
        house.shard.with(|inner| match self {
            Self::ForgetsUnlooked => drop(inner.lives.streams.remove(&house.key)),
            Self::ForgetsOthers if live.readers.load(Ordering::Relaxed) == 0 => {
                drop(inner.lives.streams.remove(&house.key));
            }
            _ => inner.lives.forget(&house.key),
        });
    }
}
