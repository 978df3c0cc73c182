//! What a page holds: bytes in memory, or portions for who only sends them on.

use bytes::Bytes;
use headwater_core::StreamState;
use headwater_core::storage::{BoxFuture, Detail, Portion, ReadRange, Storage, StorageError};

use crate::shard::Shard;

/// What storage gives of a range.
pub(crate) trait Content: Sized + Send {
    fn read(
        storage: &dyn Storage,
        range: ReadRange,
    ) -> BoxFuture<'_, Result<Vec<Self>, StorageError>>;

    /// How many bytes.
    fn len(&self) -> u64;

    /// How many of them are in memory.
    fn in_memory(&self) -> u64;
}

impl Content for Bytes {
    fn read(
        storage: &dyn Storage,
        range: ReadRange,
    ) -> BoxFuture<'_, Result<Vec<Self>, StorageError>> {
        Box::pin(async move { Ok(storage.read(range, Detail::Bytes).await?.chunks) })
    }

    fn len(&self) -> u64 {
        Bytes::len(self) as u64
    }

    fn in_memory(&self) -> u64 {
        Content::len(self)
    }
}

impl Content for Portion {
    fn read(
        storage: &dyn Storage,
        range: ReadRange,
    ) -> BoxFuture<'_, Result<Vec<Self>, StorageError>> {
        storage.read_to_send(range)
    }

    fn len(&self) -> u64 {
        Portion::len(self)
    }

    fn in_memory(&self) -> u64 {
        Portion::in_memory(self)
    }
}

/// What a stream has from one position to another, as far as it can be had with so many bytes in memory.
pub(super) async fn some(
    shard: &Shard,
    state: &StreamState,
    (from, to): (u64, u64),
    budget: u64,
) -> Result<Vec<Portion>, StorageError> {
    let (mut portions, mut position, mut left) = (Vec::new(), from, budget);
    while position < to && left > 0 {
        let range =
            state.ranges.holding(position, state.tail.position).ok_or(StorageError::Gone)?;
        let budget = usize::try_from(left).unwrap_or(usize::MAX);
        let to = range.to.min(to);
        let read = ReadRange { lineage: range.lineage, from: position, to, budget };
        let more = match shard.storage.read_to_send(read).await {
            // Who goes on from there is told.
            Err(_) if !portions.is_empty() => break,
            more => more?,
        };
        if more.is_empty() {
            break;
        }
        position += more.iter().map(Portion::len).sum::<u64>();
        left = left.saturating_sub(more.iter().map(Portion::in_memory).sum());
        portions.extend(more);
    }
    Ok(portions)
}

/// All that a stream has from one position to another.
pub(super) async fn all<C: Content>(
    shard: &Shard,
    state: &StreamState,
    from: u64,
    to: u64,
) -> Result<Vec<C>, StorageError> {
    let mut chunks = Vec::new();
    let mut position = from;
    while position < to {
        let range =
            state.ranges.holding(position, state.tail.position).ok_or(StorageError::Gone)?;
        let end = range.to.min(to);
        let budget = usize::try_from(end - position).unwrap_or(usize::MAX);
        let read = ReadRange { lineage: range.lineage, from: position, to: end, budget };
        let more = C::read(&*shard.storage, read).await?;
        if more.is_empty() {
            let place = format!("nothing at position {position} of lineage {}", range.lineage.0);
            return Err(StorageError::Corrupt(place));
        }
        position += more.iter().map(C::len).sum::<u64>();
        chunks.extend(more);
    }
    Ok(chunks)
}
