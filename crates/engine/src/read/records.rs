//! Pages of records: the same read, with everything that is known about each record beside its bytes.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::offset::LineageRange;
use headwater_core::record::RecordMeta;
use headwater_core::storage::{Detail, ReadRange, StorageError};
use headwater_core::{AccessError, Offset, StreamKey, StreamState};

use super::{Miss, Start, begun_at, boundary, last_boundary};
use crate::error::Failure;
use crate::options::Options;
use crate::reading::{Held, Taker};
use crate::shard::Shard;

/// What is told of a record beside its payload takes about as much memory, written out too.
const TOLD_BYTES: u64 = 256;

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
    /// Room for them, to be held for as long as they are.
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
    begun_at(shard, key, start, cap(shard, &Taker::Page), records_of).await
}

/// Most payload bytes of a page.
pub(crate) fn cap(shard: &Shard, taker: &Taker) -> u64 {
    let Options { records_page_bytes, page_bytes, .. } = shard.options;
    shard.reading.page(taker).min(records_page_bytes.min(page_bytes).max(1) as u64)
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
pub(crate) async fn records_in(
    shard: &Shard,
    state: &Arc<StreamState>,
    from: u64,
    cap: u64,
    taker: &Taker,
) -> Result<Records, Miss> {
    let tail = state.tail.position;
    let holding = boundary::record_at(shard, state, from).await?;
    let from = holding.map_or(from, |record| record.position);
    let mut to = tail.min(from.saturating_add(cap));
    if to < tail {
        to = last_boundary(shard, state, from, to).await?;
    }
    let told = (to - from).min(shard.options.page_records as u64).saturating_mul(TOLD_BYTES);
    let held = shard.reading.take(to - from + told, taker).await.ok_or(Miss::Crowded)?;
    let (mut chunks, mut rows) = (Vec::new(), Vec::new());
    for range in ranges(state, from, to) {
        collect(shard, range, &mut chunks, &mut rows).await?;
    }
    // Empty records where the page ends come with the next one; what an ancestor appended after the fork never does, nor
    // the record that was cut where the page begins.
    rows.retain(|row| {
        row.position >= from
            && (row.position < to || to == tail)
            && row.sequence <= state.tail.sequence
    });
    let kept = within(&rows, shard.options.page_records);
    if kept < rows.len() {
        rows.truncate(kept);
        to = rows.last().map_or(to, RecordMeta::end);
    }
    let bytes = match <[Bytes; 1]>::try_from(chunks) {
        Ok([bytes]) => bytes,
        Err(chunks) => chunks.concat().into(),
    };
    let records = rows.into_iter().map(|meta| record(state, &bytes, from, meta));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    Ok(Records { state: Arc::clone(state), from, to, records, held })
}

/// How many of these rows make a page: the most there may be, and further to one that is not empty, because no page can begin
/// behind an empty record.
fn within(rows: &[RecordMeta], most: usize) -> usize {
    let behind = rows.iter().skip(most.saturating_sub(1)).position(|row| row.len > 0);
    behind.map_or(rows.len(), |more| most.max(1) + more).min(rows.len())
}

/// The stretches from one position to another, both included, by who wrote them: empty records may stand at either.
fn ranges(state: &StreamState, from: u64, to: u64) -> impl Iterator<Item = LineageRange> {
    let (base, tail) = (state.ranges.base(), state.tail.position);
    let own = LineageRange { lineage: state.ranges.own(), from: base, to: tail };
    let inherited = state.ranges.inherited().iter().copied().filter(|range| range.from < range.to);
    inherited.chain([own]).filter(move |range| range.from <= to && from <= range.to).map(
        move |range| LineageRange { from: range.from.max(from), to: range.to.min(to), ..range },
    )
}

/// Reads one stretch, with the rows of its records.
async fn collect(
    shard: &Shard,
    range: LineageRange,
    chunks: &mut Vec<Bytes>,
    rows: &mut Vec<RecordMeta>,
) -> Result<(), StorageError> {
    let LineageRange { lineage, mut from, to } = range;
    loop {
        let budget = usize::try_from(to - from).unwrap_or(usize::MAX).max(1);
        let read = ReadRange { lineage, from, to, budget };
        let page = shard.storage.read(read, Detail::Records).await?;
        if page.is_empty() && from < to {
            let place = format!("nothing at position {from} of lineage {}", lineage.0);
            return Err(StorageError::Corrupt(place));
        }
        from += page.len();
        chunks.extend(page.chunks);
        for row in page.records {
            // The row of a record that two reads touch, and what an ancestor appended after the fork.
            while rows.last().is_some_and(|last| last.sequence >= row.sequence) {
                rows.pop();
            }
            rows.push(RecordMeta { len: row.len.min(to.saturating_sub(row.position)), ..row });
        }
        if from >= to {
            return Ok(());
        }
    }
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
