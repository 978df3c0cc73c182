//! A page of one lineage.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use headwater_core::record::RecordMeta;
use headwater_core::storage::{Detail, Page, Portion, ReadRange, StorageError};
use headwater_core::{Lineage, Slot};

use super::super::memory::Known;
use super::super::recent::RecentRun;
use super::super::row::Row;
use super::super::rows::{Packed, Rows};
use super::super::run;
use super::super::stored::{StoredLineage, Unacceptable};
use super::super::view::View;

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
    /// Position and sequence of the first record that is recent: before it, everything is packed.
    first: Option<(u64, u64)>,
}

impl Snapshot {
    /// Copies what is recent.
    pub(crate) fn take<P: Rows>(view: &View<P>, range: ReadRange, detail: Detail) -> Self {
        let recent = view.recent.read();
        let known = recent.known(range.lineage);
        if matches!(known, Known::No | Known::Removed) {
            return Self { range, detail, known, runs: Vec::new(), first: None };
        }
        let first = recent.runs(range.lineage).next();
        let first = first.map(|run| (run.head.position, run.head.sequence));
        // What is packed before them may be left where it is, and then all of the budget is theirs.
        let begin = first.map_or(range.from, |(first, _)| first.max(range.from));
        let end = range.to.min(begin.saturating_add(range.budget as u64));
        let runs = recent.runs_from(range.lineage, range.from);
        let runs = runs.take_while(|run| run.head.position <= end).cloned().collect();
        Self { range, detail, known, runs, first }
    }

    /// The page, if it needs no look at packed rows.
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
            // Empty records at the very place where the recent ones begin may be packed.
            Known::Partly if first.is_some_and(|first| first < range.from) => {}
            Known::Partly | Known::No => return None,
        }
        Some(self.with_recent(Vec::new()).map(|chunks| self.page(chunks, Vec::new())))
    }

    /// The page, with what is packed of it.
    pub(crate) fn complete<P: Packed>(&self, view: &View<P>) -> Result<Page, StorageError> {
        if let Some(answer) = self.answer() {
            return answer;
        }
        let lineage = self.range.lineage;
        let packed =
            self.packed(view, self.end(), |from, to| view.packed.bytes(lineage, from, to))?;
        let chunks = self.with_recent(packed)?;
        let mut rows = Vec::new();
        if self.detail == Detail::Records {
            let ReadRange { lineage, from, .. } = self.range;
            let before = self.first.map(|(_, sequence)| sequence);
            rows = view.packed.records(lineage, (from, from + len(&chunks)), before)?;
        }
        Ok(self.page(chunks, rows))
    }

    /// What is in the page, for who only sends it on.
    pub(crate) fn portions<P: Packed>(&self, view: &View<P>) -> Result<Vec<Portion>, StorageError> {
        if let Some(answer) = self.answer() {
            return answer.map(as_portions);
        }
        let ReadRange { lineage, from, to, budget } = self.range;
        let budget = budget as u64;
        let packed =
            self.packed(view, to, |from, to| view.packed.portions(lineage, (from, to), budget))?;
        let position = from + packed.iter().map(Portion::len).sum::<u64>();
        let left = budget.saturating_sub(packed.iter().map(Portion::in_memory).sum());
        let mut recent = Vec::new();
        gather(&mut recent, self.recent_from(position, to.min(position.saturating_add(left))));
        let portions: Vec<Portion> =
            packed.into_iter().chain(recent.into_iter().map(Portion::from)).collect();
        if portions.is_empty() && self.range.from < self.range.to {
            return Err(StorageError::Gone);
        }
        Ok(portions)
    }

    /// Where the page ends at the latest.
    fn end(&self) -> u64 {
        self.range.to.min(self.range.from.saturating_add(self.range.budget as u64))
    }

    /// What there is up to an end that is packed.
    fn packed<P: Rows, T>(
        &self,
        view: &View<P>,
        end: u64,
        read: impl FnOnce(u64, u64) -> Result<Vec<T>, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        let (lineage, from) = (self.range.lineage, self.range.from);
        let end = self.first.map_or(end, |(first, _)| end.min(first));
        if from >= end {
            return Ok(Vec::new());
        }
        let chunks = read(from, end)?;
        // What ends early ends before what cannot be had; who asks for that is told why.
        if chunks.is_empty() {
            missing(view, lineage, from)?;
        }
        Ok(chunks)
    }

    /// The bytes of the page, given those that are packed.
    fn with_recent(&self, mut chunks: Vec<Bytes>) -> Result<Vec<Bytes>, StorageError> {
        let recent = self.recent_from(self.range.from + len(&chunks), self.end());
        gather(&mut chunks, recent);
        if chunks.is_empty() && self.range.from < self.range.to {
            return Err(StorageError::Gone);
        }
        Ok(chunks)
    }

    /// The bytes from a position to an end, as far as they are recent.
    fn recent_from(&self, mut position: u64, end: u64) -> Vec<Bytes> {
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
        recent
    }

    /// The page, given all its bytes and the rows that are packed.
    fn page(&self, chunks: Vec<Bytes>, mut rows: Vec<RecordMeta>) -> Page {
        if self.detail == Detail::Records {
            let (from, to) = (self.range.from, self.range.from + len(&chunks));
            let recent = self.runs.iter().flat_map(|run| run::rows(run.head, run.batch.records()));
            rows.extend(recent.filter(|row| touches(row, from, to)));
        }
        Page { chunks, records: rows }
    }
}

/// A page as it is sent on.
pub(crate) fn as_portions(page: Page) -> Vec<Portion> {
    page.chunks.into_iter().map(Portion::from).collect()
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

/// Whether a record belongs to a page: with a byte in it, or empty and from its start to its end.
pub(crate) fn touches(row: &RecordMeta, from: u64, to: u64) -> bool {
    match row.len {
        0 => (from..=to).contains(&row.position),
        _ => row.position < to && row.end() > from,
    }
}

/// Why there are no bytes where some were looked for: damage is an error, everything else means that the bytes are gone.
pub(crate) fn missing<P: Rows>(
    view: &View<P>,
    lineage: Lineage,
    position: u64,
) -> Result<(), StorageError> {
    if view.recent.read().known(lineage) == Known::Removed {
        return Ok(());
    }
    let row = Row::Lineage(lineage);
    let Some(stored) = view.packed.read::<StoredLineage>(row)? else { return Ok(()) };
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
    // Given up just now: it may be gone already.
    let begins = match state.forks {
        0 => state.floor.position.max(base.position),
        _ => base.position,
    };
    if (begins..needed).contains(&position) {
        let lineage = lineage.0;
        return Err(StorageError::Corrupt(format!(
            "the bytes of lineage {lineage} at position {position} are missing"
        )));
    }
    Ok(())
}
