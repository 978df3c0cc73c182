//! Where a read begins that is not told by an offset: so many records from the end, or a point in time.
//!
//! Sequences and commit timestamps grow along a stream, so the record is found by halving: some forty looks into the
//! record table however long the stream is.

use headwater_core::record::RecordMeta;
use headwater_core::storage::StorageError;
use headwater_core::{StreamState, Timestamp};

use super::boundary;
use crate::shard::Shard;

/// The position of the first of the last so many records; of the first that is still there, if there are fewer.
pub(super) async fn last(
    shard: &Shard,
    state: &StreamState,
    records: u64,
) -> Result<u64, StorageError> {
    let before = state.tail.sequence.saturating_sub(records);
    first(shard, state, |record| record.sequence > before).await
}

/// The position of the first record that was committed then or later; the tail, if there is none.
pub(crate) async fn since(
    shard: &Shard,
    state: &StreamState,
    at: Timestamp,
) -> Result<u64, StorageError> {
    first(shard, state, |record| record.at >= at).await
}

/// The position of the first record for which something holds that holds for all after it too.
async fn first(
    shard: &Shard,
    state: &StreamState,
    holds: impl Fn(&RecordMeta) -> bool,
) -> Result<u64, StorageError> {
    // It does not hold before `low`, and it holds from `high` on.
    let (mut low, mut high) = (state.floor.position, state.tail.position);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = boundary::record_at(shard, state, middle).await?;
        let record = found.ok_or(StorageError::Gone)?;
        if holds(&record) {
            high = record.position.max(low);
        } else {
            low = record.end().min(high);
        }
    }
    Ok(low)
}
