//! Points and spans of time, as numbers.
//!
//! This crate never asks a clock; every function that needs the time is given it.

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Farthest point in time that can be written: what lies beyond never comes.
    pub const MAX: Self = Self(u64::MAX);

    /// This point plus whole seconds; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

/// When a stream ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// After this many seconds without a read or a write. Zero means at once.
    Ttl(u64),
    /// At a fixed point in time, used or not.
    At(Timestamp),
    /// This many seconds after it was closed, used or not; never while it is open. Zero means with the closing.
    AfterClose(u64),
}

impl Expiry {
    /// When a stream ends that was last used at `used`, if nobody uses it again, and was closed at `closed`, if it was.
    #[must_use]
    pub fn deadline(self, used: Timestamp, closed: Option<Timestamp>) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::Ttl(seconds) => Some(used.plus_seconds(seconds)),
            Self::At(at) => Some(at),
            Self::AfterClose(seconds) => closed.map(|closed| closed.plus_seconds(seconds)),
        }
    }
}
