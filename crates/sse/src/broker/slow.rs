//! What becomes of a subscriber for whom too much waits, and who is asked.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use headwater_fanout::{Policy, Standing, SubscriberId};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::running::Running;

/// A subscriber that has become slow, as the callback is told of it.
#[derive(Debug)]
pub struct Asked<'a, A> {
    /// Its name in the broker.
    pub id: SubscriberId,
    /// What it subscribed with.
    pub attributes: &'a A,
}

type Callback<A> = Arc<dyn Fn(Asked<'_, A>) -> Policy + Send + Sync>;

/// Who decides about slow subscribers.
pub enum WhenSlow<A> {
    /// It is the same for all.
    Always(Policy),
    /// A callback, each time that a subscriber becomes slow.
    ///
    /// It runs on a thread for blocking work, so it may take its time; nobody waits for it. Until it
    /// has answered, and when it panics, the subscriber does not get what is published.
    Ask {
        /// Decides.
        callback: Callback<A>,
        /// Most calls at a time, at least one.
        at_once: usize,
    },
}

impl<A> WhenSlow<A> {
    /// A callback, for at most four subscribers at a time.
    pub fn ask(callback: impl Fn(Asked<'_, A>) -> Policy + Send + Sync + 'static) -> Self {
        Self::Ask { callback: Arc::new(callback), at_once: 4 }
    }

    pub(super) const fn standing(&self) -> Standing {
        match self {
            Self::Always(policy) => Standing::Fixed(*policy),
            Self::Ask { .. } => Standing::Ask,
        }
    }
}

impl<A> Default for WhenSlow<A> {
    /// The oldest events are dropped: who is slow sees what is new.
    fn default() -> Self {
        Self::Always(Policy::DropOldest)
    }
}

impl<A> fmt::Debug for WhenSlow<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(policy) => f.debug_tuple("Always").field(policy).finish(),
            Self::Ask { at_once, .. } => f.debug_struct("Ask").field("at_once", at_once).finish(),
        }
    }
}

/// Calls of the callback, so many at a time.
pub(super) struct Calls<A> {
    callback: Callback<A>,
    permits: Arc<Semaphore>,
    running: Arc<Running>,
    panics: Arc<AtomicU64>,
}

impl<A: Send + Sync + 'static> Calls<A> {
    pub(super) fn new(
        when: &WhenSlow<A>,
        running: &Arc<Running>,
        panics: &Arc<AtomicU64>,
    ) -> Option<Self> {
        let WhenSlow::Ask { callback, at_once } = when else { return None };
        let at_once = (*at_once).clamp(1, Semaphore::MAX_PERMITS);
        Some(Self {
            callback: Arc::clone(callback),
            permits: Arc::new(Semaphore::new(at_once)),
            running: Arc::clone(running),
            panics: Arc::clone(panics),
        })
    }

    /// Asks without waiting for the answer, which is handed to `answer`. There are never more of these tasks
    /// than subscribers, because each is asked again only when it was fast in between.
    pub(super) fn ask(
        &self,
        id: SubscriberId,
        attributes: Arc<A>,
        answer: impl FnOnce(Policy) + Send + 'static,
    ) {
        let (callback, permits) = (Arc::clone(&self.callback), Arc::clone(&self.permits));
        let panics = Arc::clone(&self.panics);
        self.running.spawn(async move {
            // Closed means that nobody wants to know any more.
            let Ok(permit) = permits.acquire_owned().await else { return };
            let call = spawn_blocking(move || {
                let asked = Asked { id, attributes: &*attributes };
                // What the callback leaves behind when it panics is its own.
                let policy = catch_unwind(AssertUnwindSafe(|| callback(asked)));
                answer(policy.unwrap_or_else(|_| {
                    panics.fetch_add(1, Ordering::Relaxed);
                    Policy::DropNewest
                }));
            });
            // That the runtime ended first is as good as an answer.
            let _ = call.await;
            drop(permit);
        });
    }

    /// No others begin.
    pub(super) fn close(&self) {
        self.permits.close();
    }
}
