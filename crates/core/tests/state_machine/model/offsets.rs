//! Offsets of the model: who wrote the next byte, and where it is.

use headwater_core::{Lineage, Offset, StreamKey, StreamState};

use super::{Model, Stream};

/// An offset taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) id: u64,
    pub(crate) position: u64,
}

/// Why a token cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nobody has been given it yet.
    Beyond,
    /// What it points at is not in this stream any more.
    Expired,
}

impl Token {
    pub(crate) const START: Self = Self { id: 0, position: 0 };

    /// The token that a stream of the crate writes for a position.
    pub(crate) fn of(state: &StreamState, position: u64) -> Self {
        // Taking the text apart as `From` does is slow, and the writer is at hand.
        let offset = state.ranges.offset(position);
        let writer = state.ranges.holding(position, state.tail.position);
        let id = writer.map_or(state.ranges.own(), |range| range.lineage).0;
        let token = Self { id, position };
        if token.offset() == offset { token } else { offset.into() }
    }

    pub(crate) fn offset(self) -> Offset {
        Offset::new(Lineage(self.id), self.position)
    }
}

impl From<Offset> for Token {
    fn from(offset: Offset) -> Self {
        let text = offset.to_string();
        let (id, position) = text.split_once('_').unwrap();
        Self { id: id.parse().unwrap(), position: position.parse().unwrap() }
    }
}

impl Stream {
    /// The token of a position: it names who wrote the byte there, or the stream itself at its tail.
    pub(crate) fn token(&self, position: u64) -> Token {
        let mut end = 0;
        for record in &self.records {
            end += record.bytes.len() as u64;
            if position < end {
                return Token { id: record.writer, position };
            }
        }
        Token { id: self.id, position }
    }
}

impl Model {
    /// The position that a token means in a stream.
    ///
    /// A fork takes the tokens of its ancestors up to where it diverged, so the way leads from child to parent, and
    /// what can be reached shrinks at every fork point.
    pub(crate) fn resolve(&self, stream: &Stream, token: Token) -> Result<u64, Lost> {
        if token == Token::START {
            return Ok(0);
        }
        if token.id > stream.id || (token.id == stream.id && token.position > stream.len()) {
            return Err(Lost::Beyond);
        }
        let mut writer = stream;
        let mut reach = stream.len();
        loop {
            if writer.id == token.id {
                let within = writer.base() <= token.position && token.position <= reach;
                return if within { Ok(token.position) } else { Err(Lost::Expired) };
            }
            let Some(parent) = &writer.parent else { return Err(Lost::Expired) };
            reach = reach.min(parent.at);
            writer = self.incarnation(&parent.key, parent.id);
        }
    }

    /// The parent of a stream stays as long as the stream.
    fn incarnation(&self, key: &StreamKey, id: u64) -> &Stream {
        self.streams.get(key).filter(|stream| stream.id == id).unwrap()
    }
}
