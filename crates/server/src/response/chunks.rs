//! A page as a body: its pieces as they are, except that runs of tiny ones are joined, and that something else
//! [stands in](stand_in) for what is left in a file.

use std::vec::IntoIter;

use bytes::{Bytes, BytesMut};
use headwater_core::storage::Portion;

use crate::limits::{JOINED_BYTES, SMALL_CHUNK_BYTES};
use crate::server::stand_in;

/// The pieces of a page that are still to be sent.
#[derive(Debug)]
pub(super) struct Chunks {
    rest: IntoIter<Portion>,
    /// Bytes still to come of the file that is next.
    of_file: u64,
    left: u64,
}

impl Chunks {
    pub(super) fn new(chunks: Vec<Portion>) -> Self {
        let left = chunks.iter().map(Portion::len).sum();
        Self { rest: joined(chunks).into_iter(), of_file: 0, left }
    }

    /// Bytes still to come.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The pieces, before the first one is given.
    pub(super) fn all(&self) -> &[Portion] {
        self.rest.as_slice()
    }

    /// The next piece; never an empty one.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let piece = match self.of_file {
            0 => match self.rest.next()? {
                Portion::Memory(bytes) => bytes,
                Portion::File(range) => self.stand_in(range.len()),
            },
            bytes => self.stand_in(bytes),
        };
        self.left = self.left.saturating_sub(piece.len() as u64);
        Some(piece)
    }

    fn stand_in(&mut self, bytes: u64) -> Bytes {
        let piece = stand_in::for_bytes(bytes);
        self.of_file = bytes.saturating_sub(piece.len() as u64);
        piece
    }
}

/// The same bytes with no empty piece, and tiny neighbours in one. The brackets around a large JSON chunk stay apart from it.
fn joined(chunks: Vec<Portion>) -> Vec<Portion> {
    // What a live reader is given is mostly one record.
    if let [one] = chunks.as_slice()
        && !one.is_empty()
    {
        return chunks;
    }
    let is_small = |chunk: &Portion| small(chunk).is_some();
    let mut rest = chunks.into_iter().filter(|chunk| !chunk.is_empty()).peekable();
    let mut pieces = Vec::with_capacity(rest.size_hint().1.unwrap_or(0));
    while let Some(first) = rest.next() {
        let (Some(begin), true) = (small(&first), rest.peek().is_some_and(is_small)) else {
            pieces.push(first);
            continue;
        };
        let mut run = BytesMut::with_capacity(JOINED_BYTES);
        run.extend_from_slice(begin);
        let fits = |next: &Portion, len| len + next.len() <= JOINED_BYTES as u64;
        while let Some(next) = rest.next_if(|next| is_small(next) && fits(next, run.len() as u64)) {
            next.memory().into_iter().for_each(|next| run.extend_from_slice(next));
        }
        pieces.push(run.freeze().into());
    }
    pieces
}

/// The bytes of a piece that is copied together with others like it.
fn small(chunk: &Portion) -> Option<&Bytes> {
    chunk.memory().filter(|bytes| bytes.len() < SMALL_CHUNK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(chunks: Vec<Bytes>) -> Vec<Bytes> {
        let mut chunks = Chunks::new(chunks.into_iter().map(Portion::from).collect());
        let mut left = chunks.left();
        let mut pieces = Vec::new();
        while let Some(piece) = chunks.next() {
            assert!(!piece.is_empty());
            left -= piece.len() as u64;
            assert_eq!(chunks.left(), left);
            pieces.push(piece);
        }
        assert_eq!(left, 0);
        pieces
    }

    #[test]
    fn bytes_and_their_order_stay_and_tiny_pieces_are_joined() {
        let piece = |byte: u8, len: usize| Bytes::from(vec![byte; len]);
        let big = SMALL_CHUNK_BYTES * 10;
        let cases: [(Vec<Bytes>, Vec<usize>); 6] = [
            (vec![], vec![]),
            (vec![Bytes::new(), piece(1, 5), Bytes::new()], vec![5]),
            (vec![piece(1, 5), piece(2, 6), piece(3, 7)], vec![18]),
            (vec![piece(1, big), piece(2, big)], vec![big, big]),
            (vec![piece(1, 1), piece(2, big), piece(3, 1), piece(4, 1)], vec![1, big, 2]),
            (vec![piece(1, 4000); 20], vec![32_000, 32_000, 16_000]),
        ];
        for (given, lengths) in cases {
            let pieces = all(given.clone());
            assert_eq!(pieces.concat(), given.concat());
            assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), lengths);
        }
    }

    #[test]
    fn large_pieces_are_shared_not_copied() {
        let large = Bytes::from(vec![1; SMALL_CHUNK_BYTES]);
        let pieces = all(vec![Bytes::from("["), large.clone(), Bytes::from("]")]);
        assert_eq!(pieces[1].as_ptr(), large.as_ptr());
    }
}
