//! What the live readers of a stream share.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use headwater_core::{Slot, StreamKey, StreamState};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::{End, Piece};

/// The news: how the stream stands.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) state: Arc<StreamState>,
    pub(super) end: Option<End>,
}

#[derive(Debug)]
pub(crate) struct Live {
    head: watch::Sender<Head>,
    // Held for a few instructions per commit and per delivery.
    ring: Mutex<Ring>,
}

/// The last bytes of the stream, one piece per commit, contiguous.
#[derive(Debug)]
struct Ring {
    pieces: VecDeque<Piece>,
    bytes: usize,
    capacity: usize,
}

impl Live {
    fn new(state: Arc<StreamState>, capacity: usize) -> Arc<Self> {
        let ring = Mutex::new(Ring { pieces: VecDeque::new(), bytes: 0, capacity });
        Arc::new(Self { head: watch::Sender::new(Head { state, end: None }), ring })
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    /// Pieces from a position to another, if the ring reaches back that far.
    pub(super) fn pieces(&self, from: u64, to: u64) -> Option<Vec<Piece>> {
        self.ring.lock().pieces(from, to)
    }

    pub(super) fn advance(&self, state: Arc<StreamState>, payload: Option<Bytes>) {
        if let Some(bytes) = payload {
            let from = state.tail.position.saturating_sub(bytes.len() as u64);
            self.ring.lock().push(Piece { from, bytes, shared: Some(Arc::new(OnceLock::new())) });
        }
        self.head.send_if_modified(|head| {
            let newer = state.version() > head.state.version();
            if newer {
                head.state = state;
            }
            newer
        });
    }

    fn end(&self, end: End) {
        self.head.send_modify(|head| {
            head.end.get_or_insert(end);
        });
    }
}

impl Ring {
    fn push(&mut self, piece: Piece) {
        if piece.bytes.is_empty() {
            return;
        }
        match self.pieces.back().map(Piece::to) {
            Some(end) if piece.from < end => return,
            Some(end) if piece.from > end => {
                self.pieces.clear();
                self.bytes = 0;
            }
            _ => {}
        }
        self.bytes += piece.bytes.len();
        self.pieces.push_back(piece);
        // The newest piece stays, however large: every reader at the tail wants it.
        while self.bytes > self.capacity && self.pieces.len() > 1 {
            if let Some(oldest) = self.pieces.pop_front() {
                self.bytes -= oldest.bytes.len();
            }
        }
    }

    fn pieces(&self, from: u64, to: u64) -> Option<Vec<Piece>> {
        let first = self.pieces.partition_point(|piece| piece.to() <= from);
        let reaches_back = self.pieces.get(first).is_some_and(|piece| piece.from <= from);
        let reaches_far = self.pieces.back().is_some_and(|piece| piece.to() >= to);
        if !reaches_back || !reaches_far {
            return None;
        }
        let wanted = self.pieces.iter().skip(first).take_while(|piece| piece.from < to);
        Some(wanted.map(|piece| piece.between(from, to)).collect())
    }
}

impl Piece {
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

/// Streams with live readers.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    streams: HashMap<StreamKey, (Arc<Live>, usize)>,
    draining: bool,
}

/// News that is handed out when no lock is held.
#[derive(Debug)]
pub(crate) struct Publication {
    live: Arc<Live>,
    news: News,
}

#[derive(Debug)]
enum News {
    State(Arc<StreamState>, Option<Bytes>),
    End(End),
}

impl Publication {
    pub(crate) fn publish(self) {
        match self.news {
            News::State(state, payload) => self.live.advance(state, payload),
            News::End(end) => self.live.end(end),
        }
    }
}

impl Lives {
    pub(crate) fn has_readers(&self, key: &StreamKey) -> bool {
        self.streams.contains_key(key)
    }

    pub(crate) fn keys(&self) -> Vec<StreamKey> {
        self.streams.keys().cloned().collect()
    }

    /// Adds a reader to a stream that is durable in this state. `None` while draining.
    pub(super) fn join(
        &mut self,
        key: &StreamKey,
        state: &Arc<StreamState>,
        capacity: usize,
    ) -> Option<Arc<Live>> {
        if self.draining {
            return None;
        }
        let entry = self.streams.entry(key.clone());
        let (live, readers) = entry.or_insert_with(|| (Live::new(Arc::clone(state), capacity), 0));
        *readers += 1;
        Some(Arc::clone(live))
    }

    /// Removes a reader, unless the stream has been ended or replaced since.
    pub(super) fn leave(&mut self, key: &StreamKey, live: &Arc<Live>) {
        if let Some((present, readers)) = self.streams.get_mut(key)
            && Arc::ptr_eq(present, live)
        {
            *readers -= 1;
            if *readers == 0 {
                self.streams.remove(key);
            }
        }
    }

    /// What the readers of a stream are to be told about its new durable slot.
    pub(crate) fn publication(
        &mut self,
        key: &StreamKey,
        slot: &Slot,
        payload: Option<Bytes>,
    ) -> Option<Publication> {
        let (live, _) = self.streams.get(key)?;
        let lineage = live.head.borrow().state.ranges.own();
        match slot {
            Slot::Live(state) if state.ranges.own() == lineage => {
                let news = News::State(Arc::clone(state), payload);
                Some(Publication { live: Arc::clone(live), news })
            }
            _ => {
                let (live, _) = self.streams.remove(key)?;
                Some(Publication { live, news: News::End(End::Deleted) })
            }
        }
    }

    /// Ends all, and every one that would begin.
    pub(crate) fn drain(&mut self) -> Vec<Publication> {
        self.draining = true;
        let lives = self.streams.drain();
        lives.map(|(_, (live, _))| Publication { live, news: News::End(End::Draining) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(capacity: usize, pieces: &[(u64, &'static str)]) -> Ring {
        let mut ring = Ring { pieces: VecDeque::new(), bytes: 0, capacity };
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
        let full = ring(100, &[(10, "abc"), (13, "def"), (16, "ghi")]);
        assert_eq!(text(full.pieces(10, 19)).as_deref(), Some("abcdefghi"));
        assert_eq!(text(full.pieces(14, 18)).as_deref(), Some("efgh"));
        assert_eq!(text(full.pieces(9, 19)), None, "too far back");
        assert_eq!(text(full.pieces(10, 20)), None, "beyond its end");
        let trimmed = ring(5, &[(10, "abc"), (13, "def"), (16, "ghi")]);
        assert_eq!(text(trimmed.pieces(16, 19)).as_deref(), Some("ghi"));
        assert_eq!(text(trimmed.pieces(13, 19)), None);
        let gap = ring(100, &[(10, "abc"), (20, "def")]);
        assert_eq!(text(gap.pieces(10, 23)), None);
        assert_eq!(text(gap.pieces(20, 23)).as_deref(), Some("def"));
        let late = ring(100, &[(10, "abc"), (13, "def"), (10, "XXX")]);
        assert_eq!(text(late.pieces(10, 16)).as_deref(), Some("abcdef"));
    }
}
