//! Everything that can be read of a small store, as one value that can be compared.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::producer::ProducerState;
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::storage::{Detail, ReadRange};
use headwater_core::{ProducerId, Slot, Storage, StreamKey};

use super::SledStorage;
use crate::testkit::{Failure, Harness, Restarts, Rig, make};

/// A stream as it was found.
type Stream = (StreamKey, Slot, Bytes, Vec<RecordMeta>, Vec<Option<ProducerState>>);

/// Everything that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sight {
    streams: Vec<Stream>,
    spaces: Vec<Vec<Entry>>,
    listed: Vec<StreamKey>,
    expiring: Vec<(u64, StreamKey)>,
}

/// What to look at.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) streams: Vec<StreamKey>,
    pub(super) spaces: Vec<String>,
    pub(super) producers: Vec<ProducerId>,
}

impl Places {
    /// Looks at all of it.
    pub(super) fn look(&self, rig: &Rig<'_>) -> Result<Sight, Failure> {
        let streams =
            self.streams.iter().map(|key| self.look_at(rig, key)).collect::<Result<_, _>>()?;
        let spaces = self.spaces.iter().map(|space| rig.space(space, 1 << 20));
        Ok(Sight {
            streams,
            spaces: spaces.collect::<Result<_, _>>()?,
            listed: rig.list("", None, 1000)?.into_iter().map(|listed| listed.key).collect(),
            expiring: rig.expiring(u64::MAX - 1, 1000)?,
        })
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
pub(super) struct Given(pub(super) Arc<SledStorage>);

impl Harness for Given {
    fn open(&self) -> Arc<dyn Storage> {
        self.0.clone()
    }

    fn restarts(&self) -> Restarts {
        Restarts::Never
    }
}

/// A key in the default store.
pub(super) fn key(path: &str) -> StreamKey {
    make::key(path).unwrap()
}
