//! Pages of records: the same read, with everything that is known about each record beside its bytes.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::record::RecordMeta;
use headwater_core::storage::StorageError;
use headwater_core::{AccessError, Offset, StreamKey, StreamState};

use super::rows::{Kept, Rows};
use super::{Miss, Start, begun_at, boundary, last_boundary, weight};
use crate::error::Failure;
use crate::options::Options;
use crate::reading::{Held, Taker};
use crate::shard::Shard;

/// A record as its stream has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its row: sequence, space sequence, position, stored length, commit timestamp, unit, metadata. A record that a fork
    /// inherits a part of ends at the fork point; its space sequence is that of the space it was appended in.
    pub meta: RecordMeta,
    /// Where to read on after it.
    pub next_offset: Offset,
    /// Its stored bytes; a JSON value with the separator after it. Shares the memory of the whole page.
    pub payload: Bytes,
}

/// A page of whole records, in order.
#[derive(Clone, Debug)]
pub struct Records {
    /// The stream, as durable at the time of the answer.
    pub state: Arc<StreamState>,
    /// First position: the start of the record that holds the position asked for.
    pub from: u64,
    /// Position after the last record.
    pub to: u64,
    /// The records. Sequences grow by one from each to the next, over pages too, save for one case: an empty record at the
    /// tail comes again when reading on from there, as no offset lies behind it. Its sequence tells.
    pub records: Vec<Record>,
    /// Room for them, also when they are written out as JSON; to be held for as long as either is.
    pub held: Held,
}

impl Records {
    /// The page behind everything.
    pub(crate) fn none(state: Arc<StreamState>, at: u64) -> Self {
        Self { state, from: at, to: at, records: Vec::new(), held: Held::default() }
    }

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

/// Reads a page of records, which counts as a use of the stream.
pub(crate) async fn read(
    shard: &Arc<Shard>,
    key: &StreamKey,
    start: Start,
) -> Result<Records, Failure<AccessError>> {
    begun_at(shard, key, start, cap(shard), records_of).await
}

/// Most payload bytes of a page.
pub(crate) fn cap(shard: &Shard) -> u64 {
    let Options { records_page_bytes, page_bytes, .. } = shard.options;
    records_page_bytes.min(page_bytes).max(1) as u64
}

async fn records_of(
    shard: &Shard,
    state: &Arc<StreamState>,
    from: u64,
    cap: u64,
) -> Result<Records, Miss> {
    records_in(shard, state, from, cap, &Taker::Page).await
}

/// A page of records from a position that is known to be valid, once there is room for it.
///
/// Room is taken for the most that the page can be, at least for its first record, which is a page however large it is; what
/// turns out not to fit is left to the next page, and what turns out not to be needed is given back.
pub(crate) async fn records_in(
    shard: &Shard,
    state: &Arc<StreamState>,
    from: u64,
    cap: u64,
    taker: &Taker,
) -> Result<Records, Miss> {
    let (tail, kind) = (state.tail.position, state.content_type.kind());
    let room = shard.reading.page(taker);
    let first = boundary::record_at(shard, state, from).await?;
    let from = first.as_ref().map_or(from, |record| record.position);
    let cap = cap.min(weight::payload_within(kind, room));
    let mut to = tail.min(from.saturating_add(cap));
    if to < tail {
        to = last_boundary(shard, state, from, to).await?;
    }
    let most = shard.options.page_records.max(1);
    let told = (to - from).min(most as u64).saturating_mul(weight::TOLD_BYTES);
    let least = first.as_ref().map_or(0, |record| weight::record(kind, record));
    let room = (weight::payload(kind, to - from) + told).min(room).max(least);
    let mut held = shard.reading.take(room, taker).await.ok_or(Miss::Crowded)?;
    let most = most.min(usize::try_from(room / weight::TOLD_BYTES).unwrap_or(usize::MAX).max(1));
    let Kept { rows, bytes, to, weight } =
        Rows::read(shard, state, first.as_ref(), (from, to), most).await?.within(room)?;
    held.settle(weight);
    let records = rows.into_iter().map(|meta| record(state, &bytes, from, meta));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    Ok(Records { state: Arc::clone(state), from, to, records, held })
}

/// A row with its bytes, out of those of the page.
fn record(
    state: &StreamState,
    bytes: &Bytes,
    from: u64,
    meta: RecordMeta,
) -> Result<Record, StorageError> {
    let index = |position: u64| usize::try_from(position.checked_sub(from)?).ok();
    let span = index(meta.position).zip(index(meta.end())).filter(|(_, end)| *end <= bytes.len());
    let Some((start, end)) = span else {
        let place = format!("record {} at position {}", meta.sequence, meta.position);
        return Err(StorageError::Corrupt(place));
    };
    let next_offset = state.ranges.offset(meta.end());
    Ok(Record { next_offset, payload: bytes.slice(start..end), meta })
}
