//! Following a stream for many readers at once.

use std::sync::Arc;
use std::task::Waker;

use headwater_core::{StreamKey, StreamState};

use super::live::{self, Head, Live};
use super::{Delivery, End, Tail};
use crate::shard::Shard;

/// Where a reader is that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The position of the next byte to deliver.
    pub position: u64,
    /// Up to where it was told: past the position by what it could not use yet.
    pub told: u64,
}

/// A stream that is followed for any number of readers, none of which waits: news is told to one waker, and what is recent is
/// handed out at once.
///
/// While it exists, the stream's TTL does not run out. A reader that has fallen behind what is recent goes on as a
/// [`Tail`] of its own ([`reader`](Self::reader)), and comes back when it has caught up ([`Tail::mark`]).
#[derive(Debug)]
pub struct Feed {
    shard: Arc<Shard>,
    key: StreamKey,
    live: Arc<Live>,
    waker: Waker,
}

impl Feed {
    /// Wakes at all news from now on, with none of the engine's locks held that a caller could meet. What was news before is to
    /// be looked at by the caller.
    pub(super) fn new(shard: Arc<Shard>, key: StreamKey, live: Arc<Live>, waker: Waker) -> Self {
        live.enter();
        live.wake(waker.clone());
        Self { shard, key, live, waker }
    }

    /// Something that is the same for all feeds and tails of this stream for as long as one of them exists, and for no other's.
    #[must_use]
    pub fn identity(&self) -> usize {
        self.live.identity()
    }

    /// The stream, as durable now.
    ///
    /// # Errors
    /// Why there will be no more of it.
    pub fn now(&self) -> Result<Arc<StreamState>, End> {
        let Head { state, end } = self.live.head();
        end.map_or(Ok(state), Err)
    }

    /// What lies between a position and the tail in this state of the stream, or a part of it, if it is recent enough.
    #[must_use]
    pub fn recent(&self, state: &Arc<StreamState>, position: u64) -> Option<Delivery> {
        let (state, tail) = (Arc::clone(state), state.tail.position);
        let pieces = match position < tail {
            true => self.live.pieces(position, tail)?,
            false => Vec::new(),
        };
        Some(Delivery { state, pieces, held: None })
    }

    /// A reader that goes on by itself.
    #[must_use]
    pub fn reader(&self, mark: Mark) -> Tail {
        let (shard, key) = (Arc::clone(&self.shard), self.key.clone());
        self.live.enter();
        let opened = self.live.head().state;
        let mut tail = Tail::new(shard, key, Arc::clone(&self.live), opened, mark.position);
        tail.delivered = Some((mark.told, false));
        tail
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.live.wake_no_more(&self.waker);
        live::leave(&self.shard, &self.key, &self.live.head().state, &self.live);
    }
}
