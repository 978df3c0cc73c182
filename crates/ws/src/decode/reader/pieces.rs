//! Messages that are handed out piece by piece, and what else can be wanted than whole messages.

use bytes::Bytes;

use super::{Assembly, Body, Payload, Reader, Step};
use crate::decode::DecodeError;
use crate::decode::assembly::{Chunk, Kind};
use crate::limits::Limits;
use crate::message::Received;

/// What becomes of the data message that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It is kept until it is whole.
    Whole,
    /// Its bytes are handed out as they come.
    Pieces,
    /// Some were, and nobody wants the others, which have to be right all the same.
    Dropped,
}

/// What is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// A whole message.
    Whole,
    /// The beginning of a message, whose pieces will be asked for.
    Begin,
    /// A piece of the message that has begun.
    Piece,
    /// Control frames, up to the next message.
    Control,
}

/// What there is for who reads.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// A whole message, or a control frame whatever was wanted.
    Received(Received),
    Begun(Kind),
    /// Some bytes, or some whole characters.
    Piece(Bytes),
    /// The message whose pieces were asked for is complete.
    End,
}

impl Reader {
    /// The next piece of the message, out of what is there of its frame.
    pub(super) fn read_piece(
        &mut self,
        payload: &mut Payload,
        input: &mut &[u8],
        limits: &Limits,
    ) -> Result<Step, DecodeError> {
        let header = payload.header;
        loop {
            let is_read = payload.is_read();
            let Body::Data(message) = &mut payload.body else { return Ok(Step::Incomplete) };
            if is_read && header.fin {
                return match message.hand_out_rest(limits)? {
                    Some(piece) => Ok(Step::Some(Arrived::Piece(piece))),
                    None => Ok(self.end_pieces(payload)),
                };
            }
            let left = usize::try_from(header.length - payload.read).unwrap_or(usize::MAX);
            let bytes = input.get(..left).unwrap_or(input);
            let chunk = Chunk { bytes, mask: header.mask, offset: payload.read, left: 0 };
            let taken = message.take(&chunk, limits)?;
            *input = input.get(taken..).unwrap_or_default();
            payload.read += taken as u64;
            if let Some(piece) = message.hand_out()? {
                return Ok(Step::Some(Arrived::Piece(piece)));
            }
            if payload.is_read() && !header.fin {
                self.message = payload.take_message().map(Box::new);
                return Ok(Step::Frame);
            }
            if !payload.is_read() && input.is_empty() {
                return Ok(Step::Incomplete);
            }
        }
    }

    /// The message's last piece has been handed out.
    fn end_pieces(&mut self, payload: &mut Payload) -> Step {
        self.delivery = Delivery::Whole;
        if let Some(used) = payload.take_message().and_then(Assembly::into_inflater) {
            self.inbound.give_back(used);
        }
        Step::Last(Arrived::End)
    }

    pub(super) fn read_dropped(
        &mut self,
        payload: &mut Payload,
        input: &mut &[u8],
        limits: &Limits,
    ) -> Result<Step, DecodeError> {
        loop {
            match self.read_piece(payload, input, limits)? {
                Step::Some(_) => {}
                Step::Last(_) => return Ok(Step::Frame),
                step => return Ok(step),
            }
        }
    }
}
