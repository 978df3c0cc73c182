//! All the tokens that readers have ever been given, and the bytes they had read by then.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use headwater_core::StreamState;

use crate::invariants::Check;
use crate::model::{Lost, Model, Stream, Token};
use crate::seen::Content;

/// How many old tokens are followed on every stream after every step. All of them are when a stream is created, and at
/// the end.
const SAMPLE: usize = 6;

/// The invariant that following tokens shows: whichever stream takes it, a token stands for the bytes it was given out
/// for. What else is found here is a difference to the model.
pub(crate) const A_TOKEN_STANDS_FOR_THE_SAME_BYTES: &str = "a_token_stands_for_the_same_bytes";

#[derive(Default)]
pub(crate) struct Ledger {
    read: BTreeMap<Token, Vec<u8>>,
    /// In the order in which they were given out.
    pub(crate) tokens: Vec<Token>,
    /// Where the next sample begins.
    turn: usize,
}

/// A stream as both sides see it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) state: &'a StreamState,
    pub(crate) content: &'a Content,
    pub(crate) stream: &'a Stream,
    pub(crate) model: &'a Model,
}

impl Ledger {
    /// Gives out the tokens of a stream's record boundaries and its tail.
    ///
    /// A token that was given out before, by whichever stream, stands for the same bytes; and its writer is the model's.
    pub(crate) fn issue(&mut self, reader: Reader<'_>) -> Check {
        let Reader { state, content, stream, .. } = reader;
        let ends = content.records.iter().map(|(_, _, to, _)| *to);
        for position in [0].into_iter().chain(ends) {
            let token = Token::of(state, position);
            let bytes = content.bytes.get(..position as usize);
            if let Some(read) = self.read.get(&token) {
                same(token, read, stream, bytes)?;
            }
            let expected = stream.token(position);
            if token != expected {
                return Err(format!("the token of {position} is {token:?}, not {expected:?}"));
            }
            if let Entry::Vacant(new) = self.read.entry(token) {
                new.insert(bytes.unwrap_or_default().to_vec());
                self.tokens.push(token);
            }
        }
        Ok(())
    }

    /// Follows some of the tokens on a stream.
    pub(crate) fn follow_some(&self, reader: Reader<'_>) -> Check {
        let start = self.turn.checked_rem(self.tokens.len()).unwrap_or_default();
        let sample = self.tokens.iter().cycle().skip(start).take(SAMPLE.min(self.tokens.len()));
        sample.copied().try_for_each(|token| self.follow(token, reader))
    }

    /// Follows all tokens on a stream.
    pub(crate) fn follow_all(&self, reader: Reader<'_>) -> Check {
        self.tokens.iter().copied().try_for_each(|token| self.follow(token, reader))
    }

    /// Goes on to the next sample.
    pub(crate) fn turn(&mut self) {
        self.turn += SAMPLE;
    }

    /// A token resolves to the position after the bytes it stood for, or is refused; as the model says.
    fn follow(&self, token: Token, reader: Reader<'_>) -> Check {
        let Reader { state, content, stream, model } = reader;
        let resolved = state.ranges.resolve(token.offset(), state.tail.position);
        let resolved = resolved.map_err(|error| match error {
            headwater_core::OffsetError::Beyond => Lost::Beyond,
            _ => Lost::Expired,
        });
        if let (Ok(position), Some(read)) = (resolved, self.read.get(&token)) {
            same(token, read, stream, content.bytes.get(..position as usize))?;
        }
        let expected = model.resolve(stream, token);
        if resolved != expected {
            return Err(format!("{token:?} in {} is {resolved:?}, not {expected:?}", stream.id));
        }
        Ok(())
    }
}

fn same(token: Token, read: &[u8], stream: &Stream, bytes: Option<&[u8]>) -> Check {
    if bytes == Some(read) {
        return Ok(());
    }
    let name = A_TOKEN_STANDS_FOR_THE_SAME_BYTES;
    Err(format!("{name}: {token:?} stood for {read:?}, in {} for {bytes:?}", stream.id))
}
