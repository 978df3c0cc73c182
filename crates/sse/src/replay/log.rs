//! The contract of a log that replays events: [`ReplayLog`].

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::{Answer, AppendError, Cursor, Epoch, ReadError};
use crate::{Event, PreparedEvent};

/// An ordered log of events that a client can continue from.
///
/// Implemented here by a ring in memory ([`MemoryReplay`](super::MemoryReplay)); a durable log and
/// a client of one implement it too, so that several processes share one log. It is object-safe;
/// see [`Answer`] for what that costs.
///
/// What an implementation promises:
///
/// - **One order.** Every event has a cursor of its own, larger than those of all before it. Reads
///   give events in that order, whoever reads. An append that begins after another one was answered
///   comes later. So whoever sends what it reads sends in the order of the log.
/// - **Kept before it is told.** An answered append is readable, and survives what the
///   implementation says it survives. `head` and `read` show nothing that a crash could take back
///   without a new epoch.
/// - **Whole.** A page is what comes next after the cursor, without a hole. A fault is an error,
///   never a short page.
/// - **The event itself.** Type and data arrive unchanged, line ends as LF. The `id` on the wire is the
///   log's ([`id`](Self::id)); the one that the event had, its comment and its retry time are not kept.
/// - **An epoch.** A log that lost events it had told of continues in another epoch.
///
/// The exported suite (feature `testkit`) checks each of these.
pub trait ReplayLog: Send + Sync {
    /// What the log holds.
    fn head(&self) -> Answer<'_, Result<Head, ReadError>>;

    /// Appends an event and returns it as it is in the log.
    ///
    /// # Errors
    /// [`AppendError::effect`] says whether the event may be in the log all the same. A future
    /// that is dropped before its answer leaves that open.
    fn append<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>>;

    /// Reads what comes next after a cursor, within a budget.
    ///
    /// # Errors
    /// [`ReadError`] when `after` is none of this log's, or what came after it is gone.
    fn read(&self, after: Cursor, budget: Budget) -> Answer<'_, Result<Page, ReadError>>;

    /// Waits until there may be something after a cursor; it may end early, never late.
    ///
    /// # Errors
    /// Those of [`read`](Self::read), which then says the same.
    fn wait(&self, after: Cursor) -> Answer<'_, Result<(), ReadError>>;

    /// The text of a cursor, as clients keep it; no two cursors have the same.
    fn id(&self, cursor: Cursor) -> String {
        cursor.to_string()
    }

    /// The cursor of a text, if it is one that [`id`](Self::id) could have given.
    fn parse(&self, id: &str) -> Option<Cursor> {
        Cursor::parse(id)
    }
}

/// What a log holds: all events after `floor` up to `newest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The present life of the log.
    pub epoch: Epoch,
    /// What is at or before this offset is gone; 0 when nothing is.
    pub floor: u64,
    /// The offset of the newest event; the floor when there is none.
    pub newest: u64,
}

impl Head {
    /// The cursor after which everything is kept.
    pub const fn oldest_kept(&self) -> Cursor {
        Cursor::new(self.epoch, self.floor)
    }

    /// The cursor of the newest event.
    pub const fn end(&self) -> Cursor {
        Cursor::new(self.epoch, self.newest)
    }

    /// Whether reading can begin after `cursor`.
    ///
    /// # Errors
    /// [`ReadError`] with this head.
    pub fn admit(&self, cursor: Cursor) -> Result<(), ReadError> {
        match cursor {
            _ if cursor.epoch != self.epoch => Err(ReadError::OtherEpoch { head: *self }),
            _ if cursor.offset < self.floor => Err(ReadError::Expired { head: *self }),
            _ if cursor.offset > self.newest => Err(ReadError::Ahead { head: *self }),
            _ => Ok(()),
        }
    }
}

/// An event in a log, encoded with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub cursor: Cursor,
    /// Its bytes for the wire.
    pub event: PreparedEvent,
}

/// How much one read may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Most events.
    pub events: NonZeroUsize,
    /// Most bytes as encoded; one event that is larger comes alone, so that reading goes on.
    pub bytes: usize,
}

impl Default for Budget {
    /// 256 events and 64 KiB: a page takes a few socket writes, and little memory.
    fn default() -> Self {
        Self { events: NonZeroUsize::MIN.saturating_add(255), bytes: 64 * 1024 }
    }
}

/// What a read brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The events that come next, in order; empty only at the end of the log.
    pub entries: Vec<Entry>,
    /// Whether there was more at that moment.
    pub rest: Rest,
}

/// What came after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Nothing: the page reached the newest event.
    Nothing,
    /// At least one more event.
    More,
}

impl<L: ReplayLog + ?Sized> ReplayLog for Arc<L> {
    fn head(&self) -> Answer<'_, Result<Head, ReadError>> {
        (**self).head()
    }

    fn append<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        (**self).append(event)
    }

    fn read(&self, after: Cursor, budget: Budget) -> Answer<'_, Result<Page, ReadError>> {
        (**self).read(after, budget)
    }

    fn wait(&self, after: Cursor) -> Answer<'_, Result<(), ReadError>> {
        (**self).wait(after)
    }

    fn id(&self, cursor: Cursor) -> String {
        (**self).id(cursor)
    }

    fn parse(&self, id: &str) -> Option<Cursor> {
        (**self).parse(id)
    }
}
