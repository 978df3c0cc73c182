//! What of the uncertain a crash leaves: one rule each for names, sizes and sectors.

use std::fmt;

/// A kind of thing that is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bit {
    /// A change of names.
    Name,
    /// A growth of a file.
    Size,
    /// What one write put into one sector.
    Sector,
}

/// How many uncertain things of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) names: u64,
    pub(super) sizes: u64,
    pub(super) sectors: u64,
}

impl Counts {
    /// Of each kind the larger number.
    pub(super) fn most(self, other: Self) -> Self {
        Self {
            names: self.names.max(other.names),
            sizes: self.sizes.max(other.sizes),
            sectors: self.sectors.max(other.sectors),
        }
    }

    pub(super) fn total(self) -> u64 {
        self.names + self.sizes + self.sectors
    }
}

/// Which things of one kind are there. They are numbered from zero, in the order in which they were done in each file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    All,
    Nothing,
    But(u64),
    Only(u64),
    /// The first so many.
    First(u64),
    /// All but the first so many.
    From(u64),
    /// Each by chance, so many times in eight.
    Eighths(u64),
    /// By chance for each write as a whole.
    Writes,
    /// By the bits of a number.
    Mask(u64),
}

/// One image's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) names: Rule,
    pub(super) sizes: Rule,
    pub(super) sectors: Rule,
}

impl Pattern {
    pub(super) const EVERYTHING: Self =
        Self { names: Rule::All, sizes: Rule::All, sectors: Rule::All };

    pub(super) const NO_NAMES: Self =
        Self { names: Rule::Nothing, sizes: Rule::All, sectors: Rule::All };

    pub(super) const NOTHING: Self =
        Self { names: Rule::Nothing, sizes: Rule::Nothing, sectors: Rule::Nothing };
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, sizes, sectors } = self;
        write!(f, "of what was not synced: names {names:?}, sizes {sizes:?}, sectors {sectors:?}")
    }
}

/// Answers, thing by thing, whether it is there, and counts what it was asked about.
#[derive(Debug)]
pub(super) struct Choice {
    pattern: Pattern,
    chance: Chance,
    whole_write: bool,
    asked: Counts,
}

impl Choice {
    pub(super) fn new(pattern: Pattern, seed: u64) -> Self {
        Self { pattern, chance: Chance::new(seed), whole_write: true, asked: Counts::default() }
    }

    pub(super) fn everything() -> Self {
        Self::new(Pattern::EVERYTHING, 0)
    }

    /// What follows is of another write.
    pub(super) fn next_write(&mut self) {
        self.whole_write = self.chance.below(2) == 0;
    }

    pub(super) fn keeps(&mut self, bit: Bit) -> bool {
        let (rule, asked) = match bit {
            Bit::Name => (self.pattern.names, &mut self.asked.names),
            Bit::Size => (self.pattern.sizes, &mut self.asked.sizes),
            Bit::Sector => (self.pattern.sectors, &mut self.asked.sectors),
        };
        let number = *asked;
        *asked += 1;
        match rule {
            Rule::All => true,
            Rule::Nothing => false,
            Rule::But(one) => number != one,
            Rule::Only(one) => number == one,
            Rule::First(count) => number < count,
            Rule::From(count) => number >= count,
            Rule::Eighths(times) => self.chance.below(8) < times,
            Rule::Writes => self.whole_write,
            Rule::Mask(mask) => mask.checked_shr(number as u32).is_some_and(|bits| bits & 1 == 1),
        }
    }

    pub(super) fn asked(&self) -> Counts {
        self.asked
    }
}

/// A generator (SplitMix64): the same numbers for the same seed, on every machine and with every version of every library.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below that one, which is small; zero below zero.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.draw().checked_rem(end).unwrap_or(0)
    }
}
