//! What the two ends tell each other.

use bytes::Bytes;
use bytestring::ByteString;

use crate::close::CloseReason;
use crate::frame::MAX_CONTROL;

/// A whole message, whatever fragments it came in. Clones share the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text, which is valid UTF-8 by construction.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// A text message.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// The payload's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The payload's bytes, shared.
    pub(crate) fn payload(&self) -> Bytes {
        match self {
            Self::Text(text) => text.as_bytes().clone(),
            Self::Binary(bytes) => bytes.clone(),
        }
    }
}

/// A ping or pong of more than 125 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a ping or pong has at most 125 bytes")]
pub struct ControlTooLong;

/// The payload of a ping or a pong: at most 125 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlPayload(Bytes);

impl ControlPayload {
    /// Checks the length.
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, ControlTooLong> {
        let bytes = bytes.into();
        if bytes.len() > MAX_CONTROL { Err(ControlTooLong) } else { Ok(Self(bytes)) }
    }

    /// What came in a frame, whose header has been checked.
    pub(crate) fn of_frame(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// What arrives, in the order it arrives in. Control frames come between the fragments of a
/// message, so they are seen before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A message is complete.
    Message(Message),
    /// The peer wants a pong with the same payload.
    Ping(ControlPayload),
    /// The answer to a ping, or a sign of life that nobody asked for.
    Pong(ControlPayload),
    /// The peer closes. Nothing that follows is read.
    Close(Option<CloseReason>),
}
