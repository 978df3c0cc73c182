//! The bytes and rows of a page of records: no more of them than the page may have, however small its records are.

use bytes::{Bytes, BytesMut};
use headwater_core::offset::LineageRange;
use headwater_core::record::RecordMeta;
use headwater_core::storage::{Detail, ReadRange, StorageError};
use headwater_core::{ContentKind, StreamState};

use super::weight;
use crate::shard::Shard;

/// Bytes that are read at a time, for each row that is still wanted. Each of them may be a record of its own, and so many rows take no more
/// than what is counted for one record of a page; with fewer, storage is asked more often than it need be.
const BYTES_PER_ROW: u64 = 4;

/// What is read from one position towards another.
pub(super) struct Rows<'s> {
    state: &'s StreamState,
    from: u64,
    to: u64,
    /// Most rows of a page.
    most: usize,
    /// Up to where there is no record that is not known.
    known: u64,
    /// Position after the last byte that was read.
    read: u64,
    chunks: Vec<Bytes>,
    rows: Vec<RecordMeta>,
}

/// What a page has of it.
pub(super) struct Kept {
    pub(super) rows: Vec<RecordMeta>,
    pub(super) bytes: Bytes,
    /// Position after the last record.
    pub(super) to: u64,
    /// Bytes that they take.
    pub(super) weight: u64,
}

impl<'s> Rows<'s> {
    /// Reads until there are enough for a page of at most so many. The first that is not empty is known.
    pub(super) async fn read(
        shard: &Shard,
        state: &'s StreamState,
        first: Option<&RecordMeta>,
        (from, to): (u64, u64),
        most: usize,
    ) -> Result<Self, StorageError> {
        let known = first.map_or(from, RecordMeta::end);
        let mut found =
            Self { state, from, to, most, known, read: from, chunks: Vec::new(), rows: Vec::new() };
        for range in ranges(state, from, to) {
            found.collect(shard, range).await?;
            // Behind the last byte come only empty records, and all of them belong to this page.
            if found.is_enough() && found.read < to {
                break;
            }
        }
        Ok(found)
    }

    /// Reads one stretch, with the rows of its records.
    async fn collect(&mut self, shard: &Shard, range: LineageRange) -> Result<(), StorageError> {
        let LineageRange { lineage, mut from, to } = range;
        loop {
            let left = usize::try_from(to - from).unwrap_or(usize::MAX);
            let read =
                ReadRange { lineage, from, to, budget: self.budget(from).clamp(1, left.max(1)) };
            let page = shard.storage.read(read, Detail::Records).await?;
            if page.is_empty() && from < to {
                let place = format!("nothing at position {from} of lineage {}", lineage.0);
                return Err(StorageError::Corrupt(place));
            }
            from += page.len();
            self.read = from;
            self.chunks.extend(page.chunks);
            for row in page.records {
                self.push(RecordMeta { len: row.len.min(to.saturating_sub(row.position)), ..row });
            }
            if from >= to || self.is_enough() {
                return Ok(());
            }
        }
    }

    /// How many bytes to read from a position on: the rest of a record that is known is no other's.
    fn budget(&self, from: u64) -> usize {
        let known =
            self.rows.last().map_or(0, RecordMeta::end).max(self.known).saturating_sub(from);
        let wanted = (self.most + 1).saturating_sub(self.rows.len()).max(1) as u64;
        usize::try_from(known.saturating_add(wanted * BYTES_PER_ROW)).unwrap_or(usize::MAX)
    }

    /// Adds a row that may be one of the page's. Empty records where the page ends come with the next one; what an ancestor
    /// appended after the fork never does, nor the record that was cut where the page begins.
    fn push(&mut self, row: RecordMeta) {
        // The row of a record that two reads touch, and what an ancestor appended after the fork.
        while self.rows.last().is_some_and(|last| last.sequence >= row.sequence) {
            self.rows.pop();
        }
        let tail = &self.state.tail;
        let comes = row.position < self.to || self.to == tail.position;
        if row.position >= self.from && comes && row.sequence <= tail.sequence {
            self.rows.push(row);
        }
    }

    /// Whether there are more than a page has. The last of them may not have been read to its end.
    fn is_enough(&self) -> bool {
        self.rows.len() > self.most && self.rows.iter().take(self.most).any(|row| row.len > 0)
    }

    /// Those that make a page of so much weight.
    pub(super) fn within(self, room: u64) -> Result<Kept, StorageError> {
        let Self { state, from, mut to, most, read, chunks, mut rows, .. } = self;
        let kind = state.content_type.kind();
        let kept = fitting(&rows, kind, most, room);
        let ends = read >= to && rows.iter().skip(kept).all(|row| row.len == 0);
        if !ends {
            rows.truncate(kept);
            to = rows.last().map_or(to, RecordMeta::end);
        }
        let weight = rows.iter().map(|row| weight::record(kind, row)).sum();
        let bytes = joined(chunks, from, to)?;
        Ok(Kept { rows, bytes, to, weight })
    }
}

/// How many of these rows make a page: the most that fit, up to one that is not empty, because no page can begin behind
/// an empty record; if only empty ones fit, further to the first that is not.
fn fitting(rows: &[RecordMeta], kind: ContentKind, most: usize, room: u64) -> usize {
    let (mut weight, mut kept) = (0, 0);
    for (count, row) in (1..).zip(rows) {
        weight += weight::record(kind, row);
        if count > most || weight > room {
            let first = || rows.iter().position(|row| row.len > 0);
            return if kept > 0 { kept } else { first().map_or(rows.len(), |first| first + 1) };
        }
        if row.len > 0 {
            kept = count;
        }
    }
    rows.len()
}

/// The bytes from one position to another, which are the first of these, in one piece.
fn joined(mut chunks: Vec<Bytes>, from: u64, to: u64) -> Result<Bytes, StorageError> {
    let len = usize::try_from(to - from).unwrap_or(usize::MAX);
    let had: usize = chunks.iter().map(Bytes::len).sum();
    if had < len {
        let place = format!("{had} bytes at position {from} where {len} are known");
        return Err(StorageError::Corrupt(place));
    }
    if let [chunk] = &mut chunks[..] {
        chunk.truncate(len);
        return Ok(std::mem::take(chunk));
    }
    let mut bytes = BytesMut::with_capacity(len);
    for chunk in chunks {
        let left = len - bytes.len();
        bytes.extend(chunk.get(..left).unwrap_or(&chunk));
    }
    Ok(bytes.freeze())
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
