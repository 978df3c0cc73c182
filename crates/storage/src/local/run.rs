//! Runs: records that were appended together, and so are numbered together in their stream, their space, and in bytes.

use std::sync::Arc;

use headwater_core::record::RecordMeta;
use headwater_core::storage::{SpaceSequence, UnitNumber};
use headwater_core::{BatchRecord, Lineage, Timestamp};

/// What is known of a run beside its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whose records.
    pub(crate) lineage: Lineage,
    /// The first record's sequence.
    pub(crate) sequence: u64,
    /// The first record's position.
    pub(crate) position: u64,
    /// The first record's space sequence.
    pub(crate) space: u64,
    /// The unit that committed them.
    pub(crate) unit: u64,
    /// When it did.
    pub(crate) at: u64,
}

impl Head {
    /// The head of what follows the first of these records.
    pub(crate) fn after(self, records: &[BatchRecord]) -> Self {
        let count = records.len() as u64;
        Self {
            sequence: self.sequence.saturating_add(count),
            position: self.position.saturating_add(bytes(records)),
            space: self.space.saturating_add(count),
            ..self
        }
    }
}

/// Bytes of some records.
pub(crate) fn bytes(records: &[BatchRecord]) -> u64 {
    records.iter().map(|record| record.len).sum()
}

/// The rows of the records of a run.
pub(crate) fn rows<'r>(
    head: Head,
    records: &'r [BatchRecord],
) -> impl Iterator<Item = RecordMeta> + 'r {
    let mut next = head;
    records.iter().map(move |record| {
        let here = next;
        next = here.after(std::slice::from_ref(record));
        RecordMeta {
            sequence: here.sequence,
            space_sequence: SpaceSequence(here.space),
            position: here.position,
            len: record.len,
            at: Timestamp(here.at),
            unit: UnitNumber(here.unit),
            metadata: record.metadata.as_ref().map(Arc::clone),
        }
    })
}

/// A run that was read back, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) head: Head,
    pub(crate) records: Vec<BatchRecord>,
}

impl Run {
    /// The head of what follows it.
    pub(crate) fn end(&self) -> Head {
        self.head.after(&self.records)
    }
}

/// Bytes that a run takes in a table beside its records, at most.
pub(crate) const RUN_BYTES: usize = 32;

/// What a table is to tell about metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metadata {
    /// All of it.
    Inline,
    /// Whether there is any.
    Elsewhere,
}

/// Bytes that a record takes in a table, at most.
pub(crate) fn cost(record: &BatchRecord, metadata: Metadata) -> usize {
    let len = (70 - record.len.leading_zeros() as usize) / 7;
    let metadata = match (&record.metadata, metadata) {
        (Some(map), Metadata::Inline) => {
            8 + map.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
        }
        (Some(_), Metadata::Elsewhere) => 3,
        (None, _) => 0,
    };
    len + metadata
}

/// Divides a sequence of runs into stretches of the order of a space.
#[derive(Debug)]
pub(crate) struct Cutter {
    stretches: Vec<Vec<Run>>,
    open: Vec<Run>,
    size: usize,
    most: usize,
}

impl Cutter {
    /// Begins with a stretch that takes at most so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { stretches: Vec::new(), open: Vec::new(), size: 0, most }
    }

    /// Adds a run, which may begin in one stretch and end in a later one.
    pub(crate) fn push(&mut self, mut head: Head, mut records: &[BatchRecord]) {
        while !records.is_empty() {
            let fitting = self.fitting(records);
            let (now, later) = records.split_at_checked(fitting).unwrap_or((records, &[]));
            if !now.is_empty() {
                self.open.push(Run { head, records: now.to_vec() });
            }
            head = head.after(now);
            records = later;
            if !records.is_empty() {
                self.close();
            }
        }
    }

    /// The stretches; none is empty.
    pub(crate) fn finish(mut self) -> Vec<Vec<Run>> {
        self.close();
        self.stretches
    }

    /// How many of these records go into the open stretch, which takes at least one when it is empty.
    fn fitting(&mut self, records: &[BatchRecord]) -> usize {
        let mut size = self.size + RUN_BYTES;
        let mut count = 0;
        for record in records {
            let larger = size + cost(record, Metadata::Elsewhere);
            if larger > self.most && (count > 0 || !self.open.is_empty()) {
                break;
            }
            size = larger;
            count += 1;
        }
        self.size = size;
        count
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.stretches.push(std::mem::take(&mut self.open));
        }
        self.size = 0;
    }
}
