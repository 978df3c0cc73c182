//! A live reader.

use std::sync::Arc;
use std::task::Waker;

use bytes::Bytes;
use headwater_core::storage::Writers;
use headwater_core::{AccessError, Offset, OffsetError, StreamKey, StreamState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::feed::{Feed, Mark};
use super::live::{self, Head, Live};
use super::pending::{self, Pending};
use super::{Delivery, End, Piece, Step};
use crate::error::{Failure, ServiceError};
use crate::read::records::Records;
use crate::read::{self, Miss, Page, Restarts, Start};
use crate::reading::Crowd;
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
    head: watch::Receiver<Head>,
    opened: Arc<StreamState>,
    position: u64,
    /// Up to where the last delivery went, and whether it said that the stream is closed. `None` before the first.
    pub(super) delivered: Option<(u64, bool)>,
    crowd: Crowd,
    page: Pending<Page>,
    records: Pending<Records>,
}

impl Tail {
    pub(crate) async fn open(
        shard: &Arc<Shard>,
        key: &StreamKey,
        start: Start,
    ) -> Result<Self, Failure<AccessError>> {
        match Self::open_at_tail(shard, key, start) {
            Some(tail) => Ok(tail),
            // What is rare is in a box of its own: all who wait have room for what they may become.
            None => Box::pin(Self::look_and_open(shard, key, start)).await,
        }
    }

    async fn look_and_open(
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
                inner.touch_known(key, &durable, now);
                Some(live.map(|live| (live, durable)))
            });
            match joined {
                Some(Some((live, durable))) => {
                    live.reach(&durable);
                    let (shard, key) = (Arc::clone(shard), key.clone());
                    return Ok(Self::new(shard, key, live, state, position));
                }
                Some(None) => return Err(ServiceError::Draining.into()),
                // The stream changed since it was looked at: look again.
                None => {}
            }
        }
    }

    /// A reader at the tail of a stream on which nothing is on its way: as all are who poll and ask again. Nothing has to be waited for,
    /// so it is looked for and joined at once.
    fn open_at_tail(shard: &Arc<Shard>, key: &StreamKey, start: Start) -> Option<Self> {
        if shard.storage.writers() != Writers::Sole {
            return None;
        }
        let now = shard.clock.steady();
        let (live, durable) = shard.with(|inner| {
            let durable = Arc::clone(inner.settled(key, now)?);
            let tail = durable.tail.position;
            let is_there = match start {
                Start::Now => true,
                Start::At(offset) => {
                    offset != Offset::START && durable.ranges.resolve(offset, tail) == Ok(tail)
                }
                Start::Beginning | Start::Last(_) | Start::Since(_) => false,
            };
            let live = is_there.then(|| inner.lives.join(key, &durable, shard.options.tail_bytes));
            let live = live.flatten()?;
            inner.touch_known(key, &durable, now);
            Some((live, durable))
        })?;
        live.reach(&durable);
        let position = durable.tail.position;
        Some(Self::new(Arc::clone(shard), key.clone(), live, durable, position))
    }

    /// A reader that has been added to those of the stream.
    pub(super) fn new(
        shard: Arc<Shard>,
        key: StreamKey,
        live: Arc<Live>,
        opened: Arc<StreamState>,
        position: u64,
    ) -> Self {
        Self {
            head: live.subscribe(),
            shard,
            key,
            live,
            opened,
            position,
            delivered: None,
            crowd: Crowd::Wait,
            page: Pending::default(),
            records: Pending::default(),
        }
    }

    /// Where it is, once it has begun.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        self.delivered.map(|(told, _)| Mark { position: self.position, told })
    }

    /// Whether what comes next is in memory, or nothing does: then a [`Feed`] can go on for it.
    #[must_use]
    pub fn is_recent(&self) -> bool {
        self.live.reaches(self.position)
    }

    /// Follows the same stream for many readers, and wakes this waker at all news of it. What is woken must not use the feed.
    #[must_use]
    pub fn feed(&self, waker: Waker) -> Feed {
        Feed::new(Arc::clone(&self.shard), self.key.clone(), Arc::clone(&self.live), waker)
    }

    /// See [`Feed::identity`].
    #[must_use]
    pub fn identity(&self) -> usize {
        self.live.identity()
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
        self.page = Pending::default();
        self.records = Pending::default();
    }

    /// Whether everything that is known of the stream was delivered.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.position >= self.head.borrow().state.tail.position
    }

    /// What is done from now on when there is no room for what is read; at first, it is waited for.
    pub fn when_crowded(&mut self, crowd: Crowd) {
        self.crowd = crowd;
        if crowd == Crowd::Refuse {
            self.page.hurry();
            self.records.hurry();
        }
    }

    /// Waits for news: bytes after the position, a close, or the end.
    ///
    /// The first call does not wait for them: it returns bytes, once there is room for them, or an empty delivery at the tail.
    /// Cancel-safe: a call that is given up keeps its place among those who wait for room, and what it was reading.
    ///
    /// # Errors
    /// When storage fails, or [as was asked for](Self::when_crowded) when there is no room. The tail can be asked again.
    /// [`OffsetError::Expired`] when the stream has given up what comes next.
    pub async fn next(&mut self) -> Result<Step, Failure<AccessError>> {
        let mut restarts = Restarts::default();
        loop {
            let state = match self.news().await {
                Ok(state) => state,
                Err(end) => return Ok(Step::End(end)),
            };
            match self.collect(state).await {
                Ok(delivery) => {
                    self.deliver(&delivery.state, delivery.to(self.position));
                    return Ok(Step::Delivery(delivery));
                }
                Err(miss) => {
                    if let Some(end) = Box::pin(self.missed(miss, &mut restarts)).await? {
                        return Ok(Step::End(end));
                    }
                }
            }
        }
    }

    /// As [`next`](Self::next), with all that is known about each record: a page of them, which is empty where nothing but the
    /// state is news.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_records(&mut self) -> Result<Step<Records>, Failure<AccessError>> {
        let mut restarts = Restarts::default();
        loop {
            let state = match self.news().await {
                Ok(state) => state,
                Err(end) => return Ok(Step::End(end)),
            };
            match Box::pin(self.collect_records(state)).await {
                Ok(page) => {
                    self.deliver(&page.state, page.to);
                    return Ok(Step::Delivery(page));
                }
                Err(miss) => {
                    if let Some(end) = Box::pin(self.missed(miss, &mut restarts)).await? {
                        return Ok(Step::End(end));
                    }
                }
            }
        }
    }

    /// Waits until there is something that was not delivered, which [`next`](Self::next) then delivers. Returns how the stream stands then:
    /// who has what it has from the position on need not ask for it. Cancel-safe.
    ///
    /// # Errors
    /// Why there will be no more.
    pub async fn news(&mut self) -> Result<Arc<StreamState>, End> {
        loop {
            let Head { state, end } = self.head.borrow_and_update().clone();
            if let Some(end) = end {
                return Err(end);
            }
            let (tail, closed) = (state.tail.position, state.closed.is_some());
            let is_news = |(seen, seen_closed): (u64, bool)| tail > seen || closed != seen_closed;
            if self.delivered.is_none_or(is_news) {
                return Ok(state);
            }
            if self.head.changed().await.is_err() {
                return Err(End::Deleted);
            }
        }
    }

    /// Notes what is handed out.
    fn deliver(&mut self, state: &StreamState, to: u64) {
        self.delivered = Some((to, state.closed.is_some() && to == state.tail.position));
    }

    /// What becomes of a reader that found nothing: it is over, or looks again.
    async fn missed(
        &self,
        miss: Miss,
        restarts: &mut Restarts,
    ) -> Result<Option<End>, Failure<AccessError>> {
        let end = self.head.borrow().end;
        if let (Miss::Crowded, Some(end)) = (&miss, end) {
            return Ok(Some(end));
        }
        restarts.after(miss, &self.shard, &self.key).await?;
        Ok((!self.is_there().await?).then_some(End::Deleted))
    }

    async fn collect(&mut self, state: Arc<StreamState>) -> Result<Delivery, Miss> {
        let (position, tail) = (self.position, state.tail.position);
        not_given_up(&state, position)?;
        if position >= tail {
            return Ok(Delivery { state, pieces: Vec::new(), held: None });
        }
        if let Some(pieces) = self.live.pieces(position, tail) {
            self.page = Pending::default();
            return Ok(Delivery { state, pieces, held: None });
        }
        Box::pin(self.read(state)).await
    }

    async fn read(&mut self, state: Arc<StreamState>) -> Result<Delivery, Miss> {
        let position = self.position;
        let (shard, hurry) = (&self.shard, hurry(self.crowd));
        let begin = || pending::page(Arc::clone(shard), state, position, hurry);
        let page = self.page.get(begin, &mut self.head).await?;
        // One piece, because storage divides where it likes and a wire form needs whole records and characters.
        let bytes = match <[Bytes; 1]>::try_from(page.chunks) {
            Ok([bytes]) => bytes,
            Err(chunks) => chunks.concat().into(),
        };
        let pieces = vec![Piece { from: page.from, bytes, shared: None }];
        // It may have waited for long, and must not take what was the tail for what is.
        let state = Arc::clone(&self.head.borrow().state);
        Ok(Delivery { state, pieces, held: Some(page.held) })
    }

    async fn collect_records(&mut self, state: Arc<StreamState>) -> Result<Records, Miss> {
        let position = self.position;
        not_given_up(&state, position)?;
        if position >= state.tail.position {
            return Ok(Records::none(state, position));
        }
        let (shard, hurry) = (&self.shard, hurry(self.crowd));
        let begin = || pending::records(Arc::clone(shard), state, position, hurry);
        let page = self.records.get(begin, &mut self.head).await?;
        let state = Arc::clone(&self.head.borrow().state);
        Ok(Records { state, ..page })
    }

    /// Whether the stream that is followed still exists, once that is durable.
    ///
    /// # Errors
    /// When it does, and has given up what comes next.
    async fn is_there(&self) -> Result<bool, Failure<AccessError>> {
        match read::look(&self.shard, &self.key).await {
            Ok(state) if state.ranges.own() != self.opened.ranges.own() => Ok(false),
            Ok(state) => {
                not_given_up(&state, self.position).map_err(Failure::Refused)?;
                Ok(true)
            }
            Err(Failure::Refused(_)) => Ok(false),
            Err(Failure::Service(error)) => Err(error.into()),
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        live::leave(&self.shard, &self.key, &self.opened, &self.live);
    }
}

/// Refuses a position that the stream has given up.
fn not_given_up(state: &StreamState, position: u64) -> Result<(), AccessError> {
    if position < state.floor.position { Err(OffsetError::Expired.into()) } else { Ok(()) }
}

/// What ends the wait for room; for some before it begins.
fn hurry(crowd: Crowd) -> CancellationToken {
    let hurry = CancellationToken::new();
    if crowd == Crowd::Refuse {
        hurry.cancel();
    }
    hurry
}
