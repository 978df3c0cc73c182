//! What is stored, as types of its own.
//!
//! The types of core have no serialized form; each has a mirror here, whose fields stand in the order in which they are
//! stored. A mirror never changes once data has been written with it: a new version is a new type beside the old one, and
//! decoding chooses by the version tag. `docs/format.md` describes the bytes, and the tests beside the types pin them.

mod effect;
mod more;
mod order;
mod rows;
mod state;
mod table;
mod unit;

use headwater_core::storage::StorageError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::{self, Damage, Verify};

pub(crate) use order::{StoredOrder, Stretch};
pub(crate) use rows::{
    StoredCheckpoint, StoredDeadline, StoredGrave, StoredLineage, StoredPin, StoredProducer,
    StoredSeal, StoredSpace, StoredTrim,
};
pub(crate) use state::{StoredRanges, StoredSlot};
pub(crate) use table::{StoredTable, Table};
pub(crate) use unit::{GroupUnit, PayloadLeft, Place, SaidUnit, StoredUnit};

/// A value with a stored form.
pub(crate) trait Stored: Serialize + DeserializeOwned {
    /// The version tag that it is written with.
    const VERSION: u8;
}

/// The stored value for a row.
pub(crate) fn encode<T: Stored>(key: &[u8], value: &T) -> Result<Vec<u8>, StorageError> {
    // Most rows are well below this, and a value that is not grows once.
    let value = postcard::to_extend(value, frame::begin(T::VERSION, 96));
    value.map(|value| frame::finish(key, value)).map_err(|error| {
        StorageError::Corrupt(format!("{} cannot be written: {error}", super::row::describe(key)))
    })
}

/// Reads the stored value of a row.
pub(crate) fn decode<T: Stored>(
    key: &[u8],
    value: &[u8],
    verify: Verify,
) -> Result<T, StorageError> {
    let read = || {
        let (version, body) = frame::open(key, value, verify)?;
        if version != T::VERSION {
            return Err(Damage::Version(version));
        }
        match postcard::take_from_bytes(body) {
            Ok((value, [])) => Ok(value),
            _ => Err(Damage::Content),
        }
    };
    read().map_err(|damage| StorageError::Corrupt(damage.at(key)))
}

/// What a stored text or number is not: something that core accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unacceptable;

impl Unacceptable {
    /// As an error that names the place.
    pub(crate) fn at(key: &[u8]) -> impl Fn(Self) -> StorageError {
        move |_| StorageError::Corrupt(Damage::Content.at(key))
    }
}

#[cfg(test)]
pub(crate) mod golden;
