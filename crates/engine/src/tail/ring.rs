//! The last bytes of a stream in memory, for readers that are at its tail or nearly so.
//!
//! What is counted is what a piece costs, not its payload alone: records of one byte cost hundreds. What does not fit is
//! not kept, and its readers take it from storage in pages.

use std::collections::VecDeque;

use super::Piece;

/// What a piece takes beside its payload and its wire form: its place here with room to grow (96), the slot of the wire
/// form (64), the heads of two shared buffers and the rounding of their allocations (128), and what the wire form has
/// around the payload (80).
const PIECE_COST: usize = 384;

/// What is handed out at once: a reader writes it to its connection in one go, so that this is also what a slow one holds.
/// Large enough that a reader at the tail of a busy stream is woken rarely.
const PART_COST: usize = 128 * 1024;

/// Pieces that stay as they came: those that are still being handed out to readers at the tail, who share their wire forms.
const FRESH: usize = 32;

/// Of older ones so many are joined, so that what is kept of small records is mostly payload: a reader that was held up for some hundred
/// milliseconds is not behind.
const JOINED: usize = 32;

/// The most that they may be together: joining is done under the lock.
const JOINED_BYTES: usize = 16 * 1024;

/// One piece per commit, contiguous; older ones are joined.
#[derive(Debug)]
pub(super) struct Ring {
    pieces: VecDeque<Piece>,
    /// How many of the last pieces are as they came.
    single: usize,
    cost: usize,
    capacity: usize,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self { pieces: VecDeque::new(), single: 0, cost: 0, capacity }
    }

    pub(super) fn push(&mut self, piece: Piece) {
        if piece.bytes.is_empty() {
            return;
        }
        match self.pieces.back().map(Piece::to) {
            Some(end) if piece.from < end => return,
            Some(end) if piece.from > end => {
                self.pieces.clear();
                (self.single, self.cost) = (0, 0);
            }
            _ => {}
        }
        self.cost += piece.cost();
        self.pieces.push_back(piece);
        self.single += 1;
        if self.single >= FRESH + JOINED {
            self.join();
        }
        while self.cost > self.capacity
            && let Some(oldest) = self.pieces.pop_front()
        {
            self.cost -= oldest.cost();
            self.single = self.single.min(self.pieces.len());
        }
    }

    /// Joins the oldest pieces that are as they came, unless they are large.
    fn join(&mut self) {
        let at = self.pieces.len() - self.single;
        self.single -= JOINED;
        let run = self.pieces.range(at..at + JOINED);
        if run.clone().map(|piece| piece.bytes.len()).sum::<usize>() > JOINED_BYTES {
            return;
        }
        let before: usize = run.map(Piece::cost).sum();
        let run: Vec<Piece> = self.pieces.drain(at..at + JOINED).collect();
        if let Some(joined) = Piece::joined(&run) {
            self.cost = self.cost + joined.cost() - before;
            self.pieces.insert(at, joined);
        }
    }

    /// Whether this reaches from a position to another.
    pub(super) fn reaches(&self, from: u64, to: u64) -> bool {
        self.first(from, to).is_some()
    }

    /// The piece that a position is in, if this reaches from there to another one.
    fn first(&self, from: u64, to: u64) -> Option<usize> {
        let first = self.pieces.partition_point(|piece| piece.to() <= from);
        let reaches_back = self.pieces.get(first).is_some_and(|piece| piece.from <= from);
        let reaches_far = self.pieces.back().is_some_and(|piece| piece.to() >= to);
        (reaches_back && reaches_far).then_some(first)
    }

    /// Pieces from a position on, up to another or until they make a part, if this reaches from the one to the other.
    pub(super) fn pieces(&self, from: u64, to: u64) -> Option<Vec<Piece>> {
        let first = self.first(from, to)?;
        let mut part = Vec::new();
        let mut cost = 0;
        for piece in self.pieces.iter().skip(first).take_while(|piece| piece.from < to) {
            let piece = piece.between(from, to);
            cost += piece.cost();
            part.push(piece);
            // Looked at behind the push, so that a part is never only the end of a character that was cut in two.
            if cost >= PART_COST {
                break;
            }
        }
        Some(part)
    }
}

impl Piece {
    /// Bytes of memory, with a wire form about as long as the payload.
    fn cost(&self) -> usize {
        PIECE_COST + 2 * self.bytes.len()
    }

    /// The part of this piece that lies between two positions. A part has no shared wire form.
    fn between(&self, from: u64, to: u64) -> Self {
        if from <= self.from && self.to() <= to {
            return self.clone();
        }
        let start = from.max(self.from);
        let index = |position: u64| usize::try_from(position - self.from).unwrap_or(usize::MAX);
        let bytes = self.bytes.slice(index(start)..index(to.min(self.to())));
        Self { from: start, bytes, shared: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const LARGE: usize = 100 * PART_COST;

    fn ring(capacity: usize, pieces: &[(u64, &'static str)]) -> Ring {
        let mut ring = Ring::new(capacity);
        for (from, text) in pieces {
            ring.push(Piece {
                from: *from,
                bytes: Bytes::from_static(text.as_bytes()),
                shared: None,
            });
        }
        ring
    }

    fn text(pieces: Option<Vec<Piece>>) -> Option<String> {
        let bytes: Vec<u8> = pieces?.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
        String::from_utf8(bytes).ok()
    }

    #[test]
    fn a_ring_gives_what_it_holds_and_nothing_else() {
        let full = ring(LARGE, &[(10, "abc"), (13, "def"), (16, "ghi")]);
        assert_eq!(text(full.pieces(10, 19)).as_deref(), Some("abcdefghi"));
        assert_eq!(text(full.pieces(14, 18)).as_deref(), Some("efgh"));
        assert_eq!(text(full.pieces(9, 19)), None, "too far back");
        assert_eq!(text(full.pieces(10, 20)), None, "beyond its end");
        let trimmed = ring(PIECE_COST * 2, &[(10, "abc"), (13, "def"), (16, "ghi")]);
        assert_eq!(text(trimmed.pieces(16, 19)).as_deref(), Some("ghi"));
        assert_eq!(text(trimmed.pieces(13, 19)), None);
        let gap = ring(LARGE, &[(10, "abc"), (20, "def")]);
        assert_eq!(text(gap.pieces(10, 23)), None);
        assert_eq!(text(gap.pieces(20, 23)).as_deref(), Some("def"));
        let late = ring(LARGE, &[(10, "abc"), (13, "def"), (10, "XXX")]);
        assert_eq!(text(late.pieces(10, 16)).as_deref(), Some("abcdef"));
    }

    #[test]
    fn what_does_not_fit_is_not_kept_and_what_follows_it_is() {
        let mut ring = ring(PIECE_COST + 10, &[(10, "abc"), (13, "too much")]);
        assert_eq!(text(ring.pieces(10, 21)), None);
        assert_eq!(text(ring.pieces(13, 21)), None);
        assert_eq!((ring.pieces.len(), ring.cost), (0, 0));
        ring.push(Piece { from: 21, bytes: Bytes::from_static(b"x"), shared: None });
        assert_eq!(text(ring.pieces(21, 22)).as_deref(), Some("x"));
    }

    #[test]
    fn what_is_older_is_joined_and_handed_out_as_before() {
        let mut ring = Ring::new(LARGE);
        let mut all = String::new();
        for number in 0..1000 {
            let text = format!("{number},");
            let (from, bytes) = (all.len() as u64, Bytes::from(text.clone()));
            ring.push(Piece { from, bytes, shared: None });
            all.push_str(&text);
            let cost: usize = ring.pieces.iter().map(Piece::cost).sum();
            assert_eq!(ring.cost, cost);
        }
        assert!(ring.pieces.len() < FRESH + JOINED + 1000 / JOINED, "{}", ring.pieces.len());
        for from in 0..all.len() {
            let part = ring.pieces(from as u64, all.len() as u64);
            assert_eq!(text(part).as_deref(), Some(&all[from..]));
        }
        // What is large is not copied.
        let mut ring = Ring::new(LARGE);
        for number in 0..100 {
            let bytes = Bytes::from(vec![b'x'; JOINED_BYTES]);
            ring.push(Piece { from: number * JOINED_BYTES as u64, bytes, shared: None });
        }
        assert_eq!(ring.pieces.len(), 100);
    }

    #[test]
    fn pieces_come_in_parts_that_follow_each_other() {
        // Too large to be joined.
        const BYTES: usize = 1000;
        const COST: usize = PIECE_COST + 2 * BYTES;
        let mut ring = Ring::new(LARGE);
        let end = (10 * PART_COST / COST * BYTES) as u64;
        for from in (0..end).step_by(BYTES) {
            ring.push(Piece { from, bytes: Bytes::from_static(&[b'x'; BYTES]), shared: None });
        }
        let (mut position, mut parts) = (0, 0);
        while position < end {
            let part = ring.pieces(position, end).unwrap();
            assert!(part.len() <= PART_COST.div_ceil(COST), "{}", part.len());
            assert_eq!(part.first().unwrap().from, position);
            position = part.last().unwrap().to();
            parts += 1;
        }
        assert_eq!(position, end);
        assert!(parts >= 10, "{parts}");
    }

    /// Half a character in front of a large piece must not come alone: a reader that needs the rest would get nowhere.
    #[test]
    fn a_part_ends_behind_the_piece_that_fills_it() {
        let mut ring = Ring::new(LARGE);
        ring.push(Piece { from: 0, bytes: Bytes::from_static(b"ab"), shared: None });
        ring.push(Piece { from: 2, bytes: Bytes::from(vec![b'x'; PART_COST]), shared: None });
        ring.push(Piece {
            from: 2 + PART_COST as u64,
            bytes: Bytes::from_static(b"c"),
            shared: None,
        });
        let part = ring.pieces(1, 3 + PART_COST as u64).unwrap();
        let lengths: Vec<usize> = part.iter().map(|piece| piece.bytes.len()).collect();
        assert_eq!(lengths, [1, PART_COST]);
    }
}
