//! Close codes and reasons, as RFC 6455 section 7.4 has them.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use crate::decode::DecodeError;
use crate::frame::MAX_CONTROL;

/// The most bytes a reason may have: a control frame's, less the two of the code.
pub const MAX_REASON: usize = MAX_CONTROL - 2;

/// A close code that may be sent: 1000 to 1003, 1007 to 1014, and 3000 to 4999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

/// This number is reserved, or never on the wire, so it cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a close code that may be sent")]
pub struct InvalidCloseCode(pub u16);

impl CloseCode {
    /// What the connection was for is done.
    pub const NORMAL: Self = Self(1000);
    /// The server goes down, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// Data of a kind that is not accepted, binary where text is expected for example.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Data that contradict their kind, such as text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// What the peer did is not allowed, and no other code says it better.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message that is too big.
    pub const TOO_BIG: Self = Self(1009);
    /// A client that needs an extension which the server did not agree to.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// The server met something that it cannot deal with.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts: come again, after a while of random length.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server has too much to do: come again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// A gateway got an invalid answer.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code with this number.
    pub const fn new(number: u16) -> Result<Self, InvalidCloseCode> {
        match number {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(Self(number)),
            _ => Err(InvalidCloseCode(number)),
        }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a connection is closed: a code, and a text of at most [`MAX_REASON`] bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    code: CloseCode,
    text: ByteString,
}

impl CloseReason {
    /// A reason; a text that is too long is cut at the last character that fits.
    pub fn new(code: CloseCode, text: impl Into<ByteString>) -> Self {
        let mut text = text.into();
        if text.len() > MAX_REASON {
            text = text.split_at(text.floor_char_boundary(MAX_REASON)).0;
        }
        Self { code, text }
    }

    /// The code.
    pub fn code(&self) -> CloseCode {
        self.code
    }

    /// The text, for a developer rather than for a user.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The payload of the close frame that says so.
    pub(crate) fn payload(&self) -> Bytes {
        let mut payload = BytesMut::with_capacity(2 + self.text.len());
        payload.put_u16(self.code.0);
        payload.put_slice(self.text.as_bytes());
        payload.freeze()
    }

    /// Reads the payload of a close frame, which may be empty.
    pub(crate) fn parse(payload: Bytes) -> Result<Option<Self>, DecodeError> {
        if payload.is_empty() {
            return Ok(None);
        }
        let Some((code, text)) = payload.split_first_chunk() else {
            return Err(DecodeError::CloseTooShort);
        };
        let code = u16::from_be_bytes(*code);
        let code = CloseCode::new(code).map_err(|_| DecodeError::CloseCode(code))?;
        let text = ByteString::try_from(text).map_err(|_| DecodeError::InvalidUtf8)?;
        Ok(Some(Self { code, text }))
    }
}
