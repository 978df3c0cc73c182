//! How long, and how much.

use std::num::NonZeroUsize;
use std::time::Duration;

use headwater_core::Backoff;

/// How long a client waits, and how much it takes.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Longest time of one attempt, from connecting to the last byte of the answer. 20 seconds: a page, or an append that
    /// waits for a busy disk, takes a small part of it.
    pub attempt: Duration,
    /// How long attempts are begun for one call. 15 seconds: a server that is restarted is back by then.
    pub patience: Duration,
    /// Longest time of one request that waits for news. 45 seconds: the server answers after 30, unless it is told otherwise, and one that is
    /// gone without a word is noticed after this time.
    pub news: Duration,
    /// Pauses between attempts, of which each is drawn by chance up to its bound. The first is up to 50 ms, the longest up to 2 seconds.
    pub backoff: Backoff,
    /// Most bytes of an answer. 40 MiB: the largest record that a server takes, unless it is told otherwise, is 16 MiB, and a page has one such
    /// record or a good MiB.
    pub largest_answer: usize,
    /// Most requests at a time, each on a connection of its own; others wait for their turn. 32: appends that are under way together
    /// share a sync. Who waits for news takes a connection besides.
    pub requests: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(20),
            patience: Duration::from_secs(15),
            news: Duration::from_secs(45),
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_secs(2)),
            largest_answer: 40 * 1024 * 1024,
            requests: NonZeroUsize::MIN.saturating_add(31),
        }
    }
}
