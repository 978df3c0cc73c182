//! What the readers of one stream have got together, as it comes: how much, how late, and whether that was
//! all.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::bench::payload::{Mark, clock};
use crate::bench::stats::{Latencies, Quantiles};

/// What all readers together have got. Only one thread works on it: the locks are never contended, they
/// make the tasks `Send`.
#[derive(Debug)]
pub(super) struct Tally {
    deliveries: AtomicU64,
    /// The number of deliveries at which the waiter is notified.
    goal: AtomicU64,
    reached: Notify,
    /// A reader has failed: not everything will come.
    failed: AtomicBool,
    counted: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    last: Instant,
    /// Memory for the marks of one read, empty.
    spare: Vec<Mark>,
    /// `None` outside of the measured window.
    latencies: Option<Latencies>,
}

/// How waiting for records ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// They came.
    AllThere,
    /// Some did not.
    GivenUp,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            deliveries: AtomicU64::new(0),
            goal: AtomicU64::new(u64::MAX),
            reached: Notify::new(),
            failed: AtomicBool::new(false),
            counted: Mutex::new(Counted {
                last: Instant::now(),
                spare: Vec::new(),
                latencies: None,
            }),
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lends memory for the marks of one read, which all readers use in turns.
    pub(super) fn lend(&self) -> Vec<Mark> {
        std::mem::take(&mut self.counted().spare)
    }

    /// Notes the records of one read, and takes back what was lent for them.
    pub(super) fn note(&self, mut marks: Vec<Mark>, at: Instant) {
        if marks.is_empty() {
            return;
        }
        let mut counted = self.counted();
        counted.last = at;
        let now = clock(at);
        if let Some(latencies) = &mut counted.latencies {
            marks.iter().for_each(|mark| latencies.record_nanos(mark.age(now)));
        }
        let more = marks.len() as u64;
        marks.clear();
        counted.spare = marks;
        let total = self.deliveries.fetch_add(more, Ordering::Relaxed) + more;
        if total >= self.goal.load(Ordering::Relaxed) {
            self.reached.notify_one();
        }
    }

    /// Records received so far.
    pub(super) fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// From now on, latencies count.
    pub(super) fn measure(&self) -> anyhow::Result<()> {
        self.counted().latencies = Some(Latencies::new()?);
        Ok(())
    }

    /// When the last record came, and the latencies that counted.
    pub(super) fn measured(&self) -> (Instant, Option<Quantiles>) {
        let counted = self.counted();
        (counted.last, counted.latencies.as_ref().and_then(Latencies::quantiles))
    }

    /// Notes that a reader has failed; it is not waited for.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        self.reached.notify_one();
    }

    /// Waits until `goal` records have been received in all, nothing has come for `patience`, or a
    /// reader has failed.
    pub(super) async fn wait_for(&self, goal: u64, patience: Duration) -> Wait {
        self.goal.store(goal, Ordering::Relaxed);
        loop {
            let before = self.deliveries();
            if before >= goal {
                return Wait::AllThere;
            }
            if self.failed.load(Ordering::Relaxed) {
                return Wait::GivenUp;
            }
            let notified = tokio::time::timeout(patience, self.reached.notified()).await.is_ok();
            if !notified && self.deliveries() == before {
                return Wait::GivenUp;
            }
        }
    }
}
