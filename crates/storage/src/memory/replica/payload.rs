//! The bytes of one lineage, in pieces.
//!
//! A large batch is kept as it came, by reference. Small ones are copied behind each other into an open tail, so that a
//! stream of small appends is read back in large pieces, and a record of a hundred bytes does not keep the receive
//! buffer alive that it arrived in. No batch is ever divided between two pieces.

use bytes::Bytes;

/// Batches of at least this many bytes are kept by reference: below it, a copy costs less than a piece of its own.
const SHARED_FROM: usize = 4 * 1024;

/// The open tail becomes a piece once it holds this much: large enough to read by, small enough that a reader of the
/// tail, who gets a copy, copies little.
const SEAL_AT: usize = 32 * 1024;

#[derive(Clone, Debug)]
struct Piece {
    from: u64,
    bytes: Bytes,
}

impl Piece {
    fn end(&self) -> u64 {
        self.from + self.bytes.len() as u64
    }
}

/// Contiguous bytes from a first position on.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    sealed: Vec<Piece>,
    tail_from: u64,
    tail: Vec<u8>,
}

impl Payload {
    /// No bytes yet; the first one will have this position.
    pub(super) fn starting_at(base: u64) -> Self {
        Self { sealed: Vec::new(), tail_from: base, tail: Vec::new() }
    }

    /// Position after the last byte kept.
    pub(super) fn end(&self) -> u64 {
        self.tail_from + self.tail.len() as u64
    }

    /// Position of the first byte.
    pub(super) fn base(&self) -> u64 {
        self.sealed.first().map_or(self.tail_from, |piece| piece.from)
    }

    /// Appends a batch.
    pub(super) fn push(&mut self, batch: &Bytes) {
        if batch.len() >= SHARED_FROM {
            self.seal();
            self.sealed.push(Piece { from: self.tail_from, bytes: batch.clone() });
            self.tail_from += batch.len() as u64;
            return;
        }
        if self.tail.is_empty() {
            // Most streams that are idle hold one small batch: no room is reserved for a second one.
            self.tail.reserve_exact(batch.len());
        }
        self.tail.extend_from_slice(batch);
        if self.tail.len() >= SEAL_AT {
            self.seal();
        }
    }

    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let bytes = Bytes::from(std::mem::take(&mut self.tail).into_boxed_slice());
        let piece = Piece { from: self.tail_from, bytes };
        self.tail_from = piece.end();
        self.sealed.push(piece);
    }

    /// The bytes of `from..to` that are kept, at most `budget` of them, from `from` on without a gap.
    ///
    /// `None` where `from` itself is not kept and something was asked for.
    pub(super) fn read(&self, from: u64, to: u64, budget: usize) -> Option<Vec<Bytes>> {
        let to = to.min(self.end()).min(from.saturating_add(budget as u64));
        if from < self.base() || from >= to {
            return None;
        }
        let first = self.sealed.partition_point(|piece| piece.end() <= from);
        let mut chunks: Vec<Bytes> = self
            .sealed
            .iter()
            .skip(first)
            .take_while(|piece| piece.from < to)
            .map(|piece| piece.bytes.slice(within(piece.from, piece.end(), from, to)))
            .collect();
        if to > self.tail_from {
            let range = within(self.tail_from, self.end(), from, to);
            chunks.push(Bytes::copy_from_slice(self.tail.get(range).unwrap_or_default()));
        }
        Some(chunks)
    }

    /// Forgets pieces that lie before a position. What shares a piece with later bytes stays, and so does what is not in a
    /// piece yet.
    pub(super) fn release(&mut self, before: u64) {
        let gone = self.sealed.partition_point(|piece| piece.end() <= before);
        if gone > 0 {
            self.sealed.drain(..gone);
            self.sealed.shrink_to_fit();
        }
        if before >= self.end() && !self.tail.is_empty() {
            self.tail_from = self.end();
            self.tail = Vec::new();
        }
    }

    /// Forgets everything from a position on.
    pub(super) fn truncate(&mut self, end: u64) {
        let end = end.clamp(self.base(), self.end());
        self.sealed.truncate(self.sealed.partition_point(|piece| piece.from < end));
        if let Some(last) = self.sealed.last_mut().filter(|last| last.end() > end) {
            // A copy, because a shortened reference would keep the whole batch in memory.
            let range = within(last.from, last.end(), last.from, end);
            last.bytes = Bytes::copy_from_slice(last.bytes.get(range).unwrap_or_default());
        }
        self.tail.truncate(end.saturating_sub(self.tail_from) as usize);
        self.tail.shrink_to_fit();
        self.tail_from = self.tail_from.min(end);
    }
}

/// The part of a piece that lies in `from..to`, counted from the start of the piece.
fn within(start: u64, end: u64, from: u64, to: u64) -> std::ops::Range<usize> {
    let lower = from.clamp(start, end) - start;
    let upper = to.clamp(start, end) - start;
    lower as usize..upper.max(lower) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small and large batches, so that there are copied pieces, shared pieces, and an open tail.
    const SIZES: [usize; 9] = [10, 5_000, 1, 4_095, 4_096, 40_000, 3_000, 1, 7];

    fn filled(base: u64, repeats: usize) -> (Payload, Vec<u8>) {
        let mut payload = Payload::starting_at(base);
        let mut expected = Vec::new();
        for (index, size) in SIZES.iter().cycle().take(SIZES.len() * repeats).enumerate() {
            let batch: Vec<u8> = (0..*size).map(|byte| (byte * 31 + index) as u8).collect();
            payload.push(&Bytes::from(batch.clone()));
            expected.extend(batch);
        }
        (payload, expected)
    }

    #[test]
    fn every_range_reads_back_its_bytes() {
        let base = 1_000;
        let (payload, expected) = filled(base, 6);
        let end = base + expected.len() as u64;
        assert_eq!((payload.base(), payload.end()), (base, end));
        for from in (base..end).step_by(611) {
            for to in (from + 1..=end).step_by(1_301) {
                for budget in [1, 4_096, usize::MAX] {
                    let read = payload.read(from, to, budget).unwrap();
                    assert!(read.iter().all(|chunk| !chunk.is_empty()));
                    let read = read.concat();
                    let wanted = ((to - from) as usize).min(budget);
                    let start = (from - base) as usize;
                    assert!(read == expected[start..start + wanted], "{from}..{to}, {budget}");
                }
            }
        }
        assert_eq!(payload.read(base - 1, end, 10), None);
        assert_eq!(payload.read(end, end + 1, 10), None);
    }

    #[test]
    fn small_batches_share_pieces_and_large_ones_are_not_copied() {
        let mut payload = Payload::starting_at(0);
        let large = Bytes::from(vec![7; SHARED_FROM]);
        payload.push(&large);
        assert_eq!(payload.read(0, u64::MAX, usize::MAX).unwrap()[0].as_ptr(), large.as_ptr());
        for _ in 0..10_000 {
            payload.push(&Bytes::from_static(&[1; 100]));
        }
        let chunks = payload.read(0, u64::MAX, usize::MAX).unwrap();
        assert!(chunks.len() <= 2 + 1_000_000 / SEAL_AT, "{} chunks", chunks.len());
    }

    #[test]
    fn a_release_keeps_everything_from_there_on() {
        let base = 50;
        let (whole, expected) = filled(base, 3);
        for released in (0..=expected.len()).step_by(89).chain([expected.len()]) {
            let mut payload = whole.clone();
            let from = base + released as u64;
            payload.release(from);
            assert!(payload.base() <= from.max(base) && payload.end() == whole.end());
            let read = payload.read(from, u64::MAX, usize::MAX).unwrap_or_default().concat();
            assert!(read == expected[released..], "{released}");
            payload.push(&Bytes::from_static(b"more"));
            assert_eq!(payload.read(whole.end(), u64::MAX, 9).unwrap().concat(), b"more");
        }
        let mut payload = whole;
        payload.release(u64::MAX);
        assert_eq!((payload.base(), payload.read(base, u64::MAX, 1)), (payload.end(), None));
    }

    #[test]
    fn truncation_keeps_exactly_what_lies_before() {
        let base = 50;
        let (whole, expected) = filled(base, 3);
        for kept in (0..=expected.len()).step_by(97).chain([expected.len()]) {
            let mut payload = whole.clone();
            let end = base + kept as u64;
            payload.truncate(end);
            assert_eq!((payload.base(), payload.end()), (base, end));
            let read = payload.read(base, u64::MAX, usize::MAX).unwrap_or_default().concat();
            assert!(read == expected[..kept], "{kept}");
        }
        let mut payload = whole;
        payload.truncate(3);
        assert_eq!(payload.read(base, u64::MAX, usize::MAX), None);
    }
}
