//! A committed unit. Its payload stands apart, behind what is said of it.

use bytes::Bytes;
use headwater_core::change::Unit;
use serde::{Deserialize, Serialize, Serializer};

use super::Unacceptable;
use super::effect::StoredChange;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// In its space.
    pub(crate) space: u64,
    /// Its first byte in its stream.
    pub(crate) position: u64,
    /// Among the records of its stream.
    pub(crate) sequence: u64,
}

/// A unit, and the place of the first record of each of its changes that has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupUnit {
    pub(crate) unit: Unit,
    pub(crate) first: Vec<Option<Place>>,
}

/// What is said of a unit, as it is written: one change after the other takes its stored form, and none is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaidUnit<'u>(pub(crate) &'u GroupUnit);

impl Serialize for SaidUnit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let changes = self.0.unit.changes.iter().zip(&self.0.first);
        serializer.collect_seq(changes.map(|(change, first)| StoredChange::of(change, *first)))
    }
}

/// What is said of a unit, as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct StoredUnit(Vec<StoredChange>);

impl StoredUnit {
    /// The unit, whose payload comes next in what is left.
    pub(crate) fn into_unit(self, payload: &mut PayloadLeft) -> Result<GroupUnit, Unacceptable> {
        let place = |(space, position, sequence)| Place { space, position, sequence };
        let first = self.0.iter().map(|change| change.first.map(place)).collect();
        let changes = self.0.into_iter().map(|change| change.into_change(payload));
        Ok(GroupUnit { unit: Unit { changes: changes.collect::<Result<_, _>>()? }, first })
    }
}

/// Payload that was not given to a batch yet.
pub(crate) struct PayloadLeft(pub(crate) Bytes);

impl PayloadLeft {
    pub(super) fn take(&mut self, len: u64) -> Result<Bytes, Unacceptable> {
        match usize::try_from(len) {
            Ok(len) if len <= self.0.len() => Ok(self.0.split_to(len)),
            _ => Err(Unacceptable),
        }
    }
}
