//! Frames in, messages and control frames out.

use std::time::Instant;

use bytes::Bytes;

use super::DecodeError;
use super::assembly::{Assembly, Chunk, Kind};
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

/// An incremental decoder of what one peer sends.
///
/// It reads no socket and no clock. It takes all bytes it is given, so the caller keeps none, and
/// between messages it holds no memory but its own few words, unless the peer's compression takes
/// context over from message to message. An error is final: every later call returns it again.
///
/// ```
/// use std::time::Instant;
/// use headwater_ws::{Decoder, Limits, Message, Received, Role};
///
/// let mut decoder = Decoder::new(Role::Client, Limits::DEFAULT);
/// let mut seen = Vec::new();
/// for mut bytes in [&b"\x01\x03hel"[..], b"\x89\x00\x80", b"\x02lo"] {
///     while let Some(received) = decoder.decode(&mut bytes, Instant::now())? {
///         seen.push(received);
///     }
/// }
/// assert_eq!(seen[0], Received::Ping(Default::default()));
/// assert_eq!(seen[1], Received::Message(Message::text("hello")));
/// # Ok::<(), headwater_ws::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    sender: Sender,
    limits: Limits,
    state: State,
    /// The data message that has begun.
    message: Option<Assembly>,
    inbound: Inbound,
    frames: Meter,
    controls: Meter,
}

#[derive(Debug)]
enum State {
    /// Bytes of the next header that are already here.
    Header {
        bytes: [u8; MAX_HEADER],
        length: usize,
    },
    Payload(Payload),
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
    /// A control frame's payload so far; those of data go to the message.
    control: Vec<u8>,
}

impl Decoder {
    /// A decoder for the end of a connection that has this role, at the start of the connection.
    pub fn new(role: Role, limits: Limits) -> Self {
        let sender = match role {
            Role::Server => Sender::Client,
            Role::Client => Sender::Server,
        };
        Self {
            sender,
            limits,
            state: BETWEEN,
            message: None,
            inbound: Inbound::off(),
            frames: Meter::default(),
            controls: Meter::default(),
        }
    }

    /// Accepts messages that are compressed as the handshake agreed.
    #[must_use]
    pub fn with_deflate(mut self, params: Params) -> Self {
        self.inbound = match self.sender {
            Sender::Client => Inbound::new(params.client),
            Sender::Server => Inbound::new(params.server),
        };
        self
    }

    /// The next thing that arrives, if the bytes complete one. The bytes that were read are taken
    /// off `input`; all of them were, if there is none.
    ///
    /// `now` is what rates are measured by.
    pub fn decode(
        &mut self,
        input: &mut &[u8],
        now: Instant,
    ) -> Result<Option<Received>, DecodeError> {
        self.advance(input, now).inspect_err(|error| {
            self.state = State::Failed(*error);
            self.message = None;
        })
    }

    fn advance(
        &mut self,
        input: &mut &[u8],
        now: Instant,
    ) -> Result<Option<Received>, DecodeError> {
        loop {
            match &mut self.state {
                State::Header { bytes, length } => {
                    match take_header(bytes, length, input, self.sender)? {
                        None => return Ok(None),
                        Some(header) => self.begin(header, now)?,
                    }
                }
                State::Payload(payload) => {
                    let length = payload.header.length;
                    if payload.read < length && input.is_empty() {
                        return Ok(None);
                    }
                    if let Some(received) = self.read_payload(input)? {
                        return Ok(Some(received));
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

    /// A header is complete: may this frame come here, now, and so long?
    fn begin(&mut self, header: Header, now: Instant) -> Result<(), DecodeError> {
        if self.limits.frame_rate.is_some_and(|rate| !self.frames.take(rate, now)) {
            return Err(DecodeError::FrameRate);
        }
        let mut control = Vec::new();
        match header.opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                if self.limits.control_rate.is_some_and(|rate| !self.controls.take(rate, now)) {
                    return Err(DecodeError::ControlRate);
                }
                control.reserve_exact(usize::try_from(header.length).unwrap_or_default());
            }
            Opcode::Text => self.begin_message(header, Kind::Text)?,
            Opcode::Binary => self.begin_message(header, Kind::Binary)?,
            Opcode::Continuation => {
                if header.rsv1 {
                    return Err(DecodeError::ReservedBits);
                }
                let message = self.message.as_mut().ok_or(DecodeError::UnexpectedContinuation)?;
                message.announce(header.length, &self.limits)?;
            }
        }
        self.state = State::Payload(Payload { header, read: 0, control });
        Ok(())
    }

    fn begin_message(&mut self, header: Header, kind: Kind) -> Result<(), DecodeError> {
        if self.message.is_some() {
            return Err(DecodeError::UnfinishedMessage);
        }
        let inflater = if header.rsv1 {
            Some(self.inbound.take().ok_or(DecodeError::ReservedBits)?)
        } else {
            None
        };
        let message = self.message.insert(Assembly::new(kind, inflater));
        message.announce(header.length, &self.limits)
    }

    /// Takes what is there of the payload, and the whole frame if that was the rest.
    fn read_payload(&mut self, input: &mut &[u8]) -> Result<Option<Received>, DecodeError> {
        let State::Payload(payload) = &mut self.state else { return Ok(None) };
        let left = payload.header.length - payload.read;
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let Some((bytes, rest)) = input.split_at_checked(here) else { return Ok(None) };
        *input = rest;
        let left = left - here as u64;
        let (header, offset) = (payload.header, payload.read);
        payload.read += here as u64;
        if header.opcode.is_control() {
            let start = payload.control.len();
            payload.control.extend_from_slice(bytes);
            if let (Some(key), Some(added)) = (header.mask, payload.control.get_mut(start..)) {
                apply_mask(added, key, offset);
            }
            if left > 0 {
                return Ok(None);
            }
            let payload = Bytes::from(std::mem::take(&mut payload.control));
            return self.end_control(header.opcode, payload).map(Some);
        }
        let Some(message) = &mut self.message else { return Ok(None) };
        message.append(&Chunk { bytes, mask: header.mask, offset, left }, &self.limits)?;
        if left > 0 || !header.fin {
            message.check_so_far()?;
            if left == 0 {
                self.state = BETWEEN;
            }
            return Ok(None);
        }
        self.state = BETWEEN;
        let Some(message) = self.message.take() else { return Ok(None) };
        let (message, inflater) = message.finish(&self.limits)?;
        if let Some(inflater) = inflater {
            self.inbound.give_back(inflater);
        }
        Ok(Some(Received::Message(message)))
    }

    fn end_control(&mut self, opcode: Opcode, payload: Bytes) -> Result<Received, DecodeError> {
        self.state = BETWEEN;
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
    length: &mut usize,
    input: &mut &[u8],
    sender: Sender,
) -> Result<Option<Header>, DecodeError> {
    let before = *length;
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
    let there = bytes.get(..*length).unwrap_or_default();
    let Some((header, size)) = Header::parse(there, sender)? else {
        // A header that is not complete has fewer bytes than the longest, so all were taken.
        *input = &[];
        return Ok(None);
    };
    *input = input.get(size - before..).unwrap_or_default();
    Ok(Some(header))
}
