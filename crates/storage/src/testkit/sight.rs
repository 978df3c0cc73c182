//! Everything that can be read of a small store, as one value that can be compared.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::producer::ProducerState;
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::storage::{Detail, ReadRange};
use headwater_core::{ProducerId, Slot, Storage, StreamKey};

use super::{Failure, Harness, Restarts, Rig};

/// A stream as it was found: its key, what stands under it, its bytes, its records, and what it remembers of producers.
pub type Stream = (StreamKey, Slot, Bytes, Vec<RecordMeta>, Vec<Option<ProducerState>>);

/// Everything that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// Streams, in the order of the places.
    pub streams: Vec<Stream>,
    /// Spaces, in the order of the places.
    pub spaces: Vec<Vec<Entry>>,
    /// The catalogue.
    pub listed: Vec<StreamKey>,
    /// What ends at some time.
    pub expiring: Vec<(u64, StreamKey)>,
}

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Streams.
    pub streams: Vec<StreamKey>,
    /// Spaces of the default store.
    pub spaces: Vec<String>,
    /// Producers, each of which is asked for on each stream.
    pub producers: Vec<ProducerId>,
}

/// What was found of everything, part by part, where some of it cannot be read.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Streams, in the order of the places.
    pub streams: Vec<Result<Stream, Failure>>,
    /// Spaces, in the order of the places.
    pub spaces: Vec<Result<Vec<Entry>, Failure>>,
    /// The catalogue.
    pub listed: Result<Vec<StreamKey>, Failure>,
    /// What ends at some time.
    pub expiring: Result<Vec<(u64, StreamKey)>, Failure>,
}

impl Places {
    /// Looks at all of it.
    ///
    /// # Errors
    /// When some of it cannot be read.
    pub fn look(&self, rig: &Rig<'_>) -> Result<Sight, Failure> {
        let Parts { streams, spaces, listed, expiring } = self.look_at_each(rig);
        Ok(Sight {
            streams: streams.into_iter().collect::<Result<_, _>>()?,
            spaces: spaces.into_iter().collect::<Result<_, _>>()?,
            listed: listed?,
            expiring: expiring?,
        })
    }

    /// Looks at each part by itself.
    #[must_use]
    pub fn look_at_each(&self, rig: &Rig<'_>) -> Parts {
        let listed = rig.list("", None, 1000);
        Parts {
            streams: self.streams.iter().map(|key| self.look_at(rig, key)).collect(),
            spaces: self.spaces.iter().map(|space| rig.space(space, 1 << 20)).collect(),
            listed: listed.map(|listed| listed.into_iter().map(|listed| listed.key).collect()),
            expiring: rig.expiring(u64::MAX - 1, 1000),
        }
    }

    fn look_at(&self, rig: &Rig<'_>, key: &StreamKey) -> Result<Stream, Failure> {
        let slot = rig.slot(key)?;
        let rows = self.producers.iter().map(|id| Ok(rig.load(key, Some(id))?.producer));
        let producers = rows.collect::<Result<_, Failure>>()?;
        let Some(state) = slot.state() else {
            return Ok((key.clone(), slot, Bytes::new(), Vec::new(), producers));
        };
        let (floor, tail) = (state.floor, state.tail.position);
        let (mut position, mut bytes, mut records) = (floor.position, Vec::new(), Vec::new());
        // A soft-deleted stream is only read through its forks.
        while let (Slot::Live(_), Some(range)) = (&slot, state.ranges.holding(position, tail)) {
            let (piece, rows) = rig.read(range.lineage, position, range.to)?;
            bytes.extend(piece);
            records.extend(rows);
            position = range.to;
        }
        if floor.position == tail && matches!(slot, Slot::Live(_)) {
            let lineage = state.ranges.own();
            let range = ReadRange { lineage, from: tail, to: tail, budget: 1 };
            records = rig.page(range, Detail::Records)??.records;
        }
        // What is told of records that were given up is not promised.
        records.retain(|row| row.sequence > floor.sequence);
        Ok((key.clone(), slot, bytes.into(), records, producers))
    }
}

/// A handle that is open already.
#[derive(Clone)]
pub struct Given(pub Arc<dyn Storage>);

impl Harness for Given {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.0)
    }

    fn restarts(&self) -> Restarts {
        Restarts::Never
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").finish_non_exhaustive()
    }
}
