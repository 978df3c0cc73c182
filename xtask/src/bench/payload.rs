//! The records that the load generator writes.
//!
//! A record is a [`Mark`] followed by filler that depends on the mark, so that every byte of a record
//! read back can be checked against what was written. All bytes are lower-case letters, digits, `@` and
//! `!`: they travel unescaped as text, inside a JSON string and in an SSE data line. `@` only ever starts
//! a record.

mod digits;

use std::sync::OnceLock;
use std::time::Instant;

use digits::{parse, push};

/// `@`, 4 digits of writer, 8 of sequence, 12 of time, `!`; the digits are hexadecimal.
pub(crate) const MARK_LEN: usize = 26;

const START: u8 = b'@';
const END: u8 = b'!';
const LETTERS: usize = 26;

/// As many bits as twelve digits have.
const NANOS: u64 = (1 << 48) - 1;

/// Who wrote a record, as its how-manieth, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Number of the writer in this load.
    pub(crate) writer: u16,
    /// 0, 1, 2 … per writer and stream.
    pub(crate) seq: u32,
    /// When it was sent, on [`clock`]; 48 bits, which is three days.
    pub(crate) nanos: u64,
}

/// Nanoseconds since the first call in this process, for `at`.
pub(crate) fn clock(at: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = at.saturating_duration_since(*START.get_or_init(|| at));
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Mark {
    /// From its digits, eight in each of these.
    fn of([first, second, third]: [u32; 3]) -> Self {
        let bits = u128::from(first) << 64 | u128::from(second) << 32 | u128::from(third);
        // Cut to their widths: 16, 32 and 48 bits of the 96.
        let (writer, seq, nanos) = ((bits >> 80) as u16, (bits >> 48) as u32, bits as u64 & NANOS);
        Self { writer, seq, nanos }
    }

    /// How many nanoseconds ago this record was sent, seen at `now` on [`clock`].
    pub(crate) fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.nanos)
    }
}

/// Writes and recognises records of one size.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    size: usize,
    letters: Vec<u8>,
}

impl Payload {
    /// Records of `size` bytes; a size below [`MARK_LEN`] is raised to it.
    pub(crate) fn new(size: usize) -> Self {
        let size = size.max(MARK_LEN);
        Self { size, letters: (b'a'..=b'z').cycle().take(size - MARK_LEN + LETTERS).collect() }
    }

    /// Bytes of one record.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Appends the record of `mark` to `out`.
    pub(crate) fn write(&self, mark: Mark, out: &mut Vec<u8>) {
        out.push(START);
        push(u64::from(mark.writer), 4, out);
        push(u64::from(mark.seq), 8, out);
        push(mark.nanos, 12, out);
        out.push(END);
        out.extend_from_slice(self.filler(mark));
    }

    /// The mark of a record, if `bytes` is exactly one whole and unharmed record.
    pub(crate) fn read(&self, bytes: &[u8]) -> Option<Mark> {
        let (head, filler) = bytes.split_at_checked(MARK_LEN)?;
        let (&start, head) = head.split_first()?;
        let (&end, digits) = head.split_last()?;
        let mark = Mark::of(parse(digits.try_into().ok()?)?);
        (start == START && end == END && filler == self.filler(mark)).then_some(mark)
    }

    /// Where the next record may start.
    pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
        // Records mostly follow each other without anything between.
        if bytes.first() == Some(&START) { Some(0) } else { memchr::memchr(START, bytes) }
    }

    fn filler(&self, mark: Mark) -> &[u8] {
        let from = (mark.seq as usize).wrapping_add(usize::from(mark.writer)) % LETTERS;
        self.letters.get(from..from + self.size - MARK_LEN).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for size in [0, MARK_LEN, 27, 100, 128, 1024, 65_536] {
            let payload = Payload::new(size);
            for mark in [
                Mark { writer: 0, seq: 0, nanos: 0 },
                Mark { writer: 255, seq: 12_345, nanos: 987_654_321 },
                Mark { writer: u16::MAX, seq: u32::MAX, nanos: (1 << 48) - 1 },
            ] {
                let mut bytes = Vec::new();
                payload.write(mark, &mut bytes);
                assert_eq!(bytes.len(), size.max(MARK_LEN));
                assert_eq!(payload.read(&bytes), Some(mark));
                assert_eq!(Payload::find(&bytes), Some(0));
                assert_eq!(Payload::find(&bytes[1..]), None);
            }
        }
    }

    #[test]
    fn no_altered_byte_passes() {
        let payload = Payload::new(60);
        let mark = Mark { writer: 7, seq: 41, nanos: 1_000_000 };
        let mut bytes = Vec::new();
        payload.write(mark, &mut bytes);
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 0x80;
            assert_eq!(payload.read(&altered), None, "byte {at}");
        }
        assert_eq!(payload.read(&bytes[..59]), None);
        bytes.push(b'a');
        assert_eq!(payload.read(&bytes), None);
    }
}
