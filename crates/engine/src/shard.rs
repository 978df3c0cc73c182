//! The shard: where commands are decided on the private state, batched, and answered when durable.
//!
//! What holds here:
//!
//! - A decided change is applied to the private state at once, so the next command of the same group is decided on it.
//!   Readers get the durable state alone.
//! - Every answer waits until all it relies on is durable, refusals and duplicates too. Where others write the same
//!   data, storage is asked whether it still holds.
//! - One group is with storage at a time; everything that is decided meanwhile is the next. There is no timer.
//! - Order comes from storage: what it calls a conflict is loaded and decided again.
//!
//! There is one shard. Forks and cascades decide over several streams at once, deciding an append takes about a
//! microsecond, and storage, not deciding, is what groups wait for.
//!
//! The rooms: [`cache`] (what is in memory per stream), [`queue`] (units on their way and who waits for them), [`view`] (what decisions
//! see), [`run`] (one command from start to answer), [`load`], [`complete`] (what storage reports), [`foreign`] (what other writers did), [`uses`] (of TTL streams).

mod cache;
mod complete;
mod foreign;
mod load;
mod queue;
mod run;
mod uses;
pub(crate) mod view;

use std::sync::Arc;

use headwater_core::storage::{Storage, Writers};
use headwater_core::{Expiry, StreamKey, StreamState, Timestamp};
use tokio::sync::Notify;

pub(crate) use self::cache::Cache;
use self::load::Loading;
use self::queue::Queue;
pub(crate) use self::run::Done;
use self::uses::Uses;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::reading::Reading;
use crate::sync::Mutex;
use crate::tail::Lives;

pub(crate) struct Shard {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    pub(crate) reading: Reading,
    /// Steady time at the start: TTL windows begin anew with the process.
    started: Timestamp,
    writers: Writers,
    // Held while deciding and completing, never across an await or a call of storage.
    inner: Mutex<Inner>,
    /// Signalled when the queue has run dry.
    quiet: Notify,
    foreign: foreign::Foreign,
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) cache: Cache,
    queue: Queue,
    loading: Loading,
    pub(crate) lives: Lives,
    pub(crate) uses: Uses,
    phase: Phase,
}

/// What the shard still accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Serving,
    /// A write failed: what is durable can be read, nothing can be changed.
    Poisoned,
    /// The engine was shut down.
    Stopped,
}

impl std::fmt::Debug for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shard").field("storage", &self.storage).finish_non_exhaustive()
    }
}

impl Shard {
    pub(crate) fn start(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Arc<Self> {
        let shard = Arc::new(Self {
            started: clock.steady(),
            writers: storage.writers(),
            storage,
            clock,
            reading: Reading::new(options.reading_bytes),
            metrics: Metrics::new(),
            options,
            inner: Mutex::default(),
            quiet: Notify::new(),
            foreign: foreign::Foreign::default(),
        });
        if shard.writers == Writers::Several {
            foreign::attach(&shard);
        }
        shard
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.inner.lock())
    }

    /// Notes a use that restarts a TTL, in memory; [`crate::expiry`] makes it durable.
    pub(crate) fn touch(&self, key: &StreamKey) {
        let now = self.clock.steady();
        self.with(|inner| inner.touch(key, now));
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.with(|inner| inner.phase == Phase::Poisoned)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.with(|inner| inner.queue.len())
    }

    /// Refuses everything from now on, and returns when nothing is on its way to storage any more.
    pub(crate) async fn stop(&self) {
        self.with(|inner| inner.phase = Phase::Stopped);
        loop {
            let quiet = self.quiet.notified();
            if self.with(|inner| inner.queue.is_idle()) {
                return;
            }
            quiet.await;
        }
    }
}

impl Inner {
    pub(crate) fn touch(&mut self, key: &StreamKey, now: Timestamp) {
        // What is poisoned or stopped saves nothing any more.
        if self.phase != Phase::Serving {
            return;
        }
        let Some(stream) = self.cache.get_mut(key) else { return };
        if let Some((ttl, used_at)) = stream.ttl_mut() {
            *used_at = now.max(*used_at);
            self.uses.note(key, ttl, now);
        }
    }

    /// As [`touch`](Self::touch), of a stream whose state is known: one without a TTL need not be looked for.
    pub(crate) fn touch_known(&mut self, key: &StreamKey, state: &StreamState, now: Timestamp) {
        if matches!(state.expiry, Expiry::Ttl(_)) {
            self.touch(key, now);
        }
    }

    /// The durable state of a stream, where what is private differs from it by data alone: both are the same live
    /// stream, and its time is not up. A stream with a live reader is in use at every moment.
    pub(crate) fn readable(
        &mut self,
        key: &StreamKey,
        now: Timestamp,
    ) -> Option<&Arc<StreamState>> {
        Some(self.readable_entry(key, now)?.1)
    }

    /// As [`readable`](Self::readable), where nothing is on its way to storage and answers are given: this is what a look at the stream
    /// would answer, without having waited.
    pub(crate) fn settled(&mut self, key: &StreamKey, now: Timestamp) -> Option<&Arc<StreamState>> {
        if self.phase == Phase::Stopped {
            return None;
        }
        let (stream, durable) = self.readable_entry(key, now)?;
        stream.pending.is_none().then_some(durable)
    }

    fn readable_entry(
        &mut self,
        key: &StreamKey,
        now: Timestamp,
    ) -> Option<(&cache::Stream, &Arc<StreamState>)> {
        let stream = self.cache.get_mut(key)?;
        let (private, durable) = stream.same_stream()?;
        let watched = |state: &StreamState| {
            matches!(state.expiry, Expiry::Ttl(_)) && self.lives.has_readers(key)
        };
        let ended = private.expired(now) && !watched(private);
        (!ended).then_some((&*stream, durable))
    }

    /// When a stream was last used, as far as this engine knows.
    pub(crate) fn last_use(&mut self, key: &StreamKey, now: Timestamp) -> Timestamp {
        if self.lives.has_readers(key) {
            return now;
        }
        let ttl = self.cache.get_mut(key).and_then(cache::Stream::ttl_mut);
        ttl.map_or(now, |(_, used_at)| *used_at)
    }
}
