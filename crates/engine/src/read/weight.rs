//! What records take in memory: as they are read, and as JSON, which whoever reads them with all that is known about them
//! writes. The larger of both is counted, because the one is let go of when the other has been made.

use headwater_core::ContentKind;
use headwater_core::record::RecordMeta;

/// What is told of a record beside its payload and its metadata: its row, or names and values in JSON.
pub(super) const TOLD_BYTES: u64 = 256;

/// What an entry of a record's metadata takes beside its text: two strings and their place in a map.
const ENTRY_BYTES: u64 = 96;

/// Bytes that one byte of text takes at most, as control characters do: `\u0000`.
const ESCAPED_BYTES: u64 = 6;

/// Most bytes that a payload of so many takes. Text that is not UTF-8 is written as other bytes are, which takes less.
pub(super) fn payload(kind: ContentKind, len: u64) -> u64 {
    match kind {
        ContentKind::Json => len,
        ContentKind::Text => len.saturating_mul(ESCAPED_BYTES),
        ContentKind::Binary => len.div_ceil(3).saturating_mul(4),
    }
}

/// Most payload bytes that take no more than this.
pub(super) fn payload_within(kind: ContentKind, bytes: u64) -> u64 {
    match kind {
        ContentKind::Json => bytes,
        ContentKind::Text => bytes / ESCAPED_BYTES,
        ContentKind::Binary => bytes / 4 * 3,
    }
}

/// Most bytes that a record takes.
pub(super) fn record(kind: ContentKind, row: &RecordMeta) -> u64 {
    let entries = row.metadata.iter().flat_map(|metadata| metadata.iter());
    let metadata: u64 = entries
        .map(|(name, value)| ESCAPED_BYTES * (name.len() + value.len()) as u64 + ENTRY_BYTES)
        .sum();
    TOLD_BYTES + payload(kind, row.len) + metadata
}
