//! How much merging takes while there is load.
//!
//! There is *load* while something is being packed, and for a while after that. Then files are merged only where that is due (`policy`
//! says what is), and merging writes only so many times what rounds write meanwhile. So what is left of it comes in small portions
//! between the rounds, keeps up with them however long the load lasts, and is caught up on when it ends.

use std::time::{Duration, Instant};

/// How many times what rounds write merging may write. While there is load it writes less than that, where a round comes to [`LEAST`] or
/// more, and of less not more than that of [`LEAST`]; the tests of merging under load say so.
const TIMES: u64 = 2;

/// What a round counts for, at least: many tiny files have to become few as well, though there is little in them.
const LEAST: u64 = 4 << 20;

/// Whether there is load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::journal) enum Load {
    /// Nothing was packed for a while.
    #[default]
    Quiet,
    Busy,
}

/// What the rounds came to since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::journal) struct Rounds {
    weight: u64,
    last: Option<Instant>,
}

impl Rounds {
    /// Adds a round that wrote so many bytes, and is done now.
    pub(in crate::journal) fn add(&mut self, bytes: u64, now: Instant) {
        self.weight = self.weight.saturating_add(bytes.max(LEAST));
        self.last = Some(now);
    }

    /// How long until the last one was so long ago; zero when it was, or there was none.
    pub(in crate::journal) fn until(&self, ago: Duration, now: Instant) -> Duration {
        let since = |last| now.saturating_duration_since(last);
        self.last.map_or(Duration::ZERO, |last| ago.saturating_sub(since(last)))
    }

    /// How many bytes a merge may have written that was begun when the rounds had come to `begun`. What takes a moment is not held up.
    pub(in crate::journal) fn allow(&self, begun: &Self) -> u64 {
        let more = self.weight.saturating_sub(begun.weight);
        more.saturating_mul(TIMES).saturating_add(LEAST)
    }
}
