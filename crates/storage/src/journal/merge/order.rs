//! The order of spaces, written anew: without runs of lineages that are gone and those that were given up, in stretches that are as long as they may be.

use std::collections::HashMap;
use std::ops::Range;

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, StoreId};

use super::super::chunks::{Ahead, ChunkWriter, OrderRef, RowEdit};
use super::super::index::Index;
use crate::local::frame::{Damage, Verify};
use crate::local::row::Row;
use crate::local::rows::Rows;
use crate::local::run::Run;
use crate::local::stored::{StoredLineage, decode};

/// Records that are in memory at once, about: a few times what the longest stretch has.
const RECORDS: usize = 64 * 1024;

/// Lineages that are remembered.
const LINEAGES: usize = 64 * 1024;

/// A part of the order of one space.
#[derive(Debug)]
struct Part {
    store: StoreId,
    space: String,
    span: Range<u64>,
    runs: Vec<Run>,
    records: usize,
}

/// What is written.
#[derive(Debug)]
pub(super) struct Orders<'i> {
    index: &'i Index,
    open: Option<Part>,
    /// The last sequence of a lineage that is not kept.
    given_up: HashMap<Lineage, u64>,
}

impl<'i> Orders<'i> {
    pub(super) fn new(index: &'i Index) -> Self {
        Self { index, open: None, given_up: HashMap::new() }
    }

    /// Takes the stretch that a row leads to.
    pub(super) fn take(
        &mut self,
        writer: &mut ChunkWriter,
        row: &RowEdit,
        ahead: &mut Ahead<'_>,
    ) -> Result<(), StorageError> {
        let corrupt = || StorageError::Corrupt(Damage::Content.at(&row.key));
        let value = row.value.as_deref().ok_or_else(corrupt)?;
        let at: OrderRef = decode(&row.key, value, Verify::Checksum)?;
        let name = Row::parse(&row.key).ok_or_else(corrupt)?;
        let Row::Order { store, space, first } = name else { return Err(corrupt()) };
        let stretch = ahead.order(&name, &at)?;
        let follows = |part: &Part| {
            (part.store, part.space.as_str(), part.span.end) == (store, space, first.0)
                && part.records < RECORDS
        };
        if !self.open.as_ref().is_some_and(follows) {
            self.flush(writer)?;
        }
        let mut runs = stretch.runs;
        let mut failed = Ok(());
        runs.retain(|run| {
            let gone = self.is_gone(run);
            gone.map_or_else(
                |error| {
                    failed = Err(error);
                    true
                },
                |gone| !gone,
            )
        });
        failed?;
        let part = self.open.get_or_insert_with(|| Part {
            store,
            space: space.to_owned(),
            span: first.0..first.0,
            runs: Vec::new(),
            records: 0,
        });
        part.span.end = stretch.to;
        part.records += runs.iter().map(|run| run.records.len()).sum::<usize>();
        part.runs.append(&mut runs);
        Ok(())
    }

    /// Writes what was taken.
    pub(super) fn flush(&mut self, writer: &mut ChunkWriter) -> Result<(), StorageError> {
        let Some(Part { store, space, span, runs, .. }) = self.open.take() else { return Ok(()) };
        let runs = runs.iter().map(|run| (run.head, run.records.as_slice()));
        writer.order((store, &space), (span.start, span.end), runs)
    }

    fn is_gone(&mut self, run: &Run) -> Result<bool, StorageError> {
        let end = run.end().sequence;
        let lineage = run.head.lineage;
        if let Some(last) = self.given_up.get(&lineage) {
            return Ok(end.saturating_sub(1) <= *last);
        }
        if self.given_up.len() >= LINEAGES {
            self.given_up.clear();
        }
        let stored = self.index.read::<StoredLineage>(Row::Lineage(lineage))?;
        let last = stored.map_or(u64::MAX, |stored| stored.base().sequence);
        self.given_up.insert(lineage, last);
        Ok(end.saturating_sub(1) <= last)
    }
}
