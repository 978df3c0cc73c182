//! Offsets: the opaque tokens by which readers remember where they are.
//!
//! # The rules
//!
//! A token is a lineage and a position, 16 decimal digits each, joined by `_`. Tokens of one stream sort by their bytes
//! in reading order, because a stream's bytes are a list of [`LineageRange`]s with growing lineages and positions:
//! what a fork inherited keeps the token it had in the ancestor, what the fork wrote itself carries the fork's own
//! lineage. A stream that was deleted and created anew has a larger lineage, so a token from before can never select
//! bytes of the new one.
//!
//! - `0000000000000000_0000000000000000` is the start of every stream.
//! - At the boundary of two ranges the newer range's token is written, and both are understood.
//! - A position past the tail, or a lineage newer than the stream's own, has not been issued: [`OffsetError::Beyond`].
//! - A lineage older than the stream's own that it has no range of, or a position that its range no longer or never
//!   had, points at bytes that are not in this stream any more: [`OffsetError::Expired`].

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Largest lineage and position that sixteen digits can write.
pub const MAX_NUMBER: u64 = 9_999_999_999_999_999;

/// The number of the unit that created a stream, counted per data directory from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage(pub u64);

/// A reader's token: where in which incarnation of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    lineage: u64,
    position: u64,
}

/// The text is not an offset that this or any server of this kind has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an offset is sixteen digits, an underscore, and sixteen digits")]
pub struct MalformedOffset;

/// A well-formed offset that does not point into a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OffsetError {
    /// Past the tail, or from a lineage that this stream has not reached.
    #[error("the offset lies beyond the tail of the stream")]
    Beyond,
    /// The bytes it points at are not in this stream any more.
    #[error("the offset points at data that is no longer available")]
    Expired,
    /// Not on the boundary of two records of a JSON stream.
    #[error("the offset does not lie on a message boundary")]
    Unaligned,
}

impl Offset {
    /// The start of any stream.
    pub const START: Self = Self { lineage: 0, position: 0 };

    /// The token for a position in a lineage.
    ///
    /// Both numbers come from a stream's state, whose commits are refused above [`MAX_NUMBER`].
    #[must_use]
    pub fn new(lineage: Lineage, position: u64) -> Self {
        Self { lineage: lineage.0, position }
    }

    /// The position alone; forks compare by it.
    #[must_use]
    pub fn position(self) -> u64 {
        self.position
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016}_{:016}", self.lineage, self.position)
    }
}

impl FromStr for Offset {
    type Err = MalformedOffset;

    fn from_str(text: &str) -> Result<Self, MalformedOffset> {
        let number = |digits: &str| {
            let valid = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_digit());
            valid.then(|| digits.parse().ok()).flatten().ok_or(MalformedOffset)
        };
        let (lineage, position) = text.split_once('_').ok_or(MalformedOffset)?;
        let offset = Self { lineage: number(lineage)?, position: number(position)? };
        // Lineages count from 1: with lineage 0 only the start was ever written.
        if offset.lineage == 0 && offset.position != 0 {
            return Err(MalformedOffset);
        }
        Ok(offset)
    }
}

/// A stretch of positions and the lineage that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineageRange {
    /// Who wrote the bytes.
    pub lineage: Lineage,
    /// First position.
    pub from: u64,
    /// Position after the last one.
    pub to: u64,
}

/// What a stream's positions are made of: ranges inherited by forking, then its own.
///
/// Ranges are contiguous from 0 and grow in lineage. The own range starts where the last inherited one ends and has no
/// upper bound but the tail. The range of an ancestor that had written nothing before the fork point is empty; it is kept,
/// because the ancestor may have given its token of that position to a reader who continues in the fork.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    inherited: Arc<[LineageRange]>,
    own: Lineage,
}

impl Ranges {
    /// A stream that inherited nothing.
    #[must_use]
    pub fn root(own: Lineage) -> Self {
        Self { inherited: Arc::default(), own }
    }

    /// A stream that starts with inherited ranges.
    #[must_use]
    pub fn with_inherited(inherited: Arc<[LineageRange]>, own: Lineage) -> Self {
        Self { inherited, own }
    }

    /// The lineage that this stream writes.
    #[must_use]
    pub fn own(&self) -> Lineage {
        self.own
    }

    /// The inherited part.
    #[must_use]
    pub fn inherited(&self) -> &[LineageRange] {
        &self.inherited
    }

    /// Where the own range begins: the fork point, 0 for a stream that is no fork.
    #[must_use]
    pub fn base(&self) -> u64 {
        self.inherited.last().map_or(0, |range| range.to)
    }

    /// What a fork of this stream at `position` inherits.
    #[must_use]
    pub fn cut(&self, position: u64) -> Arc<[LineageRange]> {
        let own = LineageRange { lineage: self.own, from: self.base(), to: position };
        self.inherited
            .iter()
            .copied()
            .chain([own])
            .filter(|range| range.from <= position)
            .map(|range| LineageRange { to: range.to.min(position), ..range })
            .collect()
    }

    /// The range that holds the byte at `position`, given the tail; `None` at or past the tail.
    #[must_use]
    pub fn holding(&self, position: u64, tail: u64) -> Option<LineageRange> {
        let own = LineageRange { lineage: self.own, from: self.base(), to: tail };
        let index = self.inherited.partition_point(|range| range.to <= position);
        let range = self.inherited.get(index).copied().unwrap_or(own);
        (position < range.to).then_some(range)
    }

    /// The token for a position: of the newest range that contains or ends at it.
    #[must_use]
    pub fn offset(&self, position: u64) -> Offset {
        let index = self.inherited.partition_point(|range| range.to <= position);
        let lineage = self.inherited.get(index).map_or(self.own, |range| range.lineage);
        Offset::new(lineage, position)
    }

    /// The position that a token means in a stream with this tail.
    ///
    /// # Errors
    /// [`OffsetError::Beyond`] and [`OffsetError::Expired`] by the rules of this module.
    pub fn resolve(&self, offset: Offset, tail: u64) -> Result<u64, OffsetError> {
        let Offset { lineage, position } = offset;
        if offset == Offset::START {
            return Ok(0);
        }
        if lineage > self.own.0 {
            return Err(OffsetError::Beyond);
        }
        if lineage == self.own.0 {
            return match position {
                p if p > tail => Err(OffsetError::Beyond),
                p if p < self.base() => Err(OffsetError::Expired),
                p => Ok(p),
            };
        }
        let inherited = self.inherited.iter().find(|range| range.lineage.0 == lineage);
        match inherited {
            Some(range) if (range.from..=range.to).contains(&position) => Ok(position),
            _ => Err(OffsetError::Expired),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fork() -> Ranges {
        let root = Ranges::root(Lineage(3));
        let middle = Ranges::with_inherited(root.cut(100), Lineage(5));
        Ranges::with_inherited(middle.cut(150), Lineage(9))
    }

    #[test]
    fn tokens_round_trip_and_sort() {
        let ranges = fork();
        let mut last = String::new();
        for position in [0, 1, 99, 100, 101, 149, 150, 151, 400] {
            let token = ranges.offset(position).to_string();
            assert!(token > last, "{token} after {last}");
            assert_eq!(ranges.resolve(token.parse().unwrap(), 400), Ok(position));
            last = token;
        }
    }

    #[test]
    fn both_tokens_of_a_boundary_are_read_and_the_newer_is_written() {
        let ranges = fork();
        assert_eq!(ranges.offset(100), Offset::new(Lineage(5), 100));
        for lineage in [3, 5] {
            assert_eq!(ranges.resolve(Offset::new(Lineage(lineage), 100), 400), Ok(100));
        }
    }

    #[test]
    fn the_token_of_an_ancestor_that_wrote_nothing_is_read_at_the_fork_point() {
        let root = Ranges::root(Lineage(3));
        let silent = Ranges::with_inherited(root.cut(0), Lineage(5));
        let fork = Ranges::with_inherited(silent.cut(0), Lineage(9));
        for lineage in [3, 5, 9] {
            assert_eq!(fork.resolve(Offset::new(Lineage(lineage), 0), 10), Ok(0));
        }
        assert_eq!(fork.offset(0), Offset::new(Lineage(9), 0));
        assert_eq!(fork.resolve(Offset::new(Lineage(5), 1), 10), Err(OffsetError::Expired));
        assert_eq!(fork.holding(0, 10).unwrap().lineage, Lineage(9));
    }

    #[test]
    fn tokens_that_point_elsewhere_are_refused() {
        let ranges = fork();
        for (lineage, position, expected) in [
            (9, 401, OffsetError::Beyond),
            (10, 0, OffsetError::Beyond),
            (9999, 400, OffsetError::Beyond),
            (3, 101, OffsetError::Expired),
            (5, 99, OffsetError::Expired),
            (5, 151, OffsetError::Expired),
            (9, 149, OffsetError::Expired),
            (2, 0, OffsetError::Expired),
            (4, 100, OffsetError::Expired),
        ] {
            let offset = Offset::new(Lineage(lineage), position);
            assert_eq!(ranges.resolve(offset, 400), Err(expected), "{offset}");
        }
        assert_eq!(ranges.resolve(Offset::START, 400), Ok(0));
    }

    #[test]
    fn malformed_tokens_are_refused() {
        for text in [
            "",
            "-1",
            "now",
            "1_2",
            "0000000000000001",
            "0000000000000001_000000000000001",
            "0000000000000001_00000000000000010",
            "+000000000000001_0000000000000001",
            "0000000000000001 0000000000000001",
            "0000000000000001_0000000000000001 ",
            "0000000000000000_0000000000000001",
            "０000000000000001_0000000000000001",
        ] {
            assert_eq!(text.parse::<Offset>(), Err(MalformedOffset), "{text:?}");
        }
    }

    #[test]
    fn holding_finds_the_range_of_a_byte() {
        let ranges = fork();
        for (position, lineage) in [(0, 3), (99, 3), (100, 5), (149, 5), (150, 9), (399, 9)] {
            assert_eq!(ranges.holding(position, 400).unwrap().lineage, Lineage(lineage));
        }
        assert_eq!(ranges.holding(400, 400), None);
        assert_eq!(Ranges::root(Lineage(1)).holding(0, 0), None);
    }
}
