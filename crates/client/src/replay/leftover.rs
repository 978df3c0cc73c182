//! What an answer brought beyond what a reader asked for.
//!
//! A server's page has up to 4,096 records or 256 KiB, a reader's budget is often a small part of that. Without this, whoever catches up
//! with small pages would have every record sent many times. Records never change, so an older answer is as good as a new one for what is in
//! it; only where the end was is news of the moment.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use headwater_sse::replay::Cursor;
use tokio::time::Instant;

use crate::stream::{Page, Record};

/// Most of them: a few readers who catch up at the same time. Each is a page in memory.
const MOST: usize = 4;

/// How long one is kept: whoever catches up comes back at once, and what was given up meanwhile should not be shown for long.
const LIFE: Duration = Duration::from_secs(1);

/// The rest of an answer.
#[derive(Debug)]
pub(super) struct Leftover {
    records: VecDeque<Record>,
    more_behind: bool,
    since: Instant,
}

impl Leftover {
    /// All of an answer.
    pub(super) fn new(page: Page) -> Self {
        let more_behind = !page.up_to_date;
        Self { records: page.records.into(), more_behind, since: Instant::now() }
    }

    /// Whether there was something behind all of it; then there always is.
    pub(super) fn more_behind(&self) -> bool {
        self.more_behind
    }

    pub(super) fn first(&self) -> Option<&Record> {
        self.records.front()
    }

    /// Goes on to the next one.
    pub(super) fn pass(&mut self) {
        self.records.pop_front();
    }
}

/// What is left for readers at several places, the newest last.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// The standard library's lock: under it a few places are compared.
    kept: Mutex<Vec<(Cursor, Leftover)>>,
}

impl Leftovers {
    /// What comes behind a place, if it is there and is young.
    pub(super) fn take(&self, after: Cursor) -> Option<Leftover> {
        let mut kept = self.lock();
        kept.retain(|(_, leftover)| leftover.since.elapsed() < LIFE);
        let at = kept.iter().position(|(place, _)| *place == after)?;
        Some(kept.remove(at).1)
    }

    /// Keeps what comes behind a place; of too many the oldest is given up.
    pub(super) fn put(&self, after: Cursor, leftover: Leftover) {
        let mut kept = self.lock();
        kept.retain(|(_, leftover)| leftover.since.elapsed() < LIFE);
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push((after, leftover));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Cursor, Leftover)>> {
        // Nothing under the lock leaves the list half changed.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
