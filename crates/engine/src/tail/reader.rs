//! A live reader.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::{AccessError, StreamKey, StreamState};
use tokio::sync::watch;

use super::live::{Head, Live};
use super::{Delivery, End, Piece, Step};
use crate::error::{Failure, ServiceError};
use crate::read::records::{self, Records};
use crate::read::{self, Miss, Restarts, Start};
use crate::reading::{Crowd, Held};
use crate::shard::Shard;

/// A live reader: a position in a stream that moves with it.
///
/// While it exists, the stream's TTL does not run out. A slow reader costs no more than a page of memory: it reads from
/// storage until it has caught up.
#[derive(Debug)]
pub struct Tail {
    shard: Arc<Shard>,
    key: StreamKey,
    live: Arc<Live>,
    news: watch::Receiver<Head>,
    opened: Arc<StreamState>,
    position: u64,
    /// Up to where the last delivery went, and whether it said that the stream is closed. `None` before the first.
    delivered: Option<(u64, bool)>,
}

impl Tail {
    pub(crate) async fn open(
        shard: &Arc<Shard>,
        key: &StreamKey,
        start: Start,
    ) -> Result<Self, Failure<AccessError>> {
        let mut restarts = Restarts::default();
        loop {
            let state = read::look(shard, key).await?;
            let position = match read::resolve(shard, &state, start).await {
                Ok(position) => position,
                Err(miss) => {
                    restarts.after(miss, shard, key).await?;
                    continue;
                }
            };
            let now = shard.clock.steady();
            // Joined under the lock that commits are made durable under, so none falls between state and news.
            let joined = shard.with(|inner| {
                let durable = Arc::clone(inner.readable(key, now)?);
                let same = durable.ranges.own() == state.ranges.own();
                let live =
                    same.then(|| inner.lives.join(key, &durable, shard.options.tail_bytes))?;
                inner.touch(key, now);
                Some(live.map(|live| (live, durable)))
            });
            match joined {
                Some(Some((live, durable))) => {
                    // What became durable may not have been published to those who read already.
                    live.advance(durable, None);
                    let news = live.subscribe();
                    let (shard, key) = (Arc::clone(shard), key.clone());
                    let opened = state;
                    return Ok(Self { shard, key, live, news, opened, position, delivered: None });
                }
                Some(None) => return Err(ServiceError::Draining.into()),
                // The stream changed since it was looked at: look again.
                None => {}
            }
        }
    }

    /// The stream's name.
    #[must_use]
    pub fn key(&self) -> &StreamKey {
        &self.key
    }

    /// The stream as it was when the tail was opened.
    #[must_use]
    pub fn state(&self) -> &Arc<StreamState> {
        &self.opened
    }

    /// The position of the next byte to deliver.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Notes that everything before this position was delivered. What lies between here and the end of the last
    /// delivery comes again with the next one.
    pub fn advance(&mut self, to: u64) {
        self.position = to;
    }

    /// Waits for news: bytes after the position, a close, or the end.
    ///
    /// The first call returns at once: with bytes, or with an empty delivery at the tail. Cancel-safe.
    ///
    /// # Errors
    /// When storage fails. The tail can be asked again.
    pub async fn next(&mut self) -> Result<Step, Failure<AccessError>> {
        let mut restarts = Restarts::default();
        loop {
            let Head { state, end } = self.news.borrow_and_update().clone();
            if let Some(end) = end {
                return Ok(Step::End(end));
            }
            let tail = state.tail.position;
            let closed = state.closed.is_some();
            let news = self
                .delivered
                .is_none_or(|(seen, seen_closed)| tail > seen || closed != seen_closed);
            if news {
                match self.collect(&state).await {
                    Ok((pieces, held)) => {
                        let delivery = Delivery { state, pieces, held };
                        let to = delivery.to(self.position);
                        self.delivered = Some((to, closed && to == tail));
                        return Ok(Step::Delivery(delivery));
                    }
                    Err(error) => {
                        restarts.after(error, &self.shard, &self.key).await?;
                        if !self.is_there().await? {
                            return Ok(Step::End(End::Deleted));
                        }
                        continue;
                    }
                }
            }
            if self.news.changed().await.is_err() {
                return Ok(Step::End(End::Deleted));
            }
        }
    }

    /// Waits for news as [`Tail::next`] does, and reads nothing: what comes has no pieces. For readers that take
    /// [`records`](Self::records).
    pub async fn news(&mut self) -> Step {
        loop {
            let Head { state, end } = self.news.borrow_and_update().clone();
            if let Some(end) = end {
                return Step::End(end);
            }
            let seen = (state.tail.position, state.closed.is_some());
            if self.delivered != Some(seen) {
                self.delivered = Some(seen);
                return Step::Delivery(Delivery { state, pieces: Vec::new(), held: None });
            }
            if self.news.changed().await.is_err() {
                return Step::End(End::Deleted);
            }
        }
    }

    /// Reads records from the position on, with all that is known about each: a page of them, once there is room for it.
    ///
    /// # Errors
    /// As [`Engine::read_records`](crate::Engine::read_records), where the stream is not the one that is followed any more.
    pub async fn records(&self) -> Result<Records, Failure<AccessError>> {
        let mut restarts = Restarts::default();
        loop {
            let state = self.news.borrow().state.clone();
            let cap = records::cap(&self.shard, Crowd::Wait);
            match records::records_in(&self.shard, &state, self.position, cap, Crowd::Wait).await {
                Ok(page) => return Ok(page),
                Err(miss) => restarts.after(miss, &self.shard, &self.key).await?,
            }
            if !self.is_there().await? {
                return Err(Failure::Refused(AccessError::NotFound));
            }
        }
    }

    async fn collect(&self, state: &Arc<StreamState>) -> Result<(Vec<Piece>, Option<Held>), Miss> {
        let tail = state.tail.position;
        if self.position >= tail {
            return Ok((Vec::new(), None));
        }
        if let Some(pieces) = self.live.pieces(self.position, tail) {
            return Ok((pieces, None));
        }
        let page = read::page_in(&self.shard, state, self.position, self.page_bytes(), Crowd::Wait)
            .await?;
        // One piece, because storage divides where it likes and a wire form needs whole records and characters.
        let bytes = match <[Bytes; 1]>::try_from(page.chunks) {
            Ok([bytes]) => bytes,
            Err(chunks) => chunks.concat().into(),
        };
        Ok((vec![Piece { from: page.from, bytes, shared: None }], Some(page.held)))
    }

    /// Most bytes to take from storage at a time.
    fn page_bytes(&self) -> u64 {
        let options = &self.shard.options;
        let most = options.tail_page_bytes.min(options.page_bytes).max(1) as u64;
        self.shard.reading.page(Crowd::Wait).min(most)
    }

    /// Whether the stream that is followed still exists, once that is durable.
    async fn is_there(&self) -> Result<bool, ServiceError> {
        match read::look(&self.shard, &self.key).await {
            Ok(state) => Ok(state.ranges.own() == self.opened.ranges.own()),
            Err(Failure::Refused(_)) => Ok(false),
            Err(Failure::Service(error)) => Err(error),
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let now = self.shard.clock.steady();
        self.shard.with(|inner| {
            inner.touch(&self.key, now);
            inner.lives.leave(&self.key, &self.live);
        });
    }
}
