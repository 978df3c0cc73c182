//! A page of one lineage.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use headwater_core::record::RecordMeta;
use headwater_core::storage::{Detail, Page, ReadRange, StorageError};
use headwater_core::{Lineage, Slot};

use super::super::chunk;
use super::super::view::View;
use super::rows::{rows_touching, touches};
use crate::local::recent::RecentRun;
use crate::local::row::Row;
use crate::local::run;
use crate::local::stored::{StoredLineage, Unacceptable};

/// Pieces smaller than this are copied behind each other: a page of a stream of small appends would otherwise be
/// hundreds of pieces, each dearer to write to a socket than to copy.
const PIECE_BYTES: usize = 2048;

/// What memory says about a page.
pub(crate) struct Snapshot {
    range: ReadRange,
    detail: Detail,
    known: Known,
    /// The runs that the page may need, one after the other.
    runs: Vec<Arc<RecentRun>>,
    /// Position and sequence of the first record that is recent: before it, the database has everything.
    first: Option<(u64, u64)>,
}

/// Whether memory knows a lineage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It does not: what there is, is in the database.
    No,
    /// It does, and the database may know more.
    Partly,
    /// It does, and the database knows nothing.
    Wholly,
    /// It was removed.
    Removed,
}

impl Snapshot {
    /// Copies what is recent.
    pub(crate) fn take(view: &View, range: ReadRange, detail: Detail) -> Self {
        let recent = view.recent.read();
        let Some(stream) = recent.stream(range.lineage) else {
            return Self { range, detail, known: Known::No, runs: Vec::new(), first: None };
        };
        let known = match stream {
            stream if stream.removed => Known::Removed,
            stream if stream.unlisted.is_some() => Known::Wholly,
            _ => Known::Partly,
        };
        let end = range.to.min(range.from.saturating_add(range.budget as u64));
        let from = stream.runs.partition_point(|run| run.end().position < range.from);
        let runs = stream.runs.iter().skip(from).take_while(|run| run.head.position <= end);
        let first = stream.runs.first().map(|run| (run.head.position, run.head.sequence));
        Self { range, detail, known, runs: runs.cloned().collect(), first }
    }

    /// The page, if it needs no look into the database.
    pub(crate) fn answer(&self) -> Option<Result<Page, StorageError>> {
        let Self { range, detail, .. } = *self;
        let nothing = range.from >= range.to;
        if nothing && (detail == Detail::Bytes || self.known == Known::Removed) {
            return Some(Ok(Page::default()));
        }
        let first = self.first.map(|(position, _)| position);
        match self.known {
            Known::Removed => return Some(Err(StorageError::Gone)),
            Known::Wholly if nothing || first.is_some_and(|first| first <= range.from) => {}
            Known::Wholly => return Some(Err(StorageError::Gone)),
            // Empty records at the very place where the recent ones begin may be in the database.
            Known::Partly if first.is_some_and(|first| first < range.from) => {}
            Known::Partly | Known::No => return None,
        }
        Some(self.with_recent(Vec::new()).map(|chunks| self.page(chunks, Vec::new())))
    }

    /// The page, with what the database has of it.
    pub(crate) fn complete(&self, view: &View) -> Result<Page, StorageError> {
        if let Some(answer) = self.answer() {
            return answer;
        }
        let chunks = self.with_recent(self.packed_bytes(view)?)?;
        let mut rows = Vec::new();
        if self.detail == Detail::Records {
            let ReadRange { lineage, from, .. } = self.range;
            let before = self.first.map(|(_, sequence)| sequence);
            rows = rows_touching(&view.tree, lineage, (from, from + len(&chunks)), before)?;
        }
        Ok(self.page(chunks, rows))
    }

    /// Where the page ends at the latest.
    fn end(&self) -> u64 {
        self.range.to.min(self.range.from.saturating_add(self.range.budget as u64))
    }

    /// The bytes of the page that the database has.
    fn packed_bytes(&self, view: &View) -> Result<Vec<Bytes>, StorageError> {
        let (lineage, from) = (self.range.lineage, self.range.from);
        let end = self.first.map_or(self.end(), |(first, _)| self.end().min(first));
        let (mut chunks, mut position) = (Vec::new(), from);
        let mut found = if from < end { chunk::holding(&view.tree, lineage, from)? } else { None };
        while position < end {
            let Some(chunk) = found else {
                missing(view, lineage, position)?;
                break;
            };
            let piece = chunk.within(position, end);
            // A chunk of empty records alone has no bytes.
            if !piece.is_empty() {
                chunks.push(piece);
            }
            position = chunk.end();
            found = if position < end { chunk::at(&view.tree, chunk.next())? } else { None };
        }
        Ok(chunks)
    }

    /// The bytes of the page, given those that the database has.
    fn with_recent(&self, mut chunks: Vec<Bytes>) -> Result<Vec<Bytes>, StorageError> {
        let (mut position, end) = (self.range.from + len(&chunks), self.end());
        let mut recent = Vec::new();
        for run in &self.runs {
            let (start, after) = (run.head.position, run.end().position.min(end));
            if start <= position && position < after {
                // Both differences are at most the length of the payload.
                let within = (position - start) as usize..(after - start) as usize;
                recent.push(run.batch.payload().slice(within));
                position = after;
            }
        }
        gather(&mut chunks, recent);
        if chunks.is_empty() && self.range.from < self.range.to {
            return Err(StorageError::Gone);
        }
        Ok(chunks)
    }

    /// The page, given all its bytes and the rows that the database has.
    fn page(&self, chunks: Vec<Bytes>, mut rows: Vec<RecordMeta>) -> Page {
        if self.detail == Detail::Records {
            let (from, to) = (self.range.from, self.range.from + len(&chunks));
            let recent = self.runs.iter().flat_map(|run| run::rows(run.head, run.batch.records()));
            rows.extend(recent.filter(|row| touches(row, from, to)));
        }
        Page { chunks, records: rows }
    }
}

fn len(chunks: &[Bytes]) -> u64 {
    chunks.iter().map(|chunk| chunk.len() as u64).sum()
}

/// Appends pieces, small neighbours in one.
fn gather(chunks: &mut Vec<Bytes>, pieces: Vec<Bytes>) {
    let mut small = BytesMut::new();
    for piece in pieces {
        if piece.len() < PIECE_BYTES {
            small.extend_from_slice(&piece);
            continue;
        }
        if !small.is_empty() {
            chunks.push(small.split().freeze());
        }
        chunks.push(piece);
    }
    if !small.is_empty() {
        chunks.push(small.freeze());
    }
}

/// Why there is no block where one was looked for: damage is an error, everything else means that the bytes are gone.
pub(super) fn missing(view: &View, lineage: Lineage, position: u64) -> Result<(), StorageError> {
    if view.recent.read().stream(lineage).is_some_and(|stream| stream.removed) {
        return Ok(());
    }
    let row = Row::Lineage(lineage);
    let Some(stored) = view.tree.read::<StoredLineage>(row)? else { return Ok(()) };
    let (base, kept) = (stored.base(), stored.kept());
    let key = stored.into_key().map_err(Unacceptable::at(&row.key()))?;
    let slot = view.slot(&key)?;
    let Some(state) = slot.state().filter(|state| state.ranges.own() == lineage) else {
        return Ok(());
    };
    let needed = match (&slot, kept) {
        (Slot::SoftDeleted(_), Some(kept)) => kept,
        // Soft-deleted just now: what is not needed may be gone already.
        (Slot::SoftDeleted(_), None) => base.position,
        _ => state.tail.position,
    };
    if (base.position..needed).contains(&position) {
        let lineage = lineage.0;
        return Err(StorageError::Corrupt(format!(
            "the chunk of lineage {lineage} with position {position} is missing"
        )));
    }
    Ok(())
}
