//! The stored form of a block's table: everything about its records but their bytes.
//!
//! Varints: version, back, lead, number of runs; then columns: units, timestamps and space sequences of the runs, how many
//! records each has, and the lengths of all records; then how many have metadata, and for each its index, counted from the
//! one before, and the map. Where the block begins, and how many records begin in it, is known before.

use std::sync::Arc;

use headwater_core::{BatchRecord, Metadata};

use super::column::{Left, fold, put, put_column, put_steps, unfold};
use super::place::Start;
use crate::local::run::{Head, Run};
use crate::local::stored::{Table, Unacceptable};

const VERSION: u64 = 1;

/// The stored form of a table.
pub(super) fn encode(table: &Table) -> Result<Vec<u8>, postcard::Error> {
    let mut out = Vec::new();
    let runs = &table.runs;
    [VERSION, table.back, table.lead, runs.len() as u64].iter().for_each(|n| put(&mut out, *n));
    put_heads(&mut out, 0, runs);
    let records = || runs.iter().flat_map(|run| &run.records);
    let tagged = || (0u64..).zip(records()).filter_map(|(at, r)| Some((at, r.metadata.as_ref()?)));
    put(&mut out, tagged().count() as u64);
    let mut before = 0;
    for (at, map) in tagged() {
        put(&mut out, at - std::mem::replace(&mut before, at));
        out = postcard::to_extend(&**map, out)?;
    }
    Ok(out)
}

/// The table of a block that begins somewhere, and in which so many records begin.
pub(super) fn decode(bytes: &[u8], start: Start, records: usize) -> Result<Table, Unacceptable> {
    let mut left = Left(bytes);
    if left.number()? != VERSION {
        return Err(Unacceptable);
    }
    let (back, lead) = (left.number()?, left.number()?);
    let count = left.count(records)?;
    let position = start.position.checked_add(lead).ok_or(Unacceptable)?;
    let heads = take_heads(&mut left, 0, count, records)?;
    let mut all = heads.records;
    for _ in 0..left.count(records)? {
        let index = left.count(records)?;
        let rest = all.tagging.checked_add(index).ok_or(Unacceptable)?;
        let record = all.list.get_mut(rest).ok_or(Unacceptable)?;
        let (map, after) =
            postcard::take_from_bytes::<Metadata>(left.0).map_err(|_| Unacceptable)?;
        (left, all.tagging) = (Left(after), rest);
        record.metadata = Some(Arc::new(map));
    }
    left.end()?;
    let mut next = Head {
        lineage: start.lineage,
        sequence: start.sequence,
        position,
        space: 0,
        unit: 0,
        at: 0,
    };
    let mut list = all.list.into_iter();
    let read = |at: At| {
        let records: Vec<_> = list.by_ref().take(at.records).collect();
        let head = Head { space: at.space, unit: at.unit, at: at.at, ..next };
        next = head.after(&records);
        Run { head, records }
    };
    Ok(Table { back, lead, runs: heads.runs.into_iter().map(read).collect() })
}

/// What the columns say of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) unit: u64,
    pub(super) at: u64,
    pub(super) space: u64,
    pub(super) records: usize,
}

/// What the columns say of some runs and their records.
pub(super) struct Heads {
    pub(super) runs: Vec<At>,
    pub(super) records: Records,
}

/// Records, and which of them was the last one given metadata.
pub(super) struct Records {
    pub(super) list: Vec<BatchRecord>,
    pub(super) tagging: usize,
}

/// Appends the columns about some runs, of which the first follows a space sequence.
pub(super) fn put_heads(out: &mut Vec<u8>, first: u64, runs: &[Run]) {
    put_steps(out, runs.iter().map(|run| run.head.unit));
    put_steps(out, runs.iter().map(|run| run.head.at));
    // Where a space has one stream after the other, its sequence moves on as the units do.
    let (mut space, mut unit) = (first, 0u64);
    let gap = |run: &Run| {
        let steps = run.head.unit.wrapping_sub(std::mem::replace(&mut unit, run.head.unit));
        let gap = run.head.space.wrapping_sub(std::mem::replace(&mut space, run.end().space));
        fold(gap.wrapping_sub(steps))
    };
    put_column(out, runs.iter().map(gap));
    put_column(out, runs.iter().map(|run| run.records.len() as u64));
    put_column(out, runs.iter().flat_map(|run| &run.records).map(|record| record.len));
}

/// Reads the columns about so many runs, which have so many records.
pub(super) fn take_heads(
    left: &mut Left<'_>,
    first: u64,
    runs: usize,
    records: usize,
) -> Result<Heads, Unacceptable> {
    let (units, times) = (left.steps(runs)?, left.steps(runs)?);
    let (gaps, counts) = (left.column(runs)?, left.column(runs)?);
    let total = counts.iter().try_fold(0u64, |sum, count| sum.checked_add(*count));
    if total != Some(records as u64) || counts.contains(&0) {
        return Err(Unacceptable);
    }
    let lens = left.column(records)?;
    lens.iter().try_fold(0u64, |sum, len| sum.checked_add(*len)).ok_or(Unacceptable)?;
    let (mut space, mut before) = (first, 0u64);
    let mut heads = Vec::new();
    for (((unit, at), gap), count) in units.into_iter().zip(times).zip(gaps).zip(counts) {
        let gap = unfold(gap).wrapping_add(unit.wrapping_sub(std::mem::replace(&mut before, unit)));
        let begins = space.wrapping_add(gap);
        space = begins.checked_add(count).ok_or(Unacceptable)?;
        // At most the records that were expected.
        heads.push(At { unit, at, space: begins, records: count as usize });
    }
    let list = lens.into_iter().map(BatchRecord::plain).collect();
    Ok(Heads { runs: heads, records: Records { list, tagging: 0 } })
}
