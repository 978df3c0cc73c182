//! Retention: looking up what a stream has beyond its policy, and giving it up.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use headwater_core::retention::{Excess, Found, Retention, Wanted};
use headwater_core::storage::StorageError;
use headwater_core::{AccessError, StreamKey, StreamState, Timestamp, decide};

use crate::error::Failure;
use crate::read::{boundary, look, seek};
use crate::shard::Shard;

/// What new streams keep whose creation does not say it. A stream that exists keeps what it kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpaceRetention {
    /// Payload bytes.
    pub bytes: UsualLimit,
    /// Seconds since a record was committed.
    pub seconds: UsualLimit,
}

/// A limit by space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsualLimit {
    /// By canonical name; the root's is empty.
    pub spaces: BTreeMap<String, NonZeroU64>,
    /// In all other spaces.
    pub elsewhere: Option<NonZeroU64>,
}

impl UsualLimit {
    fn of(&self, space: &str) -> Option<NonZeroU64> {
        self.spaces.get(space).copied().or(self.elsewhere)
    }
}

impl SpaceRetention {
    /// What is usual in a space.
    #[must_use]
    pub fn of(&self, space: &str) -> Retention {
        Retention { bytes: self.bytes.of(space), seconds: self.seconds.of(space) }
    }

    /// What a creation wants, given what it says.
    pub(crate) fn wanted(&self, key: &StreamKey, said: Wanted) -> Wanted {
        match said {
            Wanted::Usual(usual) if !usual.is_limited() => Wanted::Usual(self.of(key.space())),
            said => said,
        }
    }
}

/// What came of looking at a stream that may have too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It has no more than it may.
    All,
    /// What was too much is given up; of what was not, more is known.
    Less,
}

/// Gives up what a stream has beyond its policy.
pub(crate) async fn retain(
    shard: &Arc<Shard>,
    key: &StreamKey,
    now: Timestamp,
) -> Result<Kept, Failure<AccessError>> {
    let state = look(shard, key).await?;
    let Some(excess) = state.excess(now) else { return Ok(Kept::All) };
    let found = match find(shard, &state, excess).await {
        // It gave something up meanwhile, or is gone: the next look tells.
        Err(StorageError::Gone) => return Ok(Kept::Less),
        found => found?,
    };
    let lineage = state.ranges.own();
    let done = shard.run(|view, now| decide::retain(view, key, lineage, found, now)).await?;
    shard.metrics.given_up_bytes.increment(done.outcome);
    Ok(Kept::Less)
}

/// Looks up in the record table what a state says is to go.
async fn find(shard: &Shard, state: &StreamState, excess: Excess) -> Result<Found, StorageError> {
    let mut found = Found::default();
    if let Some(byte) = excess.byte {
        found.behind_byte = boundary::end_of(shard, state, byte).await?;
    }
    if let Some(before) = excess.before {
        let position = seek::since(shard, state, before).await?;
        if let Some(last) = position.checked_sub(1).filter(|last| *last >= state.floor.position) {
            found.behind_old = boundary::end_of(shard, state, last).await?;
        }
        found.oldest = boundary::record_at(shard, state, position).await?.map(|record| record.at);
    }
    Ok(found)
}
