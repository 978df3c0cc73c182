//! The frames of one group, as they are gathered.
//!
//! A batch is filled and written without allocating anything, once its buffers have grown to the usual size. Large payload is
//! kept as it is and goes out beside the buffer; small payload is cheaper to copy than to write as a piece of its own.

use bytes::Bytes;

use super::frame::{HEADER, Header, Identity, padding};
use super::{Kind, Place};

/// From this size on a piece of payload is not copied. One that size costs about as much to copy as a piece of a vectored write.
const LARGE: usize = 16 * 1024;

/// The frames of a group.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
    large: Vec<Large>,
    /// Bytes of all frames together.
    len: u64,
    /// Where the first of them was written.
    written: Place,
}

/// Where one frame is in the buffers.
#[derive(Debug)]
struct Slot {
    /// From the beginning of the group.
    start: u64,
    /// Bytes of the body.
    len: u32,
    /// Where the header begins, and where the body ends, in the buffer.
    at: usize,
    until: usize,
    /// The first large piece that may be this frame's.
    large: usize,
}

/// A piece that stands in front of the byte `at` of the buffer.
#[derive(Debug)]
struct Large {
    at: usize,
    piece: Bytes,
}

/// A frame that has more bytes than a frame can have: 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame cannot have {0} bytes")]
pub(crate) struct TooLong(pub(crate) u64);

impl Batch {
    /// Forgets the frames and keeps the buffers.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.slots.clear();
        self.large.clear();
        self.len = 0;
    }

    /// How many frames there are.
    pub(crate) fn frames(&self) -> usize {
        self.slots.len()
    }

    /// How many bytes they take in the log.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds a frame, whose content is a head followed by pieces of payload.
    ///
    /// # Errors
    /// When it is too long; the batch is as before.
    pub(crate) fn push(
        &mut self,
        kind: Kind,
        version: u8,
        head: &[u8],
        payload: &[Bytes],
    ) -> Result<(), TooLong> {
        let content = payload.iter().fold(head.len() as u64, |len, piece| len + piece.len() as u64);
        let body = content + (super::CONTENT - HEADER) as u64;
        let len = u32::try_from(body).map_err(|_| TooLong(body))?;
        let (at, large) = (self.bytes.len(), self.large.len());
        self.bytes.extend_from_slice(&[0; HEADER]);
        self.bytes.extend_from_slice(&[kind.0, version]);
        self.bytes.extend_from_slice(head);
        for piece in payload {
            if piece.len() < LARGE {
                self.bytes.extend_from_slice(piece);
            } else {
                self.large.push(Large { at: self.bytes.len(), piece: piece.clone() });
            }
        }
        let until = self.bytes.len();
        let padding = padding(len as usize);
        self.bytes.resize(until + padding, 0);
        self.slots.push(Slot { start: self.len, len, at, until, large });
        self.len += HEADER as u64 + body + padding as u64;
        Ok(())
    }

    /// Where the frames were written, in their order, after they were.
    #[cfg(test)]
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let Place { generation, offset } = self.written;
        self.slots.iter().map(move |slot| Place { generation, offset: offset + slot.start as u32 })
    }

    /// Completes the headers: the frames will be written there, as the last ones of a group of so many.
    ///
    /// The caller has made sure that the last byte's offset fits.
    pub(super) fn stamp(
        &mut self,
        identity: Identity,
        from: Place,
        count: u16,
        (group, lag): (u64, u32),
    ) {
        self.written = from;
        let first = count - self.slots.len() as u16;
        for (index, slot) in (first..count).zip(&self.slots) {
            let place = Place { offset: from.offset + slot.start as u32, ..from };
            let header = Header { len: slot.len, place, index, count, group, lag };
            let body = pieces(&self.bytes, slot.at + HEADER, slot.until, &self.large, slot.large);
            let encoded = header.encode(identity, body);
            if let Some(room) = self.bytes.get_mut(slot.at..slot.at + HEADER) {
                room.copy_from_slice(&encoded);
            }
        }
    }

    /// All bytes, in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        pieces(&self.bytes, 0, self.bytes.len(), &self.large, 0)
    }
}

/// A range of the buffer with the large pieces that belong into it.
fn pieces<'b>(
    bytes: &'b [u8],
    from: usize,
    until: usize,
    large: &'b [Large],
    first: usize,
) -> impl Iterator<Item = &'b [u8]> {
    let mut large = large.iter().skip(first).take_while(move |large| large.at <= until).peekable();
    let mut from = Some(from);
    std::iter::from_fn(move || {
        if let Some(next) = large.next_if(|next| Some(next.at) == from) {
            return Some(&*next.piece);
        }
        let begin = from?;
        from = large.peek().map(|next| next.at);
        bytes.get(begin..from.unwrap_or(until))
    })
}
