//! What the live readers of a stream share.

#[cfg(all(test, headwater_loom))]
mod interleavings;

use std::sync::{Arc, OnceLock};
use std::task::Waker;

use bytes::Bytes;
use headwater_core::{Expiry, Slot, StreamKey, StreamState};
use tokio::sync::watch;

use super::ring::Ring;
use super::{End, Piece};
use crate::quick::QuickMap;
use crate::shard::Shard;
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// The news: how the stream stands.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) state: Arc<StreamState>,
    pub(super) end: Option<End>,
}

#[derive(Debug)]
pub(crate) struct Live {
    head: watch::Sender<Head>,
    // Held for a few instructions per commit and per delivery, and to join small pieces, 16 KiB at most.
    ring: Mutex<Ring>,
    // Those who follow for many readers at once: a few, woken at all news for as long as they are here. Held while they are
    // woken, so that none is woken that has left.
    wakers: Mutex<Vec<Waker>>,
    /// How many read. Those who begin where nobody reads count themselves under the shard's lock; so does the last one who ends look whether
    /// it still is the last.
    readers: AtomicUsize,
}

impl Live {
    fn new(state: Arc<StreamState>, capacity: usize) -> Arc<Self> {
        let (ring, wakers) = (Mutex::new(Ring::new(capacity)), Mutex::default());
        let (head, readers) = (watch::Sender::new(Head { state, end: None }), AtomicUsize::new(0));
        Arc::new(Self { head, ring, wakers, readers })
    }

    /// Adds a reader beside one that is there.
    pub(super) fn enter(&self) {
        // Nothing is read but the number.
        self.readers.fetch_add(1, Ordering::Relaxed);
    }

    /// Removes a reader. Whether it was the last one.
    fn exit(&self) -> bool {
        self.readers.fetch_sub(1, Ordering::Relaxed) == 1
    }

    pub(super) fn identity(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }

    pub(super) fn head(&self) -> Head {
        self.head.borrow().clone()
    }

    /// Wakes this one at all news.
    pub(super) fn wake(&self, waker: Waker) {
        self.wakers.lock().push(waker);
    }

    pub(super) fn wake_no_more(&self, waker: &Waker) {
        self.wakers.lock().retain(|other| !other.will_wake(waker));
    }

    fn wake_all(&self) {
        self.wakers.lock().iter().for_each(Waker::wake_by_ref);
    }

    /// Whether what comes next after a position is in memory, or nothing does.
    pub(super) fn reaches(&self, position: u64) -> bool {
        let tail = self.head.borrow().state.tail.position;
        position >= tail || self.ring.lock().reaches(position, tail)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// Pieces from a position towards another, if the ring reaches back that far.
    pub(super) fn pieces(&self, from: u64, to: u64) -> Option<Vec<Piece>> {
        self.ring.lock().pieces(from, to)
    }

    /// What became durable may not have been published yet to those who read: it is news to them if it has not.
    pub(super) fn reach(&self, state: &Arc<StreamState>) {
        if self.head.borrow().state.version() < state.version() {
            self.advance(Arc::clone(state), None);
        }
    }

    pub(super) fn advance(&self, state: Arc<StreamState>, payload: Option<Bytes>) {
        if let Some(bytes) = payload {
            let from = state.tail.position.saturating_sub(bytes.len() as u64);
            self.ring.lock().push(Piece { from, bytes, shared: Some(Arc::new(OnceLock::new())) });
        }
        let newer = self.head.send_if_modified(|head| {
            let newer = state.version() > head.state.version();
            if newer {
                head.state = state;
            }
            newer
        });
        if newer {
            self.wake_all();
        }
    }

    fn end(&self, end: End) {
        self.head.send_modify(|head| {
            head.end.get_or_insert(end);
        });
        self.wake_all();
    }
}

/// Streams with live readers.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    streams: QuickMap<StreamKey, Arc<Live>>,
    draining: bool,
}

/// Removes a reader of a stream, which was in use until now. The lock is taken where that has to be noted, or nobody is left.
pub(super) fn leave(shard: &Shard, key: &StreamKey, state: &StreamState, live: &Arc<Live>) {
    if matches!(state.expiry, Expiry::Ttl(_)) {
        shard.touch(key);
    }
    if live.exit() {
        shard.with(|inner| inner.lives.forget(key));
    }
}

/// News that is handed out when no lock is held.
#[derive(Debug)]
pub(crate) struct Publication {
    live: Arc<Live>,
    news: News,
}

#[derive(Debug)]
enum News {
    State(Arc<StreamState>, Option<Bytes>),
    End(End),
}

impl Publication {
    pub(crate) fn publish(self) {
        match self.news {
            News::State(state, payload) => self.live.advance(state, payload),
            News::End(end) => self.live.end(end),
        }
    }
}

impl Lives {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining
    }

    pub(crate) fn has_readers(&self, key: &StreamKey) -> bool {
        self.streams.contains_key(key)
    }

    pub(crate) fn keys(&self) -> Vec<StreamKey> {
        self.streams.keys().cloned().collect()
    }

    /// Adds a reader to a stream that is durable in this state. `None` while draining.
    pub(super) fn join(
        &mut self,
        key: &StreamKey,
        state: &Arc<StreamState>,
        capacity: usize,
    ) -> Option<Arc<Live>> {
        if self.draining {
            return None;
        }
        let live = self.streams.entry(key.clone());
        let live = live.or_insert_with(|| Live::new(Arc::clone(state), capacity));
        live.enter();
        Some(Arc::clone(live))
    }

    /// Forgets a stream that nobody reads any more: somebody may have come since the last one went, to what is there now.
    fn forget(&mut self, key: &StreamKey) {
        let present = self.streams.get(key);
        if present.is_some_and(|live| live.readers.load(Ordering::Relaxed) == 0) {
            self.streams.remove(key);
        }
    }

    /// What the readers of a stream are to be told about its new durable slot.
    pub(crate) fn publication(
        &mut self,
        key: &StreamKey,
        slot: &Slot,
        payload: Option<Bytes>,
    ) -> Option<Publication> {
        let live = self.streams.get(key)?;
        let lineage = live.head.borrow().state.ranges.own();
        match slot {
            Slot::Live(state) if state.ranges.own() == lineage => {
                let news = News::State(Arc::clone(state), payload);
                Some(Publication { live: Arc::clone(live), news })
            }
            _ => {
                let live = self.streams.remove(key)?;
                Some(Publication { live, news: News::End(End::Deleted) })
            }
        }
    }

    /// Ends all, and every one that would begin.
    pub(crate) fn drain(&mut self) -> Vec<Publication> {
        self.draining = true;
        let lives = self.streams.drain();
        lives.map(|(_, live)| Publication { live, news: News::End(End::Draining) }).collect()
    }
}
