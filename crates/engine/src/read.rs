//! Pages: contiguous bytes of a stream, with a cap.
//!
//! A page that ends short of the durable tail reveals nothing but immutable bytes, and is answered at once. One that
//! reaches the tail says that there is no more, so it waits until everything decided before it is durable.

pub(crate) mod boundary;
pub(crate) mod content;
pub(crate) mod records;
mod restarts;
mod rows;
pub(crate) mod seek;
mod weight;

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::decide;
use headwater_core::storage::{Portion, StorageError, Writers};
use headwater_core::{
    AccessError, ContentKind, Offset, OffsetError, StreamKey, StreamState, Timestamp,
};

use self::content::Content;
use self::records::Records;
pub(crate) use self::restarts::{Miss, Restarts};
use crate::error::Failure;
use crate::reading::{Held, Taker};
use crate::shard::Shard;

/// Where a read begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first byte that is still there.
    Beginning,
    /// At the tail as it is.
    Now,
    /// At an offset.
    At(Offset),
    /// At the first of the last so many records.
    Last(u64),
    /// At the first record that was committed then or later.
    Since(Timestamp),
}

/// A page of a stream.
#[derive(Clone, Debug)]
pub struct Page<C = Bytes> {
    /// The stream, as durable at the time of the answer.
    pub state: Arc<StreamState>,
    /// First position.
    pub from: u64,
    /// Position after the last byte.
    pub to: u64,
    /// The bytes, in pieces. Pages of JSON streams begin and end on record boundaries.
    pub chunks: Vec<C>,
    /// Room for those that are in memory, to be held for as long as they are.
    pub held: Held,
}

impl<C> Page<C> {
    /// Whether everything that was there at the time of the answer has been returned.
    #[must_use]
    pub fn up_to_date(&self) -> bool {
        self.to == self.state.tail.position
    }

    /// Whether the stream is closed and this page reaches its end.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.up_to_date() && self.state.closed.is_some()
    }

    /// Where to read on.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        self.state.ranges.offset(self.to)
    }
}

/// Looks at a stream; the state is durable and the present one.
pub(crate) async fn look(
    shard: &Arc<Shard>,
    key: &StreamKey,
) -> Result<Arc<StreamState>, Failure<AccessError>> {
    let done = shard.run(|view, now| decide::look(view, key, now)).await?;
    Ok(done.outcome)
}

/// Reads a page, which counts as a use of the stream.
pub(crate) async fn read(
    shard: &Arc<Shard>,
    key: &StreamKey,
    start: Start,
) -> Result<Page, Failure<AccessError>> {
    let cap = shard.reading.page(&Taker::Page).min(shard.options.page_bytes.max(1) as u64);
    begun_at(shard, key, start, cap, page).await
}

/// Makes a page from where a read begins: of a state that may be told, and anew if the stream was replaced meanwhile.
async fn begun_at<P>(
    shard: &Arc<Shard>,
    key: &StreamKey,
    start: Start,
    cap: u64,
    page_of: impl AsyncFn(&Shard, &Arc<StreamState>, u64, u64) -> Result<P, Miss>,
) -> Result<P, Failure<AccessError>>
where
    P: Reach,
{
    let mut restarts = Restarts::default();
    let mut early = partial(shard, key, start, cap);
    loop {
        let state = match &early {
            Some(state) => Arc::clone(state),
            None => look(shard, key).await?,
        };
        shard.touch(key);
        match place(shard, &state, start, cap, &page_of).await {
            Ok(page) if early.is_none() || !page.reaches_tail() => return Ok(page),
            // One record that is longer than a page and the last one. Whether there is more has to be looked up.
            Ok(page) => {
                if look(shard, key).await?.version() == state.version() {
                    return Ok(page);
                }
                early = None;
            }
            Err(miss) => {
                restarts.after(miss, shard, key).await?;
                // What was durable is contradicted by something that is on its way: a look waits for it.
                early = None;
            }
        }
    }
}

/// A page that knows how far it goes.
trait Reach {
    /// Whether it says that there is no more in the state it was made from.
    fn reaches_tail(&self) -> bool;
}

impl<C> Reach for Page<C> {
    fn reaches_tail(&self) -> bool {
        self.up_to_date()
    }
}

impl Reach for Records {
    fn reaches_tail(&self) -> bool {
        self.up_to_date()
    }
}

async fn place<P>(
    shard: &Shard,
    state: &Arc<StreamState>,
    start: Start,
    cap: u64,
    page_of: &impl AsyncFn(&Shard, &Arc<StreamState>, u64, u64) -> Result<P, Miss>,
) -> Result<P, Miss> {
    let from = resolve(shard, state, start).await?;
    page_of(shard, state, from, cap).await
}

/// The durable state, if a page from there ends short of its tail, unless a single record takes it there.
fn partial(shard: &Shard, key: &StreamKey, start: Start, cap: u64) -> Option<Arc<StreamState>> {
    if shard.storage.writers() != Writers::Sole {
        return None;
    }
    let now = shard.clock.steady();
    shard.with(|inner| {
        let state = inner.readable(key, now)?;
        let from = match start {
            Start::Now | Start::Last(_) | Start::Since(_) => return None,
            Start::Beginning => state.floor.position,
            Start::At(offset) => state.ranges.resolve(offset, state.tail.position).ok()?,
        };
        (state.tail.position.saturating_sub(from) > cap).then(|| Arc::clone(state))
    })
}

/// The position a read begins at.
pub(crate) async fn resolve(shard: &Shard, state: &StreamState, start: Start) -> Result<u64, Miss> {
    let tail = state.tail.position;
    let floor = state.floor.position;
    let position = match start {
        Start::Now => return Ok(tail),
        Start::Beginning | Start::At(Offset::START) => return Ok(floor),
        Start::Last(records) => return Ok(seek::last(shard, state, records).await?),
        Start::Since(at) => return Ok(seek::since(shard, state, at).await?),
        Start::At(offset) => state.ranges.resolve(offset, tail),
    };
    let refused = |error| Miss::Refused(AccessError::Offset(error));
    let position = position.map_err(refused)?;
    if position < floor {
        return Err(refused(OffsetError::Expired));
    }
    let sure = position == tail || position == floor || position == state.ranges.base();
    if sure || state.content_type.kind() != ContentKind::Json {
        return Ok(position);
    }
    let aligned = boundary::record_at(shard, state, position).await?;
    if aligned.is_some_and(|record| record.position == position) {
        Ok(position)
    } else {
        Err(refused(OffsetError::Unaligned))
    }
}

/// A page from a position that is known to be valid.
async fn page<C: Content>(
    shard: &Shard,
    state: &Arc<StreamState>,
    from: u64,
    cap: u64,
) -> Result<Page<C>, Miss> {
    page_in(shard, state, from, cap, &Taker::Page).await
}

/// A page from a position that is known to be valid, once there is room for it.
pub(crate) async fn page_in<C: Content>(
    shard: &Shard,
    state: &Arc<StreamState>,
    from: u64,
    cap: u64,
    taker: &Taker,
) -> Result<Page<C>, Miss> {
    let tail = state.tail.position;
    let mut to = tail.min(from.saturating_add(cap));
    if to < tail && state.content_type.kind() == ContentKind::Json {
        to = last_boundary(shard, state, from, to).await?;
    }
    let mut held = shard.reading.take(to - from, taker).await.ok_or(Miss::Crowded)?;
    let chunks = content::all::<C>(shard, state, from, to).await?;
    let in_memory = chunks.iter().map(C::in_memory).sum();
    if in_memory < to - from {
        held.settle(in_memory);
    }
    Ok(Page { state: Arc::clone(state), from, to, chunks, held })
}

/// Reads a page that is only sent on, which counts as a use of the stream.
pub(crate) async fn read_to_send(
    shard: &Arc<Shard>,
    key: &StreamKey,
    start: Start,
) -> Result<Page<Portion>, Failure<AccessError>> {
    let cap = shard.reading.page(&Taker::Page).min(shard.options.page_bytes.max(1) as u64);
    begun_at(shard, key, start, cap, page_to_send).await
}

/// A page from a position that is known to be valid, with so many bytes in memory. It is longer where the rest is in files.
async fn page_to_send(
    shard: &Shard,
    state: &Arc<StreamState>,
    from: u64,
    cap: u64,
) -> Result<Page<Portion>, Miss> {
    let tail = state.tail.position;
    let end = tail.min(from.saturating_add(cap.max(shard.options.sent_page_bytes as u64)));
    if end - from > cap
        && let Some(page) = long_page(shard, state, (from, end), cap).await?
    {
        return Ok(page);
    }
    page(shard, state, from, cap).await
}

/// A page that may be longer than what may be had in memory. `None` where it is not found out how long it is: because of damage, or of a
/// record that alone exceeds it.
async fn long_page(
    shard: &Shard,
    state: &Arc<StreamState>,
    (from, end): (u64, u64),
    cap: u64,
) -> Result<Option<Page<Portion>>, Miss> {
    let mut held = shard.reading.take(cap, &Taker::Page).await.ok_or(Miss::Crowded)?;
    let Ok(mut chunks) = content::some(shard, state, (from, end), cap).await else {
        return Ok(None);
    };
    let mut to = from + chunks.iter().map(Portion::len).sum::<u64>();
    if to < state.tail.position && state.content_type.kind() == ContentKind::Json {
        match last_boundary(shard, state, from, to).await {
            Ok(boundary) if boundary <= to => to = boundary,
            _ => return Ok(None),
        }
    }
    if to == from {
        return Ok(None);
    }
    shorten(&mut chunks, to - from);
    held.settle(chunks.iter().map(Portion::in_memory).sum());
    Ok(Some(Page { state: Arc::clone(state), from, to, chunks, held }))
}

/// Leaves the first so many bytes.
fn shorten(chunks: &mut Vec<Portion>, mut len: u64) {
    chunks.retain_mut(|chunk| {
        chunk.truncate(len);
        len -= chunk.len();
        !chunk.is_empty()
    });
}

/// The end of a JSON page: the last record boundary in it, or the end of the first record if that alone exceeds it.
async fn last_boundary(
    shard: &Shard,
    state: &StreamState,
    from: u64,
    to: u64,
) -> Result<u64, StorageError> {
    let record = boundary::record_at(shard, state, to).await?;
    Ok(record
        .map_or(to, |record| if record.position > from { record.position } else { record.end() }))
}
