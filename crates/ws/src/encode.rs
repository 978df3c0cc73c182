//! From messages to frames, a frame each or, where a message is not known as a whole (`fragments`), several.

mod fragments;

use bytes::Bytes;
use fragments::Begun;
pub(crate) use fragments::Place;

use crate::close::CloseReason;
use crate::decode::Role;
use crate::deflate::{Deflate, Outbound, Params};
use crate::frame::{Header, MAX_HEADER, Opcode, apply_mask};
use crate::message::{ControlPayload, Message};
use crate::prepared::PreparedMessage;

/// Payloads up to this many bytes are copied behind their header, so that a frame is one buffer.
/// Longer ones are sent from where they are: a second buffer costs less than the copy.
const COPIED: usize = 4096;

/// The connection is closed for writing: its close frame has been encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closed")]
pub struct Closed;

/// Makes the frames that one end sends, as buffers to be written one after the other.
///
/// A server's frame of a long message shares the message's memory, and so does one that is
/// prepared. A client's has to be copied, because it is masked.
#[derive(Debug)]
pub struct Encoder {
    role: Role,
    /// In a box, because it is not always agreed on. With the length that is worth it.
    deflate: Option<Box<(Outbound, usize)>>,
    /// A message of which there have been fragments, and not the last.
    begun: Option<Box<Begun>>,
    closed: bool,
}

impl Encoder {
    /// An encoder for the end of a connection that has this role.
    pub fn new(role: Role) -> Self {
        Self { role, deflate: None, begun: None, closed: false }
    }

    /// Compresses messages as the handshake agreed, from the length on that `wanted` has.
    #[must_use]
    pub fn with_deflate(mut self, params: Params, wanted: &Deflate) -> Self {
        let direction = match self.role {
            Role::Server => params.server,
            Role::Client => params.client,
        };
        let outbound = Outbound::new(direction, wanted.level);
        self.deflate = Some(Box::new((outbound, wanted.threshold)));
        self
    }

    /// Whether the close frame has been encoded, so that nothing can follow.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Encodes a message.
    pub fn message(
        &mut self,
        message: &Message,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        self.whole(opcode_of(message), message.payload(), out)
    }

    fn whole(
        &mut self,
        opcode: Opcode,
        payload: Bytes,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        self.demand_room_for_message()?;
        if let Some((outbound, threshold)) = self.deflate.as_deref_mut()
            && payload.len() >= *threshold
            && let Some(compressed) = outbound.compress(&payload)
        {
            self.frame(Lead::whole(opcode, Form::Compressed), Bytes::from(compressed), out);
        } else {
            self.frame(Lead::whole(opcode, Form::Plain), payload, out);
        }
        Ok(())
    }

    /// A message cannot come between the fragments of another, nor after the close frame.
    fn demand_room_for_message(&self) -> Result<(), Closed> {
        if self.takes_messages() { Ok(()) } else { Err(Closed) }
    }

    pub(crate) fn takes_messages(&self) -> bool {
        !self.closed && self.begun.is_none()
    }

    /// Encodes a message that may be encoded already, for other connections.
    pub fn prepared(
        &mut self,
        prepared: &PreparedMessage,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        if self.role == Role::Client {
            return self.message(prepared.message(), out);
        }
        self.demand_room_for_message()?;
        out.extend([self.kept(prepared).clone()]);
        Ok(())
    }

    /// The frame of a message that is encoded for all servers' connections. It is the next that is sent.
    pub(crate) fn kept<'a>(&mut self, prepared: &'a PreparedMessage) -> &'a Bytes {
        if let Some((outbound, threshold)) = self.deflate.as_deref_mut()
            && prepared.message().as_bytes().len() >= *threshold
            && let Some(frame) = prepared.compressed(outbound.window_bits())
        {
            outbound.forget_context();
            return frame;
        }
        prepared.plain()
    }

    /// Encodes a ping.
    pub fn ping(
        &mut self,
        payload: ControlPayload,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        self.control(Opcode::Ping, payload.into_bytes(), out)
    }

    /// Encodes a pong, the answer to the ping that had this payload.
    pub fn pong(
        &mut self,
        payload: ControlPayload,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        self.control(Opcode::Pong, payload.into_bytes(), out)
    }

    /// Encodes the close frame, the last there is. The answer to one repeats what that one had.
    pub fn close(
        &mut self,
        reason: Option<&CloseReason>,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        let payload = reason.map(CloseReason::payload).unwrap_or_default();
        self.control(Opcode::Close, payload, out)?;
        self.closed = true;
        // What it compressed with is of no use any more.
        self.deflate = None;
        self.begun = None;
        Ok(())
    }

    fn control(
        &mut self,
        opcode: Opcode,
        payload: Bytes,
        out: &mut impl Extend<Bytes>,
    ) -> Result<(), Closed> {
        if self.closed {
            return Err(Closed);
        }
        self.frame(Lead::whole(opcode, Form::Plain), payload, out);
        Ok(())
    }

    fn frame(&self, lead: Lead, payload: Bytes, out: &mut impl Extend<Bytes>) {
        match self.role {
            Role::Server => plain_frame(lead, payload, out),
            Role::Client => out.extend([masked_frame(lead, &payload)]),
        }
    }
}

pub(crate) fn opcode_of(message: &Message) -> Opcode {
    match message {
        Message::Text(_) => Opcode::Text,
        Message::Binary(_) => Opcode::Binary,
    }
}

/// Whether a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Compressed,
}

/// What a frame's header says beside its length and mask.
#[derive(Debug, Clone, Copy)]
struct Lead {
    opcode: Opcode,
    form: Form,
    place: Place,
}

impl Lead {
    /// Of a frame that is all there is.
    fn whole(opcode: Opcode, form: Form) -> Self {
        Self { opcode, form, place: Place::Last }
    }

    fn header(self, mask: Option<[u8; 4]>, payload: &[u8]) -> Header {
        let (fin, rsv1) = (self.place == Place::Last, self.form == Form::Compressed);
        Header { fin, rsv1, opcode: self.opcode, mask, length: payload.len() as u64 }
    }
}

/// A server's frame, in one buffer or in two.
fn plain_frame(lead: Lead, payload: Bytes, out: &mut impl Extend<Bytes>) {
    if payload.len() <= COPIED {
        out.extend([copied(lead, &payload)]);
        return;
    }
    let mut head = Vec::with_capacity(MAX_HEADER);
    lead.header(None, &payload).write(&mut head);
    out.extend([Bytes::from(head), payload]);
}

/// A server's frame of a whole message in one buffer.
pub(crate) fn one_buffer(opcode: Opcode, form: Form, payload: &[u8]) -> Bytes {
    copied(Lead::whole(opcode, form), payload)
}

fn copied(lead: Lead, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(MAX_HEADER + payload.len());
    lead.header(None, payload).write(&mut frame);
    frame.extend_from_slice(payload);
    Bytes::from(frame)
}

/// A client's frame. The mask has to be unpredictable, so that no page can choose what a proxy on
/// the way sees (RFC 6455, 10.3).
fn masked_frame(lead: Lead, payload: &[u8]) -> Bytes {
    let key = rand::random();
    let mut frame = Vec::with_capacity(MAX_HEADER + payload.len());
    lead.header(Some(key), payload).write(&mut frame);
    let start = frame.len();
    frame.extend_from_slice(payload);
    if let Some(payload) = frame.get_mut(start..) {
        apply_mask(payload, key, 0);
    }
    Bytes::from(frame)
}
