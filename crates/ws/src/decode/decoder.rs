//! The decoder as its user has it: with limits of its own.

use std::time::Instant;

use super::reader::Reader;
use super::{DecodeError, Role};
use crate::deflate::Params;
use crate::limits::Limits;
use crate::message::Received;

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
    limits: Limits,
    reader: Reader,
}

impl Decoder {
    /// A decoder for the end of a connection that has this role, at the start of the connection.
    pub fn new(role: Role, limits: Limits) -> Self {
        Self { limits, reader: Reader::new(role) }
    }

    /// Accepts messages that are compressed as the handshake agreed.
    #[must_use]
    pub fn with_deflate(mut self, params: Params) -> Self {
        self.reader = self.reader.with_deflate(params);
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
        self.reader.read(input, now, &self.limits)
    }
}
