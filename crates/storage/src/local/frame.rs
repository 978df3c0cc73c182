//! The frame around every stored value: a version tag and a checksum, then the body.
//!
//! The checksum covers the key too, so that a value that turns up under another key is noticed.

use super::row;

/// Version tag and checksum.
pub(crate) const HEADER: usize = 5;

/// Why a value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// It is shorter than its frame.
    Short,
    /// Its checksum does not match.
    Checksum,
    /// The frame is whole, but what is in it cannot be read.
    Content,
    /// It has a version that this program does not know.
    Version(u8),
}

impl Damage {
    /// The damage and its place, as a sentence.
    pub(crate) fn at(self, key: &[u8]) -> String {
        let place = row::describe(key);
        match self {
            Self::Short => format!("{place} is cut short"),
            Self::Checksum => format!("{place} does not match its checksum"),
            Self::Content => format!("{place} cannot be understood"),
            Self::Version(version) => format!("{place} has the unknown version {version}"),
        }
    }
}

/// Begins a value, with room for the checksum.
pub(crate) fn begin(version: u8, capacity: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(HEADER + capacity);
    value.extend_from_slice(&[version, 0, 0, 0, 0]);
    value
}

/// Puts the checksum into a value whose body is complete.
pub(crate) fn finish(key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let sum = checksum(key, &value).to_le_bytes();
    if let Some(place) = value.get_mut(1..HEADER) {
        place.copy_from_slice(&sum);
    }
    value
}

/// Whether a checksum is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verify {
    /// It is.
    Checksum,
    /// It was before, when the value was met.
    Nothing,
}

/// The version and the body of a value.
pub(crate) fn open<'v>(
    key: &[u8],
    value: &'v [u8],
    verify: Verify,
) -> Result<(u8, &'v [u8]), Damage> {
    let (Some(version), Some(stored), Some(body)) =
        (value.first(), value.get(1..HEADER), value.get(HEADER..))
    else {
        return Err(Damage::Short);
    };
    if verify == Verify::Checksum && stored != checksum(key, value).to_le_bytes() {
        return Err(Damage::Checksum);
    }
    Ok((*version, body))
}

/// A number that stands for a row with this value, from what its checksum says.
///
/// The sum over all rows does not depend on their order, and changes when one is missing, stale, or too many.
pub(crate) fn fingerprint(value: &[u8]) -> u64 {
    let sum =
        value.get(1..HEADER).and_then(|sum| sum.try_into().ok()).map_or(0, u32::from_le_bytes);
    // The finalizer of SplitMix64: a bijection, so different inputs never agree, and sums of it do not cancel out.
    let mut mixed = u64::from(sum) | ((value.len() as u64) << 32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn checksum(key: &[u8], value: &[u8]) -> u32 {
    let version = value.get(..1).unwrap_or_default();
    let body = value.get(HEADER..).unwrap_or_default();
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(key), version), body)
}
