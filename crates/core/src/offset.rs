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
//! - A stream that may have lost its last bytes in a crash goes on in a range of a lineage of its own, a [`Renewal`]: so what was read
//!   of lost bytes has a token that never selects other ones. At its beginning the older token is written: who has it has
//!   read what is left, and nothing else.
//! - A position past the tail, or a lineage newer than the stream's own, has not been issued: [`OffsetError::Beyond`].
//! - A lineage older than the stream's own that it has no range of, or a position that its range no longer or never
//!   had, points at bytes that are not in this stream any more: [`OffsetError::Expired`].

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::digits;

/// Largest lineage and position that sixteen digits can write.
pub const MAX_NUMBER: u64 = 9_999_999_999_999_999;

/// Digits of each of the two.
const DIGITS: usize = 16;

/// Bytes of a token.
const TOKEN_BYTES: usize = 2 * DIGITS + 1;

/// The number of the unit that created a stream, counted per data directory from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lineage(pub u64);

/// Stands for the number of a unit that storage has not told yet. Numbers count from 1.
const UNNUMBERED: Lineage = Lineage(0);

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

    /// The lineage in which it was given; 0 for [`START`](Self::START).
    #[must_use]
    pub fn lineage(self) -> Lineage {
        Lineage(self.lineage)
    }

    /// The position alone; forks compare by it.
    #[must_use]
    pub fn position(self) -> u64 {
        self.position
    }

    /// Writes the token, as `Display` does, without a formatter in between: it is in every answer.
    ///
    /// # Errors
    /// Those of what it is written to.
    pub fn write_to(self, out: &mut impl fmt::Write) -> fmt::Result {
        if self.lineage.max(self.position) > MAX_NUMBER {
            return write!(out, "{:016}_{:016}", self.lineage, self.position);
        }
        let mut token = [b'_'; TOKEN_BYTES];
        if let Some((lineage, [_, position @ ..])) = token.split_at_mut_checked(DIGITS) {
            digits::fill(lineage, self.lineage);
            digits::fill(position, self.position);
        }
        out.write_str(std::str::from_utf8(&token).unwrap_or_default())
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

impl FromStr for Offset {
    type Err = MalformedOffset;

    fn from_str(text: &str) -> Result<Self, MalformedOffset> {
        // Every read brings one, so it is looked through once.
        let Some((lineage, [b'_', position @ ..])) = text.as_bytes().split_at_checked(DIGITS)
        else {
            return Err(MalformedOffset);
        };
        let number = |digits: &[u8]| {
            let known = (digits.len() == DIGITS).then(|| digits::read(digits)).flatten();
            known.ok_or(MalformedOffset)
        };
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

/// A place from which on a stream, or one that it was forked from, goes on in a new lineage, because more had been there once, perhaps.
///
/// Storage knows the bytes behind it by the lineage of the stream that wrote them; the new one is in tokens alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The number of the unit that appended behind it first.
    pub lineage: Lineage,
    /// The tail at that time.
    pub from: u64,
}

/// Renewals that a stream remembers. Each crash makes at most one; tokens of those that are forgotten have expired.
const MAX_RENEWALS: usize = 32;

/// What a stream's positions are made of: ranges inherited by forking, then its own.
///
/// Ranges are contiguous from 0 and grow in lineage. The own range starts where the last inherited one ends and has no
/// upper bound but the tail. The range of an ancestor that had written nothing before the fork point is empty; it is kept,
/// because the ancestor may have given its token of that position to a reader who continues in the fork.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    inherited: Arc<[LineageRange]>,
    own: Lineage,
    /// They grow in lineage, and in where they begin.
    renewals: Arc<[Renewal]>,
    /// Whether there may have been more behind the tail.
    suspect: bool,
}

impl Ranges {
    /// A stream that inherited nothing.
    #[must_use]
    pub fn root(own: Lineage) -> Self {
        Self::with_inherited(Arc::default(), own)
    }

    /// A stream that starts with inherited ranges.
    #[must_use]
    pub fn with_inherited(inherited: Arc<[LineageRange]>, own: Lineage) -> Self {
        Self { inherited, own, renewals: Arc::default(), suspect: false }
    }

    /// The same with these renewals.
    #[must_use]
    pub fn renewed(self, renewals: Arc<[Renewal]>) -> Self {
        Self { renewals, ..self }
    }

    /// The lineage that this stream writes, as storage knows it.
    #[must_use]
    pub fn own(&self) -> Lineage {
        self.own
    }

    /// The inherited part.
    #[must_use]
    pub fn inherited(&self) -> &[LineageRange] {
        &self.inherited
    }

    /// The renewals, of what was inherited too.
    #[must_use]
    pub fn renewals(&self) -> &Arc<[Renewal]> {
        &self.renewals
    }

    /// The lineage of the newest tokens: its own, or that of the last renewal.
    #[must_use]
    pub fn newest(&self) -> Lineage {
        self.renewals.last().map_or(self.own, |last| last.lineage.max(self.own))
    }

    /// The lineage by which a tag names the bytes up to a position.
    #[must_use]
    pub fn lineage_up_to(&self, position: u64) -> Lineage {
        self.own.max(self.renewal_before(position).unwrap_or(self.own))
    }

    /// Notes that bytes behind the tail may have been lost: tokens that point there have expired, and the next bytes begin a renewal.
    #[must_use]
    pub fn suspected(self) -> Self {
        Self { suspect: true, ..self }
    }

    /// Whether the next bytes begin a renewal.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.suspect
    }

    /// Takes note of bytes behind a position, which a unit appends. Its number may be not known yet: see [`number`](Self::number).
    pub(crate) fn extend(&mut self, from: u64, unit: Lineage) {
        if std::mem::take(&mut self.suspect) {
            let renewal = Renewal { lineage: unit, from };
            let mut renewals: Vec<_> = self.renewals.iter().copied().chain([renewal]).collect();
            if let ([first, second, ..], true) =
                (&mut *renewals, self.renewals.len() >= MAX_RENEWALS)
            {
                // The second one takes the bytes of the first one over. It never had tokens for them, so all of them are good.
                second.from = first.from;
                renewals.remove(0);
            }
            self.renewals = renewals.into();
        }
    }

    /// Whether the last renewal waits for the number of its unit.
    #[must_use]
    pub fn is_unnumbered(&self) -> bool {
        self.renewals.last().is_some_and(|last| last.lineage == UNNUMBERED)
    }

    /// The same when storage has told the number of the unit that a last renewal waits for.
    #[must_use]
    pub fn numbered(self, unit: Lineage) -> Self {
        let number = |renewal: &Renewal| match renewal.lineage {
            UNNUMBERED => Renewal { lineage: unit, ..*renewal },
            _ => *renewal,
        };
        if self.is_unnumbered() {
            let renewals = self.renewals.iter().map(number).collect();
            return self.renewed(renewals);
        }
        self
    }

    /// The renewals of what a fork at a position inherits.
    #[must_use]
    pub fn renewals_before(&self, position: u64) -> Arc<[Renewal]> {
        let count = self.renewals.partition_point(|renewal| renewal.from < position);
        if count == self.renewals.len() {
            return Arc::clone(&self.renewals);
        }
        self.renewals.iter().take(count).copied().collect()
    }

    /// The lineage of the last renewal that begins in front of a position.
    fn renewal_before(&self, position: u64) -> Option<Lineage> {
        let count = self.renewals.partition_point(|renewal| renewal.from < position);
        self.renewals.get(count.checked_sub(1)?).map(|renewal| renewal.lineage)
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

    /// The token for a position: of the newest range that contains or ends at it, save a renewal that only begins there.
    #[must_use]
    pub fn offset(&self, position: u64) -> Offset {
        let index = self.inherited.partition_point(|range| range.to <= position);
        let lineage = self.inherited.get(index).map_or(self.own, |range| range.lineage);
        let renewed = self.renewal_before(position);
        Offset::new(renewed.map_or(lineage, |renewed| renewed.max(lineage)), position)
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
        let newest = self.newest().0;
        if lineage > newest || (lineage == newest && position > tail) {
            // Where something was lost it may have been issued for that.
            return Err(if self.suspect { OffsetError::Expired } else { OffsetError::Beyond });
        }
        let (mut from, mut to) = (None, tail);
        for (start, number) in self.starts() {
            match number.0.cmp(&lineage) {
                Ordering::Less => {}
                Ordering::Equal => from = Some(start),
                Ordering::Greater => to = to.min(start),
            }
        }
        match from {
            Some(from) if (from..=to).contains(&position) => Ok(position),
            _ => Err(OffsetError::Expired),
        }
    }

    /// Where the tokens of each lineage begin. They end where those of the next one do.
    fn starts(&self) -> impl Iterator<Item = (u64, Lineage)> {
        let inherited = self.inherited.iter().map(|range| (range.from, range.lineage));
        let renewed = self.renewals.iter().map(|renewal| (renewal.from, renewal.lineage));
        inherited.chain([(self.base(), self.own)]).chain(renewed)
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
