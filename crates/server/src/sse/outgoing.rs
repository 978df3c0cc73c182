//! What leaves together: events and their control lines, in as few pieces as sharing allows.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::limits::JOIN_BYTES;

/// Room for the control event behind a data event: an offset twice, a cursor of up to twenty digits, and the words
/// around them stay under it.
const CONTROL_ROOM: usize = 192;

/// Bytes to be sent, in order.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pieces: VecDeque<Bytes>,
    open: BytesMut,
}

impl Outgoing {
    /// An empty one, in the room of one that has been sent.
    pub(super) fn reusing(sent: VecDeque<Bytes>) -> Self {
        debug_assert!(sent.is_empty());
        Self { pieces: sent, open: BytesMut::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.open.is_empty()
    }

    /// Bytes that leave.
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum::<usize>() + self.open.len()
    }

    /// Adds a shared event: copied beside its neighbours when small, by reference when not.
    pub(super) fn share(&mut self, event: &Bytes) {
        if event.len() <= JOIN_BYTES {
            self.open.reserve(event.len() + CONTROL_ROOM);
            self.open.extend_from_slice(event);
        } else {
            self.seal();
            self.pieces.push_back(event.clone());
        }
    }

    /// Where a reader's own bytes go.
    pub(super) fn own(&mut self) -> &mut BytesMut {
        &mut self.open
    }

    pub(super) fn finish(mut self) -> VecDeque<Bytes> {
        self.seal();
        self.pieces
    }

    fn seal(&mut self) {
        if !self.open.is_empty() {
            self.pieces.push_back(self.open.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_events_leave_as_one_piece_and_large_ones_are_shared() {
        let large = Bytes::from(vec![b'x'; JOIN_BYTES + 1]);
        let mut out = Outgoing::reusing(VecDeque::new());
        assert!(out.is_empty());
        out.share(&Bytes::from("a"));
        out.own().extend_from_slice(b"1");
        out.share(&Bytes::from("b"));
        out.own().extend_from_slice(b"2");
        out.share(&large);
        out.own().extend_from_slice(b"3");
        assert!(!out.is_empty());
        assert_eq!(out.len(), large.len() + 5);
        let pieces = out.finish();
        assert_eq!(pieces, [Bytes::from("a1b2"), large.clone(), Bytes::from("3")]);
        assert_eq!(pieces[1].as_ptr(), large.as_ptr());
    }
}
