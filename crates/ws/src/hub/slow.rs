//! What becomes of a connection for which too much waits, and who is asked.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use headwater_fanout::{Policy, Standing};
use tokio::sync::Semaphore;

use super::MemberId;

/// What becomes of a connection for which too much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnSlow {
    /// It misses what is broadcast until it has taken something.
    Drop,
    /// It misses the oldest that waits.
    DropOldest,
    /// It gets no more broadcasts and is no member any longer; the connection stays.
    Remove,
    /// It is closed with code 1008. The default: a client that comes again knows what it has missed.
    #[default]
    Close,
    /// Those who use [`Hub::broadcast_within`](super::Hub::broadcast_within) wait for it; from the others it misses
    /// what they broadcast meanwhile.
    Wait,
}

impl OnSlow {
    pub(super) const fn policy(self) -> Policy {
        match self {
            Self::Drop => Policy::DropNewest,
            Self::DropOldest => Policy::DropOldest,
            Self::Remove | Self::Close => Policy::Disconnect,
            Self::Wait => Policy::Wait,
        }
    }
}

/// A connection that has become slow, as the callback is told of it.
#[derive(Debug)]
pub struct Asked<'a, A> {
    /// Its name in the hub.
    pub id: MemberId,
    /// What it was registered with.
    pub attributes: &'a A,
}

type Callback<A> = Arc<dyn Fn(Asked<'_, A>) -> OnSlow + Send + Sync>;

/// Who decides about slow connections.
pub enum WhenSlow<A = ()> {
    /// It is the same for all.
    Always(OnSlow),
    /// A callback, each time that a connection becomes slow.
    ///
    /// It runs on a thread for blocking work, so it may take its time; nobody waits for it, but for those who broadcast with
    /// [`Hub::broadcast_within`](super::Hub::broadcast_within). Until it has answered, and when it panics, the connection misses
    /// what is broadcast.
    Ask {
        /// Decides.
        callback: Callback<A>,
        /// Most calls at a time, at least one.
        at_once: usize,
    },
}

impl<A> WhenSlow<A> {
    /// A callback, for at most four connections at a time.
    pub fn ask(callback: impl Fn(Asked<'_, A>) -> OnSlow + Send + Sync + 'static) -> Self {
        Self::Ask { callback: Arc::new(callback), at_once: 4 }
    }

    pub(super) const fn standing(&self) -> Standing {
        match self {
            Self::Always(on_slow) => Standing::Fixed(on_slow.policy()),
            Self::Ask { .. } => Standing::Ask,
        }
    }
}

impl<A> Default for WhenSlow<A> {
    fn default() -> Self {
        Self::Always(OnSlow::default())
    }
}

impl<A> Clone for WhenSlow<A> {
    fn clone(&self) -> Self {
        match self {
            Self::Always(on_slow) => Self::Always(*on_slow),
            Self::Ask { callback, at_once } => {
                Self::Ask { callback: Arc::clone(callback), at_once: *at_once }
            }
        }
    }
}

impl<A> fmt::Debug for WhenSlow<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(on_slow) => f.debug_tuple("Always").field(on_slow).finish(),
            Self::Ask { at_once, .. } => f.debug_struct("Ask").field("at_once", at_once).finish(),
        }
    }
}

/// Calls of the callback, so many at a time.
pub(super) struct Calls<A> {
    callback: Callback<A>,
    permits: Arc<Semaphore>,
    at_once: u32,
    /// No more calls begin.
    closed: Arc<AtomicBool>,
    panics: Arc<AtomicU64>,
}

#[cfg(feature = "testkit")]
impl<A> Calls<A> {
    pub(super) fn callback(&self) -> &(dyn Fn(Asked<'_, A>) -> OnSlow + Send + Sync) {
        &*self.callback
    }
}

impl<A: 'static> Calls<A> {
    pub(super) fn new(when: &WhenSlow<A>, panics: &Arc<AtomicU64>) -> Option<Self> {
        let WhenSlow::Ask { callback, at_once } = when else { return None };
        let at_once = u32::try_from(*at_once).unwrap_or(u32::MAX).clamp(1, 1 << 16);
        Some(Self {
            callback: Arc::clone(callback),
            permits: Arc::new(Semaphore::new(at_once as usize)),
            at_once,
            closed: Arc::default(),
            panics: Arc::clone(panics),
        })
    }

    /// Asks without waiting for the answer, which is handed to `answer`. There are never more of these tasks
    /// than members, because each is asked again only when it was fast in between.
    pub(super) fn ask(
        &self,
        ask: impl FnOnce(&dyn Fn(Asked<'_, A>) -> OnSlow) -> OnSlow + Send + 'static,
        answer: impl FnOnce(OnSlow) + Send + 'static,
    ) {
        let (callback, permits) = (Arc::clone(&self.callback), Arc::clone(&self.permits));
        let (closed, panics) = (Arc::clone(&self.closed), Arc::clone(&self.panics));
        tokio::spawn(async move {
            let Ok(permit) = permits.acquire_owned().await else { return };
            if closed.load(Ordering::Acquire) {
                return;
            }
            tokio::task::spawn_blocking(move || {
                // What the callback leaves behind when it panics is its own.
                let on_slow = catch_unwind(AssertUnwindSafe(|| ask(&*callback)));
                answer(on_slow.unwrap_or_else(|_| {
                    panics.fetch_add(1, Ordering::Relaxed);
                    OnSlow::Drop
                }));
                drop(permit);
            });
        });
    }

    /// Waits for the calls that run; no others begin.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // Those that wait for their turn are before it, and give it back.
        let _all = self.permits.acquire_many(self.at_once).await;
    }
}
