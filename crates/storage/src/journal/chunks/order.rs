//! The stored form of a stretch of the order of a space.
//!
//! Runs of one stream that follow each other in the stream are a *strand*: where it begins is told once, each run names its
//! strand, and the rest follows from the lengths. Varints: version, numbers of records, runs, strands; then columns: lineage,
//! sequence and position of the strands, the strand of each run, the columns of a table about runs and records, and which
//! records have metadata. The metadata itself is in the table.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_core::{BatchRecord, Lineage};

use super::column::{Left, put, put_steps};
use super::table::{put_heads, take_heads};
use crate::local::run::{self, Head, Run};
use crate::local::stored::{Stretch, Unacceptable};

const VERSION: u64 = 1;

/// Bytes of a stretch, about: who asks for one entry reads and decodes one stretch.
const STRETCH_BYTES: usize = 16 * 1024;

/// Most records in a stretch, which bounds what decoding takes: many empty ones take no bytes at all.
pub(super) const STRETCH_RECORDS: usize = 16 * 1024;

/// What a run takes beside its records, about. It is less when streams take turns, and more where each has few.
const RUN_BYTES: usize = 8;

/// The stored form of a stretch that begins at a space sequence.
pub(super) fn encode(first: u64, runs: &[Run]) -> Vec<u8> {
    let mut strands: Vec<Head> = Vec::new();
    let mut latest: HashMap<Lineage, (u64, Head)> = HashMap::new();
    let mut named = Vec::with_capacity(runs.len());
    for run in runs {
        let known = latest.get(&run.head.lineage).filter(|(_, end)| {
            (end.sequence, end.position) == (run.head.sequence, run.head.position)
        });
        let strand = known.map_or(strands.len() as u64, |(strand, _)| *strand);
        if known.is_none() {
            strands.push(run.head);
        }
        latest.insert(run.head.lineage, (strand, run.end()));
        named.push(strand);
    }
    let records = || runs.iter().flat_map(|run| &run.records);
    let mut out = Vec::new();
    let counts = [VERSION, records().count() as u64, runs.len() as u64, strands.len() as u64];
    counts.iter().for_each(|number| put(&mut out, *number));
    put_steps(&mut out, strands.iter().map(|head| head.lineage.0));
    put_steps(&mut out, strands.iter().map(|head| head.sequence));
    put_steps(&mut out, strands.iter().map(|head| head.position));
    put_steps(&mut out, named);
    put_heads(&mut out, first, runs);
    let tagged = (0u64..).zip(records()).filter(|(_, record)| record.metadata.is_some());
    let tagged: Vec<u64> = tagged.map(|(index, _)| index).collect();
    put(&mut out, tagged.len() as u64);
    put_steps(&mut out, tagged);
    out
}

/// The stretch, given where it begins and ends.
pub(super) fn decode(bytes: &[u8], first: u64, to: u64) -> Result<Stretch, Unacceptable> {
    let mut left = Left(bytes);
    if left.number()? != VERSION {
        return Err(Unacceptable);
    }
    let records = left.count(STRETCH_RECORDS)?;
    let runs = left.count(records)?;
    let strands = left.count(runs)?;
    let (lineages, sequences) = (left.steps(strands)?, left.steps(strands)?);
    let positions = left.steps(strands)?;
    let begin = |((lineage, sequence), position)| Head {
        lineage: Lineage(lineage),
        sequence,
        position,
        space: 0,
        unit: 0,
        at: 0,
    };
    let mut strands: Vec<Head> =
        lineages.into_iter().zip(sequences).zip(positions).map(begin).collect();
    let named = left.steps(runs)?;
    let heads = take_heads(&mut left, first, runs, records)?;
    let mut list = heads.records.list;
    let tagged = left.count(records)?;
    for index in left.steps(tagged)? {
        let index = usize::try_from(index).map_err(|_| Unacceptable)?;
        list.get_mut(index).ok_or(Unacceptable)?.metadata = Some(Arc::default());
    }
    left.end()?;
    let (mut list, mut next) = (list.into_iter(), first);
    let mut stretch = Stretch { to, runs: Vec::new() };
    for (at, strand) in heads.runs.into_iter().zip(named) {
        let strand = usize::try_from(strand).ok().and_then(|strand| strands.get_mut(strand));
        let strand = strand.ok_or(Unacceptable)?;
        let head = Head { space: at.space, unit: at.unit, at: at.at, ..*strand };
        let records: Vec<_> = list.by_ref().take(at.records).collect();
        let run = Run { head, records };
        let end = run.end();
        if head.space < next || end.space > to {
            return Err(Unacceptable);
        }
        (*strand, next) = (end, end.space);
        stretch.runs.push(run);
    }
    if first <= to { Ok(stretch) } else { Err(Unacceptable) }
}

/// What is put into a stretch, and is not encoded yet.
#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) runs: Vec<Run>,
    bytes: usize,
    records: usize,
}

impl Open {
    /// Adds as many of these records as fit, at least one where nothing is in it yet, and returns how many.
    pub(super) fn take(&mut self, head: Head, records: &[BatchRecord]) -> usize {
        let (mut bytes, mut count) = (self.bytes + RUN_BYTES, 0);
        for record in records {
            bytes += run::cost(record, run::Metadata::Elsewhere);
            let full = bytes > STRETCH_BYTES || self.records + count >= STRETCH_RECORDS;
            if full && (count > 0 || !self.runs.is_empty()) {
                break;
            }
            (self.bytes, count) = (bytes, count + 1);
        }
        self.records += count;
        let now = records.get(..count).unwrap_or(records);
        if !now.is_empty() {
            self.runs.push(Run { head, records: now.to_vec() });
        }
        count
    }
}
