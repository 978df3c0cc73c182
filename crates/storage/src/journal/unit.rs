//! A unit as it stands in a frame of the log: what is said of it, and behind that the payload of all its records.

use bytes::Bytes;
use headwater_core::storage::StorageError;
use serde::{Deserialize, Serialize};

use super::log::{Batch, Frame, Kind};
use crate::local::stored::{GroupUnit, PayloadLeft, SaidUnit, StoredUnit, Unacceptable};

/// The version of the content.
const VERSION: u8 = 1;

/// What is said of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredFrame<U> {
    number: u64,
    at: u64,
    unit: U,
}

/// A unit that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommittedUnit {
    pub(super) number: u64,
    pub(super) at: u64,
    pub(super) unit: GroupUnit,
}

/// Turns units into frames. Its buffers are used again.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    said: Vec<u8>,
    payload: Vec<Bytes>,
}

impl Encoder {
    /// Adds a unit's frame to a batch.
    pub(super) fn push(
        &mut self,
        batch: &mut Batch,
        (number, at): (u64, u64),
        unit: &GroupUnit,
    ) -> Result<(), StorageError> {
        let stored = StoredFrame { number, at, unit: SaidUnit(unit) };
        self.said.clear();
        let said = postcard::to_extend(&stored, std::mem::take(&mut self.said));
        self.said = said.map_err(|error| cannot(number, &error))?;
        self.payload.clear();
        let batches = unit.unit.changes.iter().filter_map(|change| change.batch());
        self.payload.extend(batches.map(|batch| batch.payload().clone()));
        let pushed = batch.push(Kind::UNIT, VERSION, &self.said, &self.payload);
        self.payload.clear();
        pushed.map_err(|error| cannot(number, &error))
    }
}

fn cannot(number: u64, error: &dyn std::fmt::Display) -> StorageError {
    StorageError::Corrupt(format!("unit {number} cannot be written: {error}"))
}

/// Reads a unit back. Its payload shares the memory of the frame.
pub(super) fn decode(frame: &Frame) -> Result<CommittedUnit, StorageError> {
    let strange =
        |what: &str| StorageError::Corrupt(format!("the frame at {} {what}", frame.place));
    if frame.kind != Kind::UNIT {
        return Err(strange("is of an unknown kind"));
    }
    if frame.version != VERSION {
        return Err(strange(&format!("has the unknown version {}", frame.version)));
    }
    read(&frame.content).map_err(|_| strange("cannot be understood"))
}

fn read(content: &Bytes) -> Result<CommittedUnit, Unacceptable> {
    let (stored, rest): (StoredFrame<StoredUnit>, &[u8]) =
        postcard::take_from_bytes(content).map_err(|_| Unacceptable)?;
    let mut payload = PayloadLeft(content.slice_ref(rest));
    let unit = stored.unit.into_unit(&mut payload)?;
    let whole = payload.0.is_empty();
    whole
        .then_some(CommittedUnit { number: stored.number, at: stored.at, unit })
        .ok_or(Unacceptable)
}
