//! Messages that are encoded once, for any number of connections.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::deflate::{Level, WindowBits, compress_once};
use crate::encode::{Form, one_buffer, opcode_of};
use crate::message::Message;

/// Windows of 8 to 15 bits.
const WINDOWS: usize = 8;

/// A message whose frames are made once and shared by all servers' connections it is sent on.
///
/// The plain frame is made at once. The compressed ones, one for each size of window that any
/// connection has, are made when the first connection asks; others that ask meanwhile wait for it.
/// Clones share all of it.
#[derive(Debug, Clone)]
pub struct PreparedMessage(Arc<Prepared>);

#[derive(Debug)]
struct Prepared {
    message: Message,
    level: Level,
    plain: Bytes,
    /// By window bits. `None` inside: the message gets no smaller.
    compressed: [OnceLock<Option<Bytes>>; WINDOWS],
}

impl PreparedMessage {
    /// Prepares a message, to be compressed fast where it is.
    pub fn new(message: Message) -> Self {
        Self::with_level(message, Level::FAST)
    }

    /// Prepares a message, to be compressed at this level where it is.
    pub fn with_level(message: Message, level: Level) -> Self {
        let plain = one_buffer(opcode_of(&message), Form::Plain, message.as_bytes());
        Self(Arc::new(Prepared { message, level, plain, compressed: Default::default() }))
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// Bytes of the plain frame.
    pub(crate) fn plain_len(&self) -> usize {
        self.0.plain.len()
    }

    pub(crate) fn plain(&self) -> &Bytes {
        &self.0.plain
    }

    /// The compressed frame for this window, if it is smaller.
    pub(crate) fn compressed(&self, bits: WindowBits) -> Option<&Bytes> {
        let place = usize::from(bits.get() - WindowBits::MIN.get());
        let made = self.0.compressed.get(place)?;
        let compress = || {
            let payload = compress_once(self.0.message.as_bytes(), bits, self.0.level)?;
            Some(one_buffer(opcode_of(&self.0.message), Form::Compressed, &payload))
        };
        made.get_or_init(compress).as_ref()
    }
}

impl From<Message> for PreparedMessage {
    fn from(message: Message) -> Self {
        Self::new(message)
    }
}
