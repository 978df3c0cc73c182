//! A committed unit. Its payload stands apart, behind what is said of it.

use bytes::Bytes;
use headwater_core::change::Unit;
use serde::{Deserialize, Serialize};

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

/// What is said of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredUnit(Vec<StoredChange>);

impl StoredUnit {
    /// The stored form.
    pub(crate) fn of(unit: &GroupUnit) -> Self {
        let changes = unit.unit.changes.iter().zip(&unit.first);
        Self(changes.map(|(change, first)| StoredChange::of(change, *first)).collect())
    }

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
