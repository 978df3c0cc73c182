//! How the suite gets at a log.

use std::future::Future;

use super::super::Failure;
use super::super::drive::{PATIENCE, drive};
use crate::replay::{Budget, Cursor, Entry, Page, ReplayLog, Rest};
use crate::{Event, EventId, event_type};

/// Makes logs for the suite, and does to them what the trait has no method for.
pub trait Harness: Sync {
    /// The log.
    type Log: ReplayLog;

    /// A new log without events, that keeps at least 2,000 of them and 1 MiB.
    fn make(&self) -> Self::Log;

    /// Another handle on the same log, through another connection where there are any.
    fn share(&self, log: &Self::Log) -> Self::Log;

    /// Has the log give up everything up to and including a cursor.
    fn give_up(&self, log: &Self::Log, through: Cursor);

    /// Ends all of the log that runs, and starts it again.
    fn restart(&self, log: Self::Log) -> (Self::Log, Survival);

    /// Runs a future to its end, with a deadline; a log that needs a runtime brings its own.
    ///
    /// # Errors
    /// [`Failure`] when the deadline passed.
    fn run<T: Send>(&self, future: impl Future<Output = T> + Send) -> Result<T, Failure> {
        drive(future, PATIENCE)
    }
}

/// What survives a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// All that was answered.
    Everything,
    /// Nothing.
    Nothing,
}

/// Appends an event of the type `tick`, whose own id must not matter.
pub(super) fn append<H: Harness>(h: &H, log: &H::Log, data: &str) -> Result<Entry, Failure> {
    let id = EventId::new("of the caller").unwrap_or_default();
    let event = Event::new().id(id).event_type(event_type!("tick")).data(data);
    Ok(h.run(log.append(event))??)
}

/// Appends events with the data `0`, `1`, …
pub(super) fn fill<H: Harness>(h: &H, log: &H::Log, events: usize) -> Result<Vec<Entry>, Failure> {
    (0..events).map(|number| append(h, log, &number.to_string())).collect()
}

/// One page.
pub(super) fn read<H: Harness>(
    h: &H,
    log: &H::Log,
    after: Cursor,
    budget: Budget,
) -> Result<Page, Failure> {
    Ok(h.run(log.read(after, budget))??)
}

/// Everything after a cursor, page by page.
pub(super) fn read_all<H: Harness>(
    h: &H,
    log: &H::Log,
    after: Cursor,
) -> Result<Vec<Entry>, Failure> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let from = all.last().map_or(after, |entry| entry.cursor);
        let page = read(h, log, from, Budget::default())?;
        if page.entries.is_empty() && page.rest == Rest::More {
            return Err(Failure::new("an empty page, and more behind it"));
        }
        all.extend(page.entries);
        if page.rest == Rest::Nothing {
            return Ok(all);
        }
    }
}

/// The cursor before everything.
pub(super) fn beginning<H: Harness>(h: &H, log: &H::Log) -> Result<Cursor, Failure> {
    Ok(h.run(log.head())??.oldest_kept())
}
