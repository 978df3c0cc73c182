//! Writers that number their appends, and the writer sequence of applications.

use std::fmt;
use std::sync::Arc;

/// Largest epoch and sequence: what JavaScript can hold exactly, 2^53 - 1.
pub const MAX_PRODUCER_NUMBER: u64 = (1 << 53) - 1;

/// Longest producer id, in bytes. Ids are row keys; a UUID is 36.
pub const MAX_PRODUCER_ID_BYTES: usize = 256;

/// Longest `Stream-Seq`, in bytes. It is kept with every stream's state.
pub const MAX_STREAM_SEQ_BYTES: usize = 256;

/// Why producer fields were refused before they met a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProducer {
    /// The id is empty or longer than [`MAX_PRODUCER_ID_BYTES`].
    #[error("a producer id must be 1 to {MAX_PRODUCER_ID_BYTES} bytes")]
    Id,
    /// Not a decimal number in `0..=2^53-1`.
    #[error("producer epoch and sequence must be integers from 0 to 2^53-1")]
    Number,
}

/// The name a writer gives itself; it stays the same over the writer's restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerId(Arc<str>);

impl ProducerId {
    /// Parses an id.
    ///
    /// # Errors
    /// [`InvalidProducer::Id`] when empty or too long.
    pub fn parse(text: &str) -> Result<Self, InvalidProducer> {
        if text.is_empty() || text.len() > MAX_PRODUCER_ID_BYTES {
            return Err(InvalidProducer::Id);
        }
        Ok(Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProducerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An epoch or a sequence of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerNumber(u64);

impl ProducerNumber {
    /// The first number of every epoch.
    pub const ZERO: Self = Self(0);

    /// Checks the range.
    ///
    /// # Errors
    /// [`InvalidProducer::Number`] above [`MAX_PRODUCER_NUMBER`].
    pub fn new(number: u64) -> Result<Self, InvalidProducer> {
        if number > MAX_PRODUCER_NUMBER { Err(InvalidProducer::Number) } else { Ok(Self(number)) }
    }

    /// Parses decimal digits; no sign, no exponent, nothing else.
    ///
    /// # Errors
    /// [`InvalidProducer::Number`].
    pub fn parse(text: &str) -> Result<Self, InvalidProducer> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidProducer::Number);
        }
        Self::new(text.parse().map_err(|_| InvalidProducer::Number)?)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    /// The next sequence expected after this one.
    #[must_use]
    pub fn next(self) -> u64 {
        self.0 + 1
    }
}

impl fmt::Display for ProducerNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an append says about its producer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProducerTuple {
    /// Who writes.
    pub id: ProducerId,
    /// Which life of the writer.
    pub epoch: ProducerNumber,
    /// Which append of that life, from 0.
    pub seq: ProducerNumber,
}

/// What a stream remembers of a producer: one row per (stream, producer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerState {
    /// Current epoch.
    pub epoch: ProducerNumber,
    /// Last accepted sequence of it.
    pub seq: ProducerNumber,
}

/// An application's own writer sequence: opaque bytes, compared bytewise, strictly increasing per stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamSeq(Arc<[u8]>);

/// The value is empty or longer than [`MAX_STREAM_SEQ_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stream sequence must be 1 to {MAX_STREAM_SEQ_BYTES} bytes")]
pub struct InvalidStreamSeq;

impl StreamSeq {
    /// Checks the length.
    ///
    /// # Errors
    /// [`InvalidStreamSeq`].
    pub fn new(bytes: &[u8]) -> Result<Self, InvalidStreamSeq> {
        if bytes.is_empty() || bytes.len() > MAX_STREAM_SEQ_BYTES {
            return Err(InvalidStreamSeq);
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_up_to_two_to_the_53() {
        for (text, expected) in [
            ("0", Some(0)),
            ("00", Some(0)),
            ("9007199254740991", Some(MAX_PRODUCER_NUMBER)),
            ("9007199254740992", None),
            ("99999999999999999999999", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1abc", None),
            ("0xyz", None),
            ("1e3", None),
            (" 1", None),
        ] {
            assert_eq!(
                ProducerNumber::parse(text).ok().map(ProducerNumber::get),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(ProducerId::parse("").is_err());
        assert!(ProducerId::parse(&"x".repeat(MAX_PRODUCER_ID_BYTES + 1)).is_err());
        assert!(StreamSeq::new(b"").is_err());
        assert!(StreamSeq::new(&[b'x'; MAX_STREAM_SEQ_BYTES + 1]).is_err());
        assert!(StreamSeq::new(b"2").unwrap() > StreamSeq::new(b"10").unwrap());
    }
}
