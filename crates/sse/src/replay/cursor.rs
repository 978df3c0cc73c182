//! Places in a log, and the text a client keeps of them.
//!
//! Promises that every cursor has one text and every text at most one cursor.

use std::fmt::{self, Write};
use std::hash::{BuildHasher, RandomState};
use std::str;
use std::time::SystemTime;

use crate::EventId;

/// Which life of a log a cursor belongs to.
///
/// A log that forgets gets a new epoch, so that an id from before never selects events of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// An epoch that the caller numbers: a lineage, or a count of starts.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// An epoch that no other start of any process is likely to have (one in 2^64).
    pub fn random() -> Self {
        // The standard library seeds each hasher from the system's source of randomness.
        Self(RandomState::new().hash_one(SystemTime::now()))
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The place of an event in a log, or the place before all of them, which is offset 0.
///
/// Cursors of one log are ordered as its events are. Offsets need not be contiguous. The text is
/// `epoch:offset`: 16 lower-case hexadecimal digits, and a decimal number without leading zeros.
///
/// ```
/// use headwater_sse::replay::{Cursor, Epoch};
///
/// let cursor = Cursor::new(Epoch::new(10), 42);
/// assert_eq!(cursor.to_string(), "000000000000000a:42");
/// assert_eq!(Cursor::parse("000000000000000a:42"), Some(cursor));
/// assert_eq!(Cursor::parse("a:042"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The life of the log.
    pub epoch: Epoch,
    /// The place in it; events begin at 1.
    pub offset: u64,
}

impl Cursor {
    /// The place `offset` in `epoch`.
    pub const fn new(epoch: Epoch, offset: u64) -> Self {
        Self { epoch, offset }
    }

    /// The cursor with exactly this text.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, offset) = text.split_once(':')?;
        let canonical = epoch.len() == 16
            && epoch.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && offset.bytes().all(|byte| byte.is_ascii_digit())
            && (offset == "0" || !offset.starts_with('0'));
        if !canonical {
            return None;
        }
        let epoch = u64::from_str_radix(epoch, 16).ok()?;
        Some(Self::new(Epoch(epoch), offset.parse().ok()?))
    }

    /// Hands the text to `use_id` as an event id, without an allocation.
    pub(crate) fn with_id<T>(self, use_id: impl FnOnce(EventId<'_>) -> T) -> T {
        let mut text = ShortText { bytes: [0; LONGEST], length: 0 };
        // It has room for the longest text, so nothing is ever cut off.
        let _ = write!(text, "{self}");
        use_id(EventId::from_decoded(text.as_str()))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.epoch.0, self.offset)
    }
}

/// 16 digits, a colon, and the 20 digits of the largest offset.
const LONGEST: usize = 16 + 1 + 20;

struct ShortText {
    bytes: [u8; LONGEST],
    length: usize,
}

impl ShortText {
    fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.length).unwrap_or_default();
        str::from_utf8(written).unwrap_or_default()
    }
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_at_most_one_cursor() {
        for offset in [0, 1, 9, 10, u64::MAX] {
            for epoch in [0, 1, u64::MAX] {
                let cursor = Cursor::new(Epoch::new(epoch), offset);
                assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
                assert_eq!(
                    cursor.with_id(|id| id.as_str().to_owned()),
                    cursor.to_string(),
                    "without an allocation it is the same text"
                );
            }
        }
        for text in [
            "",
            ":",
            "1",
            "1:1",
            "0000000000000001:",
            ":1",
            "0000000000000001:01",
            "0000000000000001:+1",
            "+000000000000001:1",
            "000000000000000A:1",
            "0000000000000001:1 ",
            " 0000000000000001:1",
            "0000000000000001:1:1",
            "0000000000000001:18446744073709551616",
            "00000000000000001:1",
            "000000000000000\u{661}:1",
        ] {
            assert_eq!(Cursor::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn random_epochs_differ() {
        let epochs: std::collections::BTreeSet<_> = (0..1000).map(|_| Epoch::random()).collect();
        assert_eq!(epochs.len(), 1000);
    }
}
