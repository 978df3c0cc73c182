//! A message that is handed out while it comes. What it takes is one piece, however long the message is and however well it was
//! compressed; the limits and the checks are those of a message that is kept.

use std::mem;

use bytes::Bytes;

use super::{Assembly, Chunk, Kind, UNMASKED, unmask};
use crate::decode::DecodeError;
use crate::deflate::{Inflater, TAIL};
use crate::limits::Limits;

/// The most bytes of a piece, unless more of the message was kept before its pieces were asked for. As much as is read at once, so
/// that what is not compressed goes out as it comes in.
const PIECE: usize = 16 * 1024;

impl Assembly {
    /// Takes bytes from the front of a chunk, up to a piece, and says how many.
    pub(in crate::decode) fn take(
        &mut self,
        chunk: &Chunk<'_>,
        limits: &Limits,
    ) -> Result<usize, DecodeError> {
        let room = PIECE.saturating_sub(self.bytes.len());
        let Some(inflater) = &mut self.inflater else {
            let bytes = chunk.bytes.get(..room).unwrap_or(chunk.bytes);
            self.append_plain(&Chunk { bytes, left: 0, ..*chunk });
            return Ok(bytes.len());
        };
        self.bytes.reserve_exact(room);
        let mut taken = 0;
        loop {
            let masked = chunk.bytes.get(taken..).unwrap_or_default();
            let mut unmasked = [0; UNMASKED];
            let unmasked = unmask(masked, chunk.mask, chunk.offset + taken as u64, &mut unmasked);
            taken += inflater.inflate_into_room(unmasked, &mut self.bytes)?;
            if taken == chunk.bytes.len() || self.bytes.len() == self.bytes.capacity() {
                break;
            }
        }
        self.demand_room(limits)?;
        Ok(taken)
    }

    /// What can be handed out of what has come: all bytes, or text up to its last whole character.
    pub(in crate::decode) fn hand_out(&mut self) -> Result<Option<Bytes>, DecodeError> {
        self.check_so_far()?;
        let ready = match self.kind {
            Kind::Text => self.checked,
            Kind::Binary => self.bytes.len(),
        };
        if ready == 0 {
            return Ok(None);
        }
        let rest = self.bytes.split_off(ready);
        let piece = mem::replace(&mut self.bytes, rest);
        self.checked = 0;
        self.given += piece.len();
        Ok(Some(Bytes::from(piece)))
    }

    /// What is still to be handed out when the message's last byte has come; `None` when that was all.
    pub(in crate::decode) fn hand_out_rest(
        &mut self,
        limits: &Limits,
    ) -> Result<Option<Bytes>, DecodeError> {
        if let Some(inflater) = &mut self.inflater {
            self.bytes.reserve_exact(PIECE.saturating_sub(self.bytes.len()));
            let tail = TAIL.get(self.tail..).unwrap_or_default();
            self.tail += inflater.inflate_into_room(tail, &mut self.bytes)?;
            self.demand_room(limits)?;
        }
        let piece = self.hand_out()?;
        // Without a piece, what is left is the beginning of a character.
        if piece.is_none() && !self.bytes.is_empty() {
            return Err(DecodeError::InvalidUtf8);
        }
        Ok(piece)
    }

    /// What inflated the message, when all of it has been handed out.
    pub(in crate::decode) fn into_inflater(self) -> Option<Inflater> {
        self.inflater
    }

    fn demand_room(&self, limits: &Limits) -> Result<(), DecodeError> {
        let limit = limits.inflated_bytes;
        if self.given + self.bytes.len() > limit {
            return Err(DecodeError::InflatedTooLarge { limit });
        }
        Ok(())
    }
}
