//! What a decoder makes of bytes, in a form that models can make too.

use std::time::Instant;

use headwater_ws::{Decoder, Limits, Message, Received, Role};

/// One thing that arrived, or the close code of the error that ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Failed(u16),
}

impl From<Received> for Seen {
    fn from(received: Received) -> Self {
        match received {
            Received::Message(Message::Text(text)) => Self::Text(text.to_string()),
            Received::Message(Message::Binary(bytes)) => Self::Binary(bytes.to_vec()),
            Received::Ping(payload) => Self::Ping(payload.as_bytes().to_vec()),
            Received::Pong(payload) => Self::Pong(payload.as_bytes().to_vec()),
            Received::Close(reason) => {
                Self::Close(reason.map(|reason| (reason.code().number(), reason.text().to_owned())))
            }
        }
    }
}

/// A server's decoder without compression.
pub(crate) fn server() -> Decoder {
    Decoder::new(Role::Server, Limits::DEFAULT)
}

/// What a decoder sees of pieces of bytes.
pub(crate) fn decode(mut decoder: Decoder, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match decoder.decode(&mut piece, Instant::now()) {
                Ok(Some(received)) => seen.push(received.into()),
                Ok(None) => break,
                Err(error) => {
                    seen.push(Seen::Failed(error.close_code().number()));
                    return seen;
                }
            }
        }
        assert!(piece.is_empty(), "a decoder takes all bytes");
    }
    seen
}

/// A frame, as it is or as it must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) fin: bool,
    /// RSV1 to RSV3, the three lowest bits.
    pub(crate) reserved: u8,
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// A final frame from a client.
    pub(crate) fn new(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        let mask = Some([0x5A, 0x01, 0xFF, 0x33]);
        Self { fin: true, reserved: 0, opcode, mask, payload: payload.into() }
    }

    /// The same, with more to come.
    pub(crate) fn more(opcode: u8, payload: impl Into<Vec<u8>>) -> Self {
        Self { fin: false, ..Self::new(opcode, payload) }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let first = u8::from(self.fin) << 7 | self.reserved << 4 | self.opcode;
        let masked = u8::from(self.mask.is_some()) << 7;
        let mut bytes = vec![first];
        match self.payload.len() {
            length @ ..126 => bytes.push(masked | length as u8),
            length @ ..65_536 => {
                bytes.push(masked | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(masked | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        let key = self.mask.unwrap_or_default();
        bytes.extend(self.mask.into_iter().flatten());
        bytes.extend(self.payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
        bytes
    }
}

pub(crate) fn bytes_of(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(Frame::bytes).collect()
}
