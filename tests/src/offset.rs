//! Offset tokens: 16 digits of lineage, `_`, 16 digits of position. Comparing tokens as text
//! compares them as places in a stream.

use std::fmt;

/// The start of every stream.
pub const START: &str = "0000000000000000_0000000000000000";

/// A well-formed token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset(String);

impl Offset {
    /// Takes a token apart and requires its form.
    ///
    /// # Panics
    /// When it is not a token.
    #[track_caller]
    pub fn parse(token: &str) -> Self {
        let digits = |part: &str| part.len() == 16 && part.bytes().all(|b| b.is_ascii_digit());
        let well_formed = token.split_once('_').is_some_and(|(a, b)| digits(a) && digits(b));
        assert!(well_formed, "{token:?} is no offset token");
        Self(token.to_owned())
    }

    /// A token from its two numbers.
    pub fn new(lineage: u64, position: u64) -> Self {
        Self(format!("{lineage:016}_{position:016}"))
    }

    /// The first number.
    pub fn lineage(&self) -> u64 {
        self.0[..16].parse().expect("16 digits")
    }

    /// The second number: bytes since the start of the stream.
    pub fn position(&self) -> u64 {
        self.0[17..].parse().expect("16 digits")
    }

    /// The token of the same lineage `bytes` further on.
    #[must_use]
    pub fn plus(&self, bytes: u64) -> Self {
        Self::new(self.lineage(), self.position() + bytes)
    }

    /// The token as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
