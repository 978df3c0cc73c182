//! Everything that can be read from one side, in terms that are the same on both.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::offset::{LineageRange, Ranges};
use headwater_core::producer::ProducerState;
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::state::Origin;
use headwater_core::storage::{Confirmation, SpaceSequence, UnitNumber, UnitResult};
use headwater_core::{Lineage, Slot, StreamKey, StreamState, Timestamp};

use super::command;
use super::script::{NAMES, PRODUCERS};
use super::side::Fate;
use crate::testkit::check::{Failure, Verdict, ensure_eq};
use crate::testkit::{Rig, make};

/// The spaces of the script's names.
const SPACES: [&str; 3] = ["", "s", "s/t"];

/// Which committed unit has which number: the first, the second …
#[derive(Debug, Default)]
pub(crate) struct Ranks(BTreeMap<u64, u64>);

impl Ranks {
    /// The first so many numbers, each for itself.
    #[cfg(all(test, feature = "journal"))]
    pub(crate) fn identity(units: u64) -> Self {
        Self((1..=units).map(|unit| (unit, unit)).collect())
    }

    /// Takes note of a result.
    pub(super) fn fate(&mut self, result: UnitResult) -> Fate {
        match result {
            UnitResult::Committed(stamp) => {
                let rank = self.0.len() as u64 + 1;
                self.0.insert(stamp.unit.0, rank);
                Fate::Committed { rank, at: stamp.at, first_records: stamp.first.len() }
            }
            other => Fate::Otherwise(other),
        }
    }

    fn of(&self, number: u64) -> Result<u64, Failure> {
        let rank = self.0.get(&number).copied();
        rank.ok_or_else(|| {
            Failure::new(format!("no unit was reported to have the number {number}"))
        })
    }

    fn lineage(&self, lineage: Lineage) -> Result<Lineage, Failure> {
        Ok(Lineage(self.of(lineage.0)?))
    }

    fn state(&self, state: &StreamState) -> Result<StreamState, Failure> {
        let inherited = state
            .ranges
            .inherited()
            .iter()
            .map(|range| Ok(LineageRange { lineage: self.lineage(range.lineage)?, ..*range }));
        let inherited = inherited.collect::<Result<Arc<[_]>, Failure>>()?;
        let ranges = Ranges::with_inherited(inherited, self.lineage(state.ranges.own())?);
        let origin = match state.origin.as_deref() {
            Some(origin) => {
                let source_lineage = self.lineage(origin.source_lineage)?;
                Some(Arc::new(Origin { source_lineage, ..origin.clone() }))
            }
            None => None,
        };
        Ok(StreamState { ranges, origin, ..state.clone() })
    }

    fn slot(&self, slot: &Slot) -> Result<Slot, Failure> {
        Ok(match slot {
            Slot::Absent => Slot::Absent,
            Slot::Live(state) => Slot::Live(Arc::new(self.state(state)?)),
            Slot::SoftDeleted(state) => Slot::SoftDeleted(Arc::new(self.state(state)?)),
        })
    }

    fn row(&self, row: RecordMeta, exact: bool) -> Result<RecordMeta, Failure> {
        let space_sequence = if exact { row.space_sequence } else { SpaceSequence(0) };
        Ok(RecordMeta { unit: UnitNumber(self.of(row.unit.0)?), space_sequence, ..row })
    }
}

/// A stream as it is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamSeen {
    pub(super) slot: Slot,
    pub(super) producers: Vec<Option<ProducerState>>,
    /// Each range of a live stream, as far as it is not given up: bytes and rows.
    pub(super) parts: Vec<(Bytes, Vec<RecordMeta>)>,
}

/// Everything that is seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(super) streams: Vec<(StreamKey, StreamSeen)>,
    spaces: Vec<Vec<Entry>>,
    listed: Vec<(StreamKey, StreamState)>,
    /// What is due, and the three that are due first: only their times, because equal ones come in any order.
    due: Vec<(u64, StreamKey)>,
    next_due: Vec<u64>,
}

impl Seen {
    /// Looks at everything. `exact`: space sequences are the same on both sides.
    pub(crate) fn of(
        rig: &Rig<'_>,
        ranks: &Ranks,
        now: Timestamp,
        exact: bool,
    ) -> Result<Self, Failure> {
        let mut streams = Vec::new();
        for name in 0..NAMES.len() {
            let key = command::key(name)?;
            let seen = stream(rig, ranks, &key, exact)?;
            streams.push((key, seen));
        }
        let mut spaces = Vec::new();
        for space in SPACES {
            let entries = rig
                .space(space, 30_000)?
                .into_iter()
                .map(|entry| Ok(Entry { meta: ranks.row(entry.meta, exact)?, ..entry }));
            spaces.push(entries.collect::<Result<Vec<_>, Failure>>()?);
        }
        let listed = rig
            .list("", None, 100)?
            .into_iter()
            .map(|listed| Ok((listed.key, ranks.state(&listed.state)?)));
        let listed = listed.collect::<Result<_, Failure>>()?;
        let mut due = rig.expiring(now.0, 100)?;
        due.sort();
        let next_due = rig.expiring(u64::MAX, 3)?.into_iter().map(|(at, _)| at).collect();
        Ok(Self { streams, spaces, listed, due, next_due })
    }

    /// That another side shows the same.
    pub(crate) fn same_as(&self, expected: &Self) -> Verdict {
        for ((key, seen), (_, expected)) in self.streams.iter().zip(&expected.streams) {
            ensure_eq!(seen.slot, expected.slot, "what stands under {key}");
            ensure_eq!(seen.producers, expected.producers, "producers of {key}");
            ensure_eq!(seen.parts, expected.parts, "bytes and rows of {key}");
        }
        for ((seen, expected), space) in self.spaces.iter().zip(&expected.spaces).zip(SPACES) {
            ensure_eq!(seen, expected, "entries of space {space:?}");
        }
        ensure_eq!(self.listed, expected.listed, "what is listed");
        ensure_eq!(self.due, expected.due, "what is due");
        ensure_eq!(self.next_due, expected.next_due, "what is due next");
        Ok(())
    }
}

fn stream(
    rig: &Rig<'_>,
    ranks: &Ranks,
    key: &StreamKey,
    exact: bool,
) -> Result<StreamSeen, Failure> {
    let slot = rig.slot(key)?;
    let version = slot.version();
    ensure_confirmed(rig, key, &slot)?;
    let mut producers = Vec::new();
    for id in 0..PRODUCERS.len() {
        let loaded = rig.load(key, Some(&command::producer_id(id)?))?;
        if loaded.slot.version() != version {
            return Err(Failure::new(format!("{key} changed while nobody wrote")));
        }
        producers.push(loaded.producer);
    }
    let mut parts = Vec::new();
    if let Slot::Live(state) = &slot {
        let (mut position, tail) = (state.floor.position, state.tail.position);
        while let Some(range) = state.ranges.holding(position, tail) {
            let (bytes, rows) = rig.read(range.lineage, position, range.to)?;
            // What is told of records that were given up is not promised.
            let rows = rows.into_iter().filter(|row| row.sequence > state.floor.sequence);
            let rows = rows.map(|row| ranks.row(row, exact));
            parts.push((bytes, rows.collect::<Result<Vec<_>, _>>()?));
            position = range.to;
        }
    }
    Ok(StreamSeen { slot: ranks.slot(&slot)?, producers, parts })
}

fn ensure_confirmed(rig: &Rig<'_>, key: &StreamKey, slot: &Slot) -> Verdict {
    let version = slot.version();
    let present = rig.confirm(&[(key.clone(), version)])?;
    ensure_eq!(present, Confirmation::Current, "the version of {key}");
    let later = rig.confirm(&[(key.clone(), make::next(version))])?;
    ensure_eq!(later, Confirmation::Stale, "a version that {key} has not reached");
    Ok(())
}
