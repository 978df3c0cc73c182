//! Pieces of an event stream that a subscriber has had and that were read and checked, byte for byte, so that the next who gets the same
//! bytes at the same place need only compare them with all of those.
//!
//! A thousand subscribers get the same: a generator that parsed it a thousand times would take longer for it than servers that encode
//! it once, and measure itself.

use crate::bench::payload::Mark;

/// Places that are kept: as many as messages are on their way at most, each of which may be the next of some subscriber.
const PLACES: usize = 64;

/// What came last at each place.
#[derive(Debug)]
pub(super) struct Known([Piece; PLACES]);

#[derive(Debug, Default)]
struct Piece {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
}

impl Default for Known {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Piece::default()))
    }
}

impl Known {
    /// The records in these bytes, if somebody had the same who waited for the same record.
    pub(super) fn marks(&self, next: u64, bytes: &[u8]) -> Option<&[Mark]> {
        let piece = self.0.get(place(next))?;
        (piece.bytes == bytes).then_some(&piece.marks)
    }

    /// These bytes are these records, and nothing else.
    pub(super) fn learn(&mut self, next: u64, bytes: &[u8], marks: &[Mark]) {
        let Some(piece) = self.0.get_mut(place(next)) else { return };
        piece.bytes.clear();
        piece.bytes.extend_from_slice(bytes);
        piece.marks.clear();
        piece.marks.extend_from_slice(marks);
    }
}

fn place(next: u64) -> usize {
    (next % PLACES as u64) as usize
}
