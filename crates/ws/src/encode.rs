//! From messages to frames.

use bytes::Bytes;

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
    closed: bool,
}

impl Encoder {
    /// An encoder for the end of a connection that has this role.
    pub fn new(role: Role) -> Self {
        Self { role, deflate: None, closed: false }
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
        if self.closed {
            return Err(Closed);
        }
        let opcode = opcode_of(message);
        if let Some((outbound, threshold)) = self.deflate.as_deref_mut()
            && message.as_bytes().len() >= *threshold
            && let Some(compressed) = outbound.compress(message.as_bytes())
        {
            self.frame(opcode, Form::Compressed, Bytes::from(compressed), out);
        } else {
            self.frame(opcode, Form::Plain, message.payload(), out);
        }
        Ok(())
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
        if self.closed {
            return Err(Closed);
        }
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
        self.frame(opcode, Form::Plain, payload, out);
        Ok(())
    }

    fn frame(&self, opcode: Opcode, form: Form, payload: Bytes, out: &mut impl Extend<Bytes>) {
        match self.role {
            Role::Server => plain_frame(opcode, form, payload, out),
            Role::Client => out.extend([masked_frame(opcode, form, &payload)]),
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

fn header(opcode: Opcode, form: Form, mask: Option<[u8; 4]>, payload: &[u8]) -> Header {
    let rsv1 = form == Form::Compressed;
    Header { fin: true, rsv1, opcode, mask, length: payload.len() as u64 }
}

/// A server's frame, in one buffer or in two.
fn plain_frame(opcode: Opcode, form: Form, payload: Bytes, out: &mut impl Extend<Bytes>) {
    if payload.len() <= COPIED {
        out.extend([one_buffer(opcode, form, &payload)]);
        return;
    }
    let mut head = Vec::with_capacity(MAX_HEADER);
    header(opcode, form, None, &payload).write(&mut head);
    out.extend([Bytes::from(head), payload]);
}

/// A server's frame in one buffer.
pub(crate) fn one_buffer(opcode: Opcode, form: Form, payload: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(MAX_HEADER + payload.len());
    header(opcode, form, None, payload).write(&mut frame);
    frame.extend_from_slice(payload);
    Bytes::from(frame)
}

/// A client's frame. The mask has to be unpredictable, so that no page can choose what a proxy on
/// the way sees (RFC 6455, 10.3).
fn masked_frame(opcode: Opcode, form: Form, payload: &[u8]) -> Bytes {
    let key = rand::random();
    let mut frame = Vec::with_capacity(MAX_HEADER + payload.len());
    header(opcode, form, Some(key), payload).write(&mut frame);
    let start = frame.len();
    frame.extend_from_slice(payload);
    if let Some(payload) = frame.get_mut(start..) {
        apply_mask(payload, key, 0);
    }
    Bytes::from(frame)
}
