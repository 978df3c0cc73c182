//! Frames in, messages and control frames out. The limits are an argument: all connections of a server have the same.
//!
//! What is only there while a frame or a message is incomplete is in a box, so that a connection that waits is small; a frame that
//! is all there needs none.

mod pieces;

use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Instant;

use bytes::Bytes;

use super::DecodeError;
use super::assembly::{Assembly, Chunk, Kind};
use pieces::Delivery;
pub(crate) use pieces::{Arrived, Want};

use crate::close::CloseReason;
use crate::deflate::{Inbound, Params};
use crate::frame::{Header, MAX_HEADER, Opcode, Sender, apply_mask};
use crate::limits::{Limits, Meter};
use crate::message::{ControlPayload, Received};

/// Which end of the connection this is. Servers read masked frames and write plain ones, clients
/// the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Accepts connections.
    Server,
    /// Opens them.
    Client,
}

#[derive(Debug)]
pub(crate) struct Reader {
    sender: Sender,
    state: State,
    /// The data message that has begun, between its frames.
    message: Option<Box<Assembly>>,
    inbound: Inbound,
    frames: Meter,
    controls: Meter,
    delivery: Delivery,
}

#[derive(Debug)]
enum State {
    /// Bytes of the next header that are already here.
    Header {
        bytes: [u8; MAX_HEADER],
        length: u8,
    },
    /// Some of a payload is still to come.
    Payload(Box<Payload>),
    /// The peer has said its last word.
    Closed,
    Failed(DecodeError),
}

/// Between two frames.
const BETWEEN: State = State::Header { bytes: [0; MAX_HEADER], length: 0 };

/// How far a frame's payload has been read.
#[derive(Debug)]
struct Payload {
    header: Header,
    read: u64,
    body: Body,
}

/// What a payload goes to.
#[derive(Debug)]
enum Body {
    /// A control frame's, so far.
    Control(Vec<u8>),
    /// The message, with the frames before.
    Data(Assembly),
}

/// What reading a payload came to.
enum Step {
    /// More of it is to come.
    Incomplete,
    /// The frame is complete, and there is nothing to tell.
    Frame,
    /// The frame is complete, and with it what is told.
    Last(Arrived),
    /// There is more of the frame than what is told.
    Some(Arrived),
    /// It is data, which is not wanted.
    Unwanted,
}

impl Payload {
    fn is_read(&self) -> bool {
        self.read == self.header.length
    }

    /// Whether there may be something to tell of it without more input.
    fn is_owing(&self, want: Want) -> bool {
        self.is_read() || want != Want::Whole
    }

    /// The message, when the frame is complete.
    fn take_message(&mut self) -> Option<Assembly> {
        match mem::replace(&mut self.body, Body::Control(Vec::new())) {
            Body::Data(message) => Some(message),
            Body::Control(_) => None,
        }
    }
}

impl Reader {
    pub(crate) fn new(role: Role) -> Self {
        let sender = match role {
            Role::Server => Sender::Client,
            Role::Client => Sender::Server,
        };
        Self {
            sender,
            state: BETWEEN,
            message: None,
            inbound: Inbound::off(),
            frames: Meter::default(),
            controls: Meter::default(),
            delivery: Delivery::Whole,
        }
    }

    pub(crate) fn with_deflate(mut self, params: Params) -> Self {
        self.inbound = match self.sender {
            Sender::Client => Inbound::new(params.client),
            Sender::Server => Inbound::new(params.server),
        };
        self
    }

    /// See [`Decoder::decode`](super::Decoder::decode).
    pub(crate) fn read(
        &mut self,
        input: &mut &[u8],
        now: Instant,
        limits: &Limits,
    ) -> Result<Option<Received>, DecodeError> {
        Ok(match self.read_for(Want::Whole, input, now, limits)? {
            Some(Arrived::Received(received)) => Some(received),
            _ => None,
        })
    }

    /// The same for who wants something else. If there is nothing, either the input is all read or it begins with what is not wanted.
    ///
    /// Pieces have to be wanted one after the other: what else is wanted drops the rest of the message.
    pub(crate) fn read_for(
        &mut self,
        want: Want,
        input: &mut &[u8],
        now: Instant,
        limits: &Limits,
    ) -> Result<Option<Arrived>, DecodeError> {
        if self.delivery == Delivery::Pieces && want != Want::Piece {
            self.delivery = Delivery::Dropped;
        }
        self.advance(want, input, now, limits).inspect_err(|error| {
            self.state = State::Failed(*error);
            self.message = None;
        })
    }

    /// Whether there may be something without more input.
    pub(crate) fn is_owing(&self, want: Want) -> bool {
        matches!(&self.state, State::Payload(payload) if payload.is_owing(want))
    }

    /// Whether the next thing is of a message that is not to be had piece by piece.
    pub(crate) fn is_at_data(&self) -> bool {
        let State::Payload(payload) = &self.state else { return false };
        self.delivery == Delivery::Whole && matches!(payload.body, Body::Data(_))
    }

    fn advance(
        &mut self,
        want: Want,
        input: &mut &[u8],
        now: Instant,
        limits: &Limits,
    ) -> Result<Option<Arrived>, DecodeError> {
        loop {
            match &mut self.state {
                State::Header { bytes, length } => {
                    let Some(header) = take_header(bytes, length, input, self.sender)? else {
                        return Ok(None);
                    };
                    let body = self.begin(header, now, limits)?;
                    self.state = BETWEEN;
                    let mut payload = Payload { header, read: 0, body };
                    let step = self.read_payload(want, &mut payload, input, limits)?;
                    if let Break(arrived) = self.settle(step, || Box::new(payload)) {
                        return Ok(arrived);
                    }
                }
                State::Payload(payload) if input.is_empty() && !payload.is_owing(want) => {
                    return Ok(None);
                }
                State::Payload(_) => {
                    let State::Payload(mut payload) = mem::replace(&mut self.state, BETWEEN) else {
                        return Ok(None);
                    };
                    let step = self.read_payload(want, &mut payload, input, limits)?;
                    if let Break(arrived) = self.settle(step, || payload) {
                        return Ok(arrived);
                    }
                }
                State::Closed => {
                    *input = &[];
                    return Ok(None);
                }
                State::Failed(error) => return Err(*error),
            }
        }
    }

    /// What a step tells, unless to go on is all. A payload of which there is more is kept.
    fn settle(
        &mut self,
        step: Step,
        payload: impl FnOnce() -> Box<Payload>,
    ) -> ControlFlow<Option<Arrived>> {
        match step {
            Step::Frame => Continue(()),
            Step::Last(arrived) => Break(Some(arrived)),
            Step::Some(arrived) => {
                self.state = State::Payload(payload());
                Break(Some(arrived))
            }
            Step::Incomplete | Step::Unwanted => {
                self.state = State::Payload(payload());
                Break(None)
            }
        }
    }

    /// A header is complete: may this frame come here, now, and so long?
    fn begin(
        &mut self,
        header: Header,
        now: Instant,
        limits: &Limits,
    ) -> Result<Body, DecodeError> {
        if limits.frame_rate.is_some_and(|rate| !self.frames.take(rate, now)) {
            return Err(DecodeError::FrameRate);
        }
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                if limits.control_rate.is_some_and(|rate| !self.controls.take(rate, now)) {
                    return Err(DecodeError::ControlRate);
                }
                let length = usize::try_from(header.length).unwrap_or_default();
                Ok(Body::Control(Vec::with_capacity(length)))
            }
            Opcode::Text => self.begin_message(header, Kind::Text, limits),
            Opcode::Binary => self.begin_message(header, Kind::Binary, limits),
            Opcode::Continuation => {
                if header.rsv1 {
                    return Err(DecodeError::ReservedBits);
                }
                let mut message = self.message.take().ok_or(DecodeError::UnexpectedContinuation)?;
                message.announce(header.length, limits)?;
                Ok(Body::Data(*message))
            }
        }
    }

    fn begin_message(
        &mut self,
        header: Header,
        kind: Kind,
        limits: &Limits,
    ) -> Result<Body, DecodeError> {
        if self.message.is_some() {
            return Err(DecodeError::UnfinishedMessage);
        }
        let inflater = if header.rsv1 {
            Some(self.inbound.take().ok_or(DecodeError::ReservedBits)?)
        } else {
            None
        };
        let mut message = Assembly::new(kind, inflater);
        message.announce(header.length, limits)?;
        Ok(Body::Data(message))
    }

    /// Takes what is there of the payload, or as much as is wanted at once.
    fn read_payload(
        &mut self,
        want: Want,
        payload: &mut Payload,
        input: &mut &[u8],
        limits: &Limits,
    ) -> Result<Step, DecodeError> {
        if let Body::Data(message) = &mut payload.body {
            match (self.delivery, want) {
                (Delivery::Whole, Want::Whole) => {}
                (Delivery::Whole, Want::Control) => return Ok(Step::Unwanted),
                (Delivery::Whole, Want::Begin | Want::Piece) => {
                    self.delivery = Delivery::Pieces;
                    return Ok(Step::Some(Arrived::Begun(message.kind())));
                }
                (Delivery::Pieces, _) => return self.read_piece(payload, input, limits),
                (Delivery::Dropped, _) => return self.read_dropped(payload, input, limits),
            }
        }
        self.read_whole(payload, input, limits)
    }

    /// Takes what is there of the payload, and the whole frame if that was the rest.
    fn read_whole(
        &mut self,
        payload: &mut Payload,
        input: &mut &[u8],
        limits: &Limits,
    ) -> Result<Step, DecodeError> {
        let left = payload.header.length - payload.read;
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let Some((bytes, rest)) = input.split_at_checked(here) else { return Ok(Step::Incomplete) };
        *input = rest;
        let left = left - here as u64;
        let (header, offset) = (payload.header, payload.read);
        payload.read += here as u64;
        match &mut payload.body {
            Body::Control(control) => {
                let start = control.len();
                control.extend_from_slice(bytes);
                if let (Some(key), Some(added)) = (header.mask, control.get_mut(start..)) {
                    apply_mask(added, key, offset);
                }
                if left > 0 {
                    return Ok(Step::Incomplete);
                }
                let payload = Bytes::from(mem::take(control));
                let received = self.end_control(header.opcode, payload)?;
                Ok(Step::Last(Arrived::Received(received)))
            }
            Body::Data(message) => {
                message.append(&Chunk { bytes, mask: header.mask, offset, left }, limits)?;
                if left > 0 {
                    message.check_so_far()?;
                    return Ok(Step::Incomplete);
                }
                let Some(message) = payload.take_message() else { return Ok(Step::Incomplete) };
                self.end_frame(header, message, limits)
            }
        }
    }

    fn end_frame(
        &mut self,
        header: Header,
        mut message: Assembly,
        limits: &Limits,
    ) -> Result<Step, DecodeError> {
        if !header.fin {
            message.check_so_far()?;
            self.message = Some(Box::new(message));
            return Ok(Step::Frame);
        }
        let (message, inflater) = message.finish(limits)?;
        if let Some(inflater) = inflater {
            self.inbound.give_back(inflater);
        }
        Ok(Step::Last(Arrived::Received(Received::Message(message))))
    }

    fn end_control(&mut self, opcode: Opcode, payload: Bytes) -> Result<Received, DecodeError> {
        Ok(match opcode {
            Opcode::Ping => Received::Ping(ControlPayload::of_frame(payload)),
            Opcode::Pong => Received::Pong(ControlPayload::of_frame(payload)),
            _ => {
                let reason = CloseReason::parse(payload)?;
                self.state = State::Closed;
                self.message = None;
                Received::Close(reason)
            }
        })
    }
}

/// Adds to the header's bytes until they are all there.
fn take_header(
    bytes: &mut [u8; MAX_HEADER],
    length: &mut u8,
    input: &mut &[u8],
    sender: Sender,
) -> Result<Option<Header>, DecodeError> {
    let before = usize::from(*length);
    if before == 0
        && let Some((header, size)) = Header::parse(input, sender)?
    {
        *input = input.get(size..).unwrap_or_default();
        return Ok(Some(header));
    }
    for (place, byte) in bytes.iter_mut().skip(before).zip(input.iter()) {
        *place = *byte;
        *length += 1;
    }
    let there = bytes.get(..usize::from(*length)).unwrap_or_default();
    let Some((header, size)) = Header::parse(there, sender)? else {
        // A header that is not complete has fewer bytes than the longest, so all were taken.
        *input = &[];
        return Ok(None);
    };
    *input = input.get(size - before..).unwrap_or_default();
    Ok(Some(header))
}
