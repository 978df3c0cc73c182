//! A stream of a server as the log behind a broker of server-sent events: [`RemoteReplay`].
//!
//! Promises what `ReplayLog` asks for, with the durability of the server's storage. Any number of processes share one log through one
//! server: its order is the server's, and each of them reads all of it. How a request is made is left to [`stream`](crate::stream).
//!
//! The rooms: [`leftover`] (what a page brought beyond the budget), [`error`] (what a request's errors mean for a log), [`wait`] (waiting for what is
//! next, over connections that come and go).

mod error;
mod leftover;
mod wait;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use headwater_core::{Lineage, Offset, Retention, Retry, StreamKey};
use headwater_sse::Event;
use headwater_sse::replay::{
    Answer, AppendError, Budget, Cursor, Entry, Epoch, Head, Page, ReadError, ReplayLog, Rest,
    record,
};

use self::error::{of_append, of_read};
use self::leftover::{Leftover, Leftovers};
use crate::client::Client;
use crate::error::{OpenError, RequestError};
use crate::stream::{Extent, Record, Stream};

/// A JSON stream of a server as a `ReplayLog`. Clones are the same log.
///
/// What one process appends, all others read, in one order, with the same ids, also those that have the stream in their own process as the
/// engine's `StreamReplay`. Each event is a record `{"type":…,"data":…}`; any other record, appended through another door, is an
/// event of the default type whose data is the record. The epoch is the stream's lineage, so an id from before the stream was deleted and created
/// anew never selects events of now.
///
/// - **Durable** as the server's storage is: an event that was answered is there after any restart of this process or of the server, under the id
///   that it had.
/// - **An append is sent once.** It is tried again for as long as it is certain that nothing happened: the server could not be reached, or
///   said so. When the connection ends, or the time is up, after the request may have arrived, the answer is
///   [`AppendError::Unknown`], and nothing is sent again, because that could double the event.
/// - **Reading and waiting** go on over broken connections and restarts of the server, with pauses drawn by chance. A read that finds no server within
///   [`Options::patience`](crate::Options::patience) ends as [`ReadError::Unavailable`]; a wait goes on, until it is dropped or the server refuses it for good.
/// - **Another epoch** begins also after a crash of a server that acknowledges before it syncs (`--sync` with a time), with the first event from then on: who
///   follows the log goes on, who comes back with an id from before gets all that is kept, and is told.
/// - **Deleted** with its stream: then reads, waits and appends fail, until somebody opens the log again; from there on it is another epoch.
/// - **Bounded.** A read takes one answer into memory, and of what it has beyond the budget at most four are kept for a second.
///
/// It needs a tokio runtime with I/O and time.
#[derive(Clone)]
pub struct RemoteReplay {
    inner: Arc<Inner>,
}

struct Inner {
    stream: Stream,
    leftovers: Leftovers,
}

impl RemoteReplay {
    /// The log in a stream, by its path such as `events/orders`, percent-encoded. It is created if there is none, to keep so much.
    ///
    /// # Errors
    /// [`OpenError`] when the path is no name, when there is a stream of another kind or that keeps something else, and when the server
    /// cannot be reached.
    pub async fn open(client: Client, path: &str, retention: Retention) -> Result<Self, OpenError> {
        let stream = Stream::new(client, path)?;
        stream.create(retention).await?;
        Ok(Self { inner: Arc::new(Inner { stream, leftovers: Leftovers::default() }) })
    }

    /// The stream.
    #[must_use]
    pub fn key(&self) -> &StreamKey {
        self.inner.stream.key()
    }

    fn stream(&self) -> &Stream {
        &self.inner.stream
    }

    async fn append_event(&self, event: Event<'_>) -> Result<Entry, AppendError> {
        let record = record::encode(&event)?;
        let size = record.len();
        let end = self.stream().append(record).await.map_err(|error| of_append(error, size))?;
        Ok(entry(end, &event))
    }

    async fn page(&self, after: Cursor, budget: Budget) -> Result<Page, ReadError> {
        if let Some(leftover) = self.inner.leftovers.take(after)
            && let Some(page) = self.cut(leftover, budget)?
        {
            return Ok(page);
        }
        let page = match self.stream().read(offset(after)).await {
            Ok(page) => page,
            Err(error) => return Err(self.judged(after, error).await),
        };
        let ends_now = page.up_to_date;
        let fresh = Leftover::new(page);
        let (entries, rest) = fill(fresh, budget)?;
        let rest = match rest {
            Some(left) => self.keep(&entries, left),
            None if ends_now => Rest::Nothing,
            None => Rest::More,
        };
        Ok(Page { entries, rest })
    }

    /// A page out of what is left of an earlier answer, if there is certainly more behind it: whether an old answer's end is still the
    /// end only the server can tell.
    fn cut(&self, leftover: Leftover, budget: Budget) -> Result<Option<Page>, ReadError> {
        let more_behind = leftover.more_behind();
        let (entries, rest) = fill(leftover, budget)?;
        let rest = match rest {
            Some(left) => self.keep(&entries, left),
            None if more_behind => Rest::More,
            None => return Ok(None),
        };
        Ok(Some(Page { entries, rest }))
    }

    /// Keeps what comes behind these.
    fn keep(&self, entries: &[Entry], left: Leftover) -> Rest {
        if let Some(last) = entries.last() {
            self.inner.leftovers.put(last.cursor, left);
        }
        Rest::More
    }

    /// What a refusal to read after a cursor means, as far as the stream's extent tells.
    async fn judged(&self, after: Cursor, error: RequestError) -> ReadError {
        if !matches!(&error, RequestError::Refused(refusal) if refusal.retry == Retry::No) {
            return of_read(error);
        }
        match self.stream().extent().await {
            Ok(extent) => match head(extent).admit(after) {
                Err(refused) => refused,
                Ok(()) => of_read(error),
            },
            Err(_) => of_read(error),
        }
    }
}

impl ReplayLog for RemoteReplay {
    fn head(&self) -> Answer<'_, Result<Head, ReadError>> {
        Answer::later(async move {
            let extent = self.stream().extent().await.map_err(of_read)?;
            Ok(head(extent))
        })
    }

    fn append<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        Answer::later(self.append_event(event))
    }

    fn read(&self, after: Cursor, budget: Budget) -> Answer<'_, Result<Page, ReadError>> {
        Answer::later(self.page(after, budget))
    }

    fn wait(&self, after: Cursor) -> Answer<'_, Result<(), ReadError>> {
        Answer::later(async move {
            match wait::for_news(self.stream(), offset(after)).await {
                Ok(()) => Ok(()),
                Err(error) => Err(self.judged(after, error).await),
            }
        })
    }

    fn id(&self, cursor: Cursor) -> String {
        offset(cursor).to_string()
    }

    fn parse(&self, id: &str) -> Option<Cursor> {
        Offset::from_str(id).ok().map(cursor)
    }
}

impl fmt::Debug for RemoteReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteReplay").field("stream", self.stream()).finish_non_exhaustive()
    }
}

/// The entries that a budget has room for, and what is left.
fn fill(mut from: Leftover, budget: Budget) -> Result<(Vec<Entry>, Option<Leftover>), ReadError> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    while let Some(Record { end, value, .. }) = from.first() {
        let next = record::with_event(value, |event| entry(*end, &event))?;
        bytes += next.event.as_bytes().len();
        let is_over = bytes > budget.bytes || entries.len() == budget.events.get();
        if is_over && !entries.is_empty() {
            return Ok((entries, Some(from)));
        }
        from.pass();
        entries.push(next);
    }
    Ok((entries, None))
}

fn entry(end: Offset, event: &Event<'_>) -> Entry {
    Entry { cursor: cursor(end), event: record::prepare(event, &end.to_string()) }
}

fn offset(cursor: Cursor) -> Offset {
    Offset::new(Lineage(cursor.epoch.get()), cursor.offset)
}

fn cursor(offset: Offset) -> Cursor {
    Cursor::new(Epoch::new(offset.lineage().0), offset.position())
}

fn head(extent: Extent) -> Head {
    let end = cursor(extent.tail);
    let floor = extent.earliest.map_or(0, Offset::position);
    Head { epoch: end.epoch, floor, newest: end.offset }
}
