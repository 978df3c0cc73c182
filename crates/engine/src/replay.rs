//! A stream as the log behind a broker of server-sent events: [`StreamReplay`].
//!
//! Promises what `ReplayLog` asks for, with the durability of the engine's storage: an event that was answered is in the stream, and is
//! replayed after any restart under the id that it had. Ids are the stream's offsets, so what was published here is read, followed and resumed
//! through every other door too.
//!
//! What an event is as a record is told in [`record`], what the engine's errors mean for a log in [`error`].

mod error;

use std::str::FromStr;

use headwater_core::command::{Append, Body, Closing, Create, Expect};
use headwater_core::retention::Wanted;
use headwater_core::{
    ContentKind, ContentType, CreateError, Expiry, Lineage, Offset, StreamKey, StreamState, json,
};
use headwater_sse::Event;
use headwater_sse::replay::{
    Answer, AppendError, Budget, Cursor, Entry, Epoch, Head, Page, ReadError, ReplayLog, Rest,
    record,
};

use self::error::{of_access, of_append};
use crate::read::records::Records;
use crate::{Engine, Failure, Start, Step};

/// A JSON stream as a `ReplayLog`.
///
/// Each event is a record `{"type":…,"data":…}`. Any other record, appended through another door, is an event of the default type whose data
/// is the record. The epoch is the stream's lineage, so an id from before the stream was deleted and created anew, or from before
/// a loss where syncs come later than answers, never selects events of now.
#[derive(Clone, Debug)]
pub struct StreamReplay {
    engine: Engine,
    key: StreamKey,
}

impl StreamReplay {
    /// The log in a stream, which is created if there is none, to keep so much.
    ///
    /// # Errors
    /// [`CreateError`] when there is one of another kind, or that keeps something else.
    pub async fn open(
        engine: Engine,
        key: StreamKey,
        retention: Wanted,
    ) -> Result<Self, Failure<CreateError>> {
        let create = Create {
            content_type: ContentType::parse("application/json").ok(),
            expiry: Expiry::Never,
            closing: Closing::KeepOpen,
            body: Body::Empty,
            fork: None,
            retention,
        };
        engine.create(&key, create, engine.reserve(&key)).await?;
        Ok(Self { engine, key })
    }

    /// The stream.
    #[must_use]
    pub fn key(&self) -> &StreamKey {
        &self.key
    }

    async fn append_event(&self, event: Event<'_>) -> Result<Entry, AppendError> {
        let record = record::encode(&event)?;
        let command = Append {
            content_type: None,
            body: Body::frame(ContentKind::Json, record),
            closing: Closing::KeepOpen,
            producer: None,
            stream_seq: None,
            expect: Expect::Anything,
        };
        let held = self.engine.reserve(&self.key);
        let appended = self.engine.append(&self.key, command, held).await.map_err(of_append)?;
        let cursor = cursor(&appended.state, appended.state.tail.position);
        Ok(self.entry(cursor, &event))
    }

    fn entry(&self, cursor: Cursor, event: &Event<'_>) -> Entry {
        Entry { cursor, event: record::prepare(event, &self.id(cursor)) }
    }

    async fn page(&self, after: Cursor, budget: Budget) -> Result<Page, ReadError> {
        let page = self.engine.read_records(&self.key, Start::At(offset(after))).await;
        let page = match page {
            Ok(page) => page,
            Err(failure) => return Err(self.judged(after, failure).await),
        };
        let mut entries = Vec::new();
        let mut bytes = 0;
        for stored in &page.records {
            let cursor = cursor(&page.state, stored.meta.end());
            let json = stored.payload.strip_suffix(&[json::SEPARATOR]).unwrap_or(&stored.payload);
            let entry = record::with_event(json, |event| self.entry(cursor, &event))?;
            bytes += entry.event.as_bytes().len();
            let is_over = bytes > budget.bytes || entries.len() == budget.events.get();
            if is_over && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        let rest = if is_all(&page, entries.len()) { Rest::Nothing } else { Rest::More };
        Ok(Page { entries, rest })
    }

    /// What a refusal to read after a cursor means, as far as the stream's head tells.
    async fn judged(
        &self,
        after: Cursor,
        failure: Failure<headwater_core::AccessError>,
    ) -> ReadError {
        match self.engine.head(&self.key).await {
            Ok(state) => match head(&state).admit(after) {
                Err(refused) => refused,
                Ok(()) => of_access(failure),
            },
            Err(_) => of_access(failure),
        }
    }

    async fn wait_for_more(&self, after: Cursor) -> Result<(), ReadError> {
        let tail = self.engine.tail(&self.key, Start::At(offset(after))).await;
        let mut tail = match tail {
            Ok(tail) => tail,
            Err(failure) => return Err(self.judged(after, failure).await),
        };
        loop {
            match tail.next().await.map_err(of_access)? {
                Step::Delivery(news) if news.state.tail.position > after.offset => return Ok(()),
                Step::Delivery(_) => {}
                // What it waits for never comes; the read that follows says why.
                Step::End(_) => return Ok(()),
            }
        }
    }
}

impl ReplayLog for StreamReplay {
    fn head(&self) -> Answer<'_, Result<Head, ReadError>> {
        Answer::later(async move {
            let state = self.engine.head(&self.key).await.map_err(of_access)?;
            Ok(head(&state))
        })
    }

    fn append<'a>(&'a self, event: Event<'a>) -> Answer<'a, Result<Entry, AppendError>> {
        Answer::later(self.append_event(event))
    }

    fn read(&self, after: Cursor, budget: Budget) -> Answer<'_, Result<Page, ReadError>> {
        Answer::later(self.page(after, budget))
    }

    fn wait(&self, after: Cursor) -> Answer<'_, Result<(), ReadError>> {
        Answer::later(self.wait_for_more(after))
    }

    fn id(&self, cursor: Cursor) -> String {
        offset(cursor).to_string()
    }

    fn parse(&self, id: &str) -> Option<Cursor> {
        let offset = Offset::from_str(id).ok()?;
        Some(Cursor::new(Epoch::new(offset.lineage().0), offset.position()))
    }
}

fn offset(cursor: Cursor) -> Offset {
    Offset::new(Lineage(cursor.epoch.get()), cursor.offset)
}

fn cursor(state: &StreamState, position: u64) -> Cursor {
    let offset = state.ranges.offset(position);
    Cursor::new(Epoch::new(offset.lineage().0), position)
}

fn head(state: &StreamState) -> Head {
    let end = cursor(state, state.tail.position);
    Head { epoch: end.epoch, floor: state.floor.position, newest: end.offset }
}

fn is_all(page: &Records, entries: usize) -> bool {
    entries == page.records.len() && page.up_to_date()
}
