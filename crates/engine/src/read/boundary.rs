//! Where records divide: a look into the record table, one record at a time.

use std::sync::Arc;

use headwater_core::decide::{BoundaryAnswer, BoundaryQuestion};
use headwater_core::record::RecordMeta;
use headwater_core::storage::{Detail, ReadRange, StorageError};
use headwater_core::{Slot, StreamState, Tail};

use crate::shard::Shard;

/// The record that holds the byte at a position, as this stream has it: cut where a fork diverged inside of it.
pub(crate) async fn record_at(
    shard: &Shard,
    state: &StreamState,
    position: u64,
) -> Result<Option<RecordMeta>, StorageError> {
    let Some(range) = state.ranges.holding(position, state.tail.position) else { return Ok(None) };
    let read = ReadRange { lineage: range.lineage, from: position, to: range.to, budget: 1 };
    let page = shard.storage.read(read, Detail::Records).await?;
    let holds = |record: &RecordMeta| record.position <= position && position < record.end();
    let record = page.records.into_iter().find(holds);
    Ok(record
        .map(|record| RecordMeta { len: record.len.min(range.to - record.position), ..record }))
}

/// Where the record ends that holds the byte at a position.
pub(crate) async fn end_of(
    shard: &Shard,
    state: &StreamState,
    position: u64,
) -> Result<Option<Tail>, StorageError> {
    let record = record_at(shard, state, position).await?.ok_or(StorageError::Gone)?;
    Ok(Some(Tail { position: record.end(), sequence: record.sequence }))
}

/// Answers a question about a stream's records. `None` when the incarnation asked about is not there any more.
pub(crate) async fn answer(
    shard: &Shard,
    question: &BoundaryQuestion,
) -> Result<Option<BoundaryAnswer>, StorageError> {
    match find(shard, question).await {
        Err(StorageError::Gone) => Ok(None),
        found => found,
    }
}

async fn find(
    shard: &Shard,
    question: &BoundaryQuestion,
) -> Result<Option<BoundaryAnswer>, StorageError> {
    let Some(state) = durable_with(shard, question).await? else { return Ok(None) };
    let Some(first) = record_at(shard, &state, question.position).await? else { return Ok(None) };
    let after = match question.records {
        0 => None,
        records => count_off(shard, &state, first.end(), records - 1).await?,
    };
    let (start, end, sequence) = (first.position, first.end(), first.sequence);
    Ok(Some(BoundaryAnswer { start, end, sequence, after }))
}

/// The position after so many more records, a page of the record table at a time. `None` when there are not that many.
async fn count_off(
    shard: &Shard,
    state: &StreamState,
    mut position: u64,
    mut records: u64,
) -> Result<Option<u64>, StorageError> {
    while records > 0 {
        let tail = state.tail.position;
        let Some(range) = state.ranges.holding(position, tail) else { return Ok(None) };
        let budget = shard.options.page_bytes;
        let read = ReadRange { lineage: range.lineage, from: position, to: range.to, budget };
        let page = shard.storage.read(read, Detail::Records).await?;
        let from = position;
        for record in page.records.iter().filter(|record| record.position >= from) {
            position = record.end().min(range.to);
            records -= 1;
            if records == 0 {
                break;
            }
        }
        if position == from {
            let lineage = range.lineage.0;
            return Err(StorageError::Corrupt(format!("no record at {from} of lineage {lineage}")));
        }
    }
    Ok(Some(position))
}

/// The durable state of the incarnation asked about, once it holds the position.
async fn durable_with(
    shard: &Shard,
    question: &BoundaryQuestion,
) -> Result<Option<Arc<StreamState>>, StorageError> {
    let fits = |state: &StreamState| {
        state.ranges.own() == question.lineage && question.position < state.tail.position
    };
    shard.settled(&question.key).await;
    let loaded = shard.storage.load(&question.key, None).await?;
    match loaded.slot {
        Slot::Live(state) if fits(&state) => Ok(Some(state)),
        _ => Ok(None),
    }
}
