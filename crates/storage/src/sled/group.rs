//! A committed group, and its division into parts.
//!
//! A group is one string of bytes: the length of what it says about its units, that, and then the payload of all of them.
//! It is divided into parts of a bounded size, each with a key and a frame of its own.

use bytes::Bytes;
use headwater_core::storage::StorageError;
use serde::{Deserialize, Serialize};

use crate::local::database::tuning::VALUE_BYTES;
use crate::local::frame::{self, Damage, Verify};
use crate::local::row::{Row, Written};
use crate::local::stored::{GroupUnit, PayloadLeft, SaidUnit, StoredUnit, Unacceptable};

/// The version of a part, and so of the group.
const VERSION: u8 = 1;

/// The units of a group. They have consecutive numbers and the same commit timestamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredGroup<U> {
    first_unit: u64,
    at: u64,
    units: Vec<U>,
}

/// A group as it was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) first_unit: u64,
    pub(crate) at: u64,
    pub(crate) units: Vec<GroupUnit>,
}

/// The rows of a group: the values of its parts, in order.
pub(crate) fn encode_group(
    group: u64,
    first_unit: u64,
    at: u64,
    units: &[&GroupUnit],
) -> Result<Vec<Written>, StorageError> {
    let stored = units.iter().map(|unit| SaidUnit(unit)).collect();
    let said = StoredGroup { first_unit, at, units: stored };
    let cannot = |error: &dyn std::fmt::Display| {
        StorageError::Corrupt(format!("group {group} cannot be written: {error}"))
    };
    let said = postcard::to_stdvec(&said).map_err(|error| cannot(&error))?;
    let said_len = u32::try_from(said.len()).map_err(|error| cannot(&error))?;
    let mut whole = Vec::from(said_len.to_le_bytes());
    whole.extend_from_slice(&said);
    for change in units.iter().flat_map(|unit| &unit.unit.changes) {
        whole.extend_from_slice(change.batch().map_or(&[], |batch| batch.payload()));
    }
    let count = u32::try_from(whole.len().div_ceil(VALUE_BYTES)).map_err(|error| cannot(&error))?;
    let part = |(part, chunk): (u32, &[u8])| {
        let key = Row::Group { group, part }.key();
        let mut value = frame::begin(VERSION, 4 + chunk.len());
        value.extend_from_slice(&count.to_le_bytes());
        value.extend_from_slice(chunk);
        let value = frame::finish(&key, value);
        (key, value)
    };
    Ok((0u32..).zip(whole.chunks(VALUE_BYTES)).map(part).collect())
}

/// Reads a group back from all its parts, in order.
pub(crate) fn decode_group(
    group: u64,
    parts: &[(u32, impl AsRef<[u8]>)],
) -> Result<Group, StorageError> {
    let mut whole = Vec::new();
    for (expected, (part, value)) in (0u32..).zip(parts) {
        if *part != expected {
            return Err(missing(group, expected));
        }
        // The frame was verified when the row was met.
        let (_, body) = open_part(group, *part, value.as_ref(), Verify::Nothing)?;
        whole.extend_from_slice(body);
    }
    let last =
        parts.last().map(|(part, value)| open_part(group, *part, value.as_ref(), Verify::Nothing));
    let count = last.transpose()?.map_or(1, |(count, _)| count);
    if count as usize != parts.len() {
        return Err(missing(group, u32::try_from(parts.len()).unwrap_or(u32::MAX)));
    }
    let understood = read(Bytes::from(whole));
    understood.map_err(|_| StorageError::Corrupt(format!("group {group} cannot be understood")))
}

/// The count of parts that a part names, and what it holds.
pub(crate) fn open_part(
    group: u64,
    part: u32,
    value: &[u8],
    verify: Verify,
) -> Result<(u32, &[u8]), StorageError> {
    let key = Row::Group { group, part }.key();
    let open = || {
        let (version, body) = frame::open(&key, value, verify)?;
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        let (count, chunk) = body.split_first_chunk().ok_or(Damage::Short)?;
        Ok((u32::from_le_bytes(*count), chunk))
    };
    open().map_err(|damage| StorageError::Corrupt(damage.at(&key)))
}

fn missing(group: u64, part: u32) -> StorageError {
    StorageError::Corrupt(format!("{} is missing", Row::Group { group, part }))
}

fn read(mut whole: Bytes) -> Result<Group, Unacceptable> {
    let said_len = *whole.first_chunk().ok_or(Unacceptable)?;
    let said_len = u32::from_le_bytes(said_len) as usize;
    if whole.len() < 4 + said_len {
        return Err(Unacceptable);
    }
    let mut payload = PayloadLeft(whole.split_off(4 + said_len));
    let said = whole.get(4..).unwrap_or_default();
    let said: StoredGroup<StoredUnit> = match postcard::take_from_bytes(said) {
        Ok((said, [])) => said,
        _ => return Err(Unacceptable),
    };
    let units = said.units.into_iter().map(|unit| unit.into_unit(&mut payload));
    let units = units.collect::<Result<_, _>>()?;
    if payload.0.is_empty() {
        Ok(Group { first_unit: said.first_unit, at: said.at, units })
    } else {
        Err(Unacceptable)
    }
}
