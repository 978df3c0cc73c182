//! The record table of one lineage: a row per record, in order, without a heap allocation per row.

use std::sync::Arc;

use headwater_core::record::{BatchRecord, Metadata, RecordMeta};
use headwater_core::storage::{SpaceSequence, Stamp, UnitNumber};
use headwater_core::{Tail, Timestamp};

/// A record. Its sequence and its first position follow from the rows before it.
#[derive(Clone, Debug)]
struct Row {
    end: u64,
    space_sequence: u64,
    at: Timestamp,
    unit: UnitNumber,
    metadata: Option<Arc<Metadata>>,
}

/// The rows of the records that a lineage wrote itself, save the first ones, if those were released.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The tail before the first row that is here.
    base: Tail,
    /// How many rows were released before it. An index counts them too, so that it stays what it is.
    released: usize,
    rows: Vec<Row>,
}

impl Table {
    /// No rows yet; the first record follows this tail.
    pub(super) fn starting_at(base: Tail) -> Self {
        Self { base, released: 0, rows: Vec::new() }
    }

    /// The index of the next row.
    pub(super) fn len(&self) -> usize {
        self.released + self.rows.len()
    }

    /// The index of the first row after a sequence.
    pub(super) fn after(&self, sequence: u64) -> usize {
        let rows = usize::try_from(sequence.saturating_sub(self.base.sequence));
        self.released + rows.unwrap_or(usize::MAX).min(self.rows.len())
    }

    /// Appends the rows of a batch, numbered in its space from `first` on.
    pub(super) fn push(&mut self, records: &[BatchRecord], first: SpaceSequence, stamp: &Stamp) {
        if self.rows.is_empty() {
            // Most streams that are idle hold one batch: no room is reserved for a second one.
            self.rows.reserve_exact(records.len());
        }
        let mut end = self.rows.last().map_or(self.base.position, |row| row.end);
        for (space_sequence, record) in (first.0..).zip(records) {
            end += record.len;
            let metadata = record.metadata.clone();
            self.rows.push(Row { end, space_sequence, at: stamp.at, unit: stamp.unit, metadata });
        }
    }

    /// The row at an index.
    pub(super) fn get(&self, index: usize) -> Option<RecordMeta> {
        self.held(index.checked_sub(self.released)?)
    }

    /// The row at a place among those that are here.
    fn held(&self, place: usize) -> Option<RecordMeta> {
        let row = self.rows.get(place)?;
        let position = self.start(place);
        Some(RecordMeta {
            sequence: self.base.sequence + place as u64 + 1,
            space_sequence: SpaceSequence(row.space_sequence),
            position,
            len: row.end - position,
            at: row.at,
            unit: row.unit,
            metadata: row.metadata.clone(),
        })
    }

    fn start(&self, place: usize) -> u64 {
        let before = place.checked_sub(1).and_then(|place| self.rows.get(place));
        before.map_or(self.base.position, |row| row.end)
    }

    /// The rows of records with a byte in `from..to`, and of empty ones from `from` to `to`, both included.
    pub(super) fn touching(&self, from: u64, to: u64) -> Vec<RecordMeta> {
        let first = self.rows.partition_point(|row| row.end < from);
        (first..)
            .map_while(|place| self.held(place))
            .take_while(|row| row.position <= to)
            .filter(|row| row.len == 0 || (row.end() > from && row.position < to))
            .collect()
    }

    /// Where each record stands in the order of its space.
    pub(super) fn space_sequences(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().map(|row| row.space_sequence)
    }

    /// Where the records of some rows stand in the order of their space.
    pub(super) fn space_sequences_of(&self, rows: std::ops::Range<usize>) -> Vec<u64> {
        let place = |index: usize| index.saturating_sub(self.released);
        let rows = self.rows.get(place(rows.start)..place(rows.end)).unwrap_or_default();
        rows.iter().map(|row| row.space_sequence).collect()
    }

    /// Forgets the rows before an index, once they are a good part of all: each row is moved a few times at most.
    pub(super) fn release(&mut self, before: usize) {
        let gone = before.saturating_sub(self.released).min(self.rows.len());
        let Some(last) = gone.checked_sub(1).and_then(|last| self.rows.get(last)) else { return };
        if gone < self.rows.len() / 4 {
            return;
        }
        self.base = Tail { position: last.end, sequence: self.base.sequence + gone as u64 };
        self.released += gone;
        self.rows.drain(..gone);
        self.rows.shrink_to_fit();
    }

    /// Forgets the records that have nothing before a position: neither a byte, nor, being empty, their place.
    pub(super) fn truncate(&mut self, end: u64) {
        let mut kept = self.rows.partition_point(|row| row.end <= end);
        if kept < self.rows.len() && self.start(kept) < end {
            kept += 1;
        }
        self.rows.truncate(kept);
        self.rows.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths 0, 3, 0, 0, 5, 1, 0 from position 100, sequence 7: ends 100, 103, 103, 103, 108, 109, 109.
    fn table() -> Table {
        let mut table = Table::starting_at(Tail { position: 100, sequence: 7 });
        let records = [0, 3, 0, 0, 5, 1, 0].map(BatchRecord::plain);
        let stamp = |unit| Stamp { unit: UnitNumber(unit), at: Timestamp(unit), first: vec![] };
        table.push(&records[..4], SpaceSequence(11), &stamp(1));
        table.push(&records[4..], SpaceSequence(31), &stamp(2));
        table
    }

    fn sequences(rows: &[RecordMeta]) -> Vec<u64> {
        rows.iter().map(|row| row.sequence).collect()
    }

    #[test]
    fn rows_know_their_place() {
        let rows: Vec<_> = (0..table().len()).filter_map(|index| table().get(index)).collect();
        let places: Vec<_> = rows.iter().map(|row| (row.position, row.len)).collect();
        assert_eq!(places, [(100, 0), (100, 3), (103, 0), (103, 0), (103, 5), (108, 1), (109, 0)]);
        assert_eq!(sequences(&rows), [8, 9, 10, 11, 12, 13, 14]);
        let spaces: Vec<_> = rows.iter().map(|row| row.space_sequence.0).collect();
        assert_eq!(spaces, [11, 12, 13, 14, 31, 32, 33]);
    }

    #[test]
    fn a_page_touches_its_bytes_and_the_empty_records_up_to_its_end() {
        for (from, to, expected) in [
            (100, 100, vec![8]),
            (100, 101, vec![8, 9]),
            (101, 102, vec![9]),
            (101, 103, vec![9, 10, 11]),
            (103, 103, vec![10, 11]),
            (103, 104, vec![10, 11, 12]),
            (107, 109, vec![12, 13, 14]),
            (109, 109, vec![14]),
            (100, 109, vec![8, 9, 10, 11, 12, 13, 14]),
        ] {
            assert_eq!(sequences(&table().touching(from, to)), expected, "{from}..{to}");
        }
    }

    #[test]
    fn what_is_released_leaves_all_other_rows_as_they_were() {
        let whole = table();
        for released in 0..=whole.len() {
            let mut table = table();
            table.release(released);
            let first = table.released;
            assert_eq!(first, released);
            assert_eq!((table.len(), table.after(9)), (whole.len(), first.max(2)));
            for index in 0..whole.len() {
                let expected = whole.get(index).filter(|_| index >= first);
                assert_eq!(table.get(index), expected, "{released}, {index}");
            }
            let rest = table.space_sequences_of(first..whole.len());
            assert!(rest.into_iter().eq(table.space_sequences()));
        }
    }

    #[test]
    fn truncation_keeps_what_a_fork_there_inherits() {
        for (end, kept) in [(100, 1), (101, 2), (103, 4), (104, 5), (108, 5), (109, 7), (0, 0)] {
            let mut table = table();
            table.truncate(end);
            assert_eq!(table.len(), kept, "{end}");
        }
    }
}
