//! A subscriber that reads the log until it has caught up, and whenever it was left behind.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use headwater_fanout::{Log, Policy, Standing};

use super::super::shelf::Shelf;
use super::super::taker::Taker;
use super::Live;
use super::handed::{Following, Handed, Next};
use crate::replay::{
    BoxFuture, Budget, Cursor, Lost, Page, ReadError, Reason, ReplayLog, Rest, Resumption, Verdict,
    resume,
};
use crate::{PreparedEvent, PreparedEvents};

/// The events for one subscriber, as a stream of all that waits; dropping it unsubscribes.
///
/// Each item holds one or more events, at most 64 KiB unless one is larger. It begins with what the client is told about its place
/// ([`Resumption::opening`]). It ends when the broker is closed and what was handed out was taken, and when the log cannot be read: the
/// client then comes back with the id it has.
pub struct ReplaySubscription<L> {
    log: Arc<L>,
    taker: Taker<Live>,
    shelf: Arc<Shelf<Option<Handed>>>,
    verdict: Verdict,
    opening: Option<PreparedEvent>,
    /// Everything up to here is out.
    last: Cursor,
    /// A read of the log that is under way; without one it takes what is handed out.
    reading: Option<Reading>,
}

impl<L: ReplayLog + 'static> ReplaySubscription<L> {
    /// Begins after the id that a client came back with; `None` when the broker is closed.
    pub(super) async fn begin(
        log: &Arc<L>,
        fan: &Log<Live, Waker>,
        shelf: &Arc<Shelf<Option<Handed>>>,
        last_event_id: Option<&str>,
    ) -> Result<Option<Self>, ReadError> {
        // First of all: what is appended from here on is handed to it, what was before it reads.
        let Some(subscriber) = fan.subscribe(Standing::Fixed(Policy::DropNewest)) else {
            return Ok(None);
        };
        let Resumption { verdict, after, opening } = resume(&**log, last_event_id).await?;
        Ok(Some(Self {
            taker: Taker::new(subscriber),
            shelf: Arc::clone(shelf),
            verdict,
            opening: Some(opening),
            last: after,
            reading: Some(read(log, after)),
            log: Arc::clone(log),
        }))
    }

    /// What became of the id that the client came back with.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What is sent of what the log answered. An error ends the stream.
    fn take_read(
        &mut self,
        answer: Result<Page, ReadError>,
    ) -> Result<Option<PreparedEvents>, ReadError> {
        let (reason, to) = match answer {
            Ok(page) => return Ok(self.take_page(page)),
            Err(ReadError::Expired { head }) => (Reason::Gap, head.oldest_kept()),
            Err(ReadError::OtherEpoch { head }) => (Reason::OtherEpoch, head.oldest_kept()),
            Err(ReadError::Ahead { head }) => (Reason::Ahead, head.end()),
            Err(error @ (ReadError::Unavailable(_) | ReadError::Damaged(_))) => return Err(error),
        };
        // It goes on after what is gone, and says so.
        let (from, to_id) = (self.log.id(self.last), self.log.id(to));
        let lost = Lost { reason, from: Some(&from), to: Some(&to_id), events: None };
        self.last = to;
        self.reading = Some(read(&self.log, to));
        Ok(Some(lost.prepare().into()))
    }

    fn take_page(&mut self, page: Page) -> Option<PreparedEvents> {
        let length = page.entries.iter().map(|entry| entry.event.as_bytes().len()).sum();
        if let Some(newest) = page.entries.last() {
            self.last = newest.cursor;
        }
        self.reading = match page.rest {
            Rest::More => Some(read(&self.log, self.last)),
            Rest::Nothing => None,
        };
        PreparedEvents::join(length, page.entries.into_iter().map(|entry| entry.event))
    }

    /// What is sent of what is handed out. An error is the end.
    fn poll_handed_out(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<PreparedEvents>, Ended>> {
        let Some(taken) = ready!(self.taker.poll_take(context)) else {
            return Poll::Ready(Err(Ended));
        };
        let handed = match taken.stretch() {
            Some(stretch) if taken.messages() > 1 => self.shelf.get(stretch, || Handed::of(taken)),
            _ => Handed::of(taken),
        };
        let events = match handed {
            Some(handed) if handed.after == self.last => {
                self.last = handed.upto;
                Some(handed.events)
            }
            _ => {
                let new = Following::on(taken, self.last);
                if let Next::InTheLog = new.next {
                    self.reading = Some(read(&self.log, new.last));
                }
                self.last = new.last;
                let length = new.events.iter().map(|event| event.as_bytes().len()).sum();
                PreparedEvents::join(length, new.events)
            }
        };
        // What was taken is held no longer than it takes to join it.
        taken.clear();
        Poll::Ready(Ok(events))
    }
}

/// Everything was taken, and nothing more comes.
struct Ended;

type Reading = BoxFuture<'static, Result<Page, ReadError>>;

fn read<L: ReplayLog + 'static>(log: &Arc<L>, after: Cursor) -> Reading {
    let log = Arc::clone(log);
    Box::pin(async move { log.read(after, Budget::default()).await })
}

impl<L: ReplayLog + 'static> Stream for ReplaySubscription<L> {
    type Item = PreparedEvents;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PreparedEvents>> {
        let this = self.get_mut();
        if let Some(opening) = this.opening.take() {
            return Poll::Ready(Some(opening.into()));
        }
        loop {
            let events = if let Some(reading) = &mut this.reading {
                let answer = ready!(reading.as_mut().poll(context));
                this.reading = None;
                this.take_read(answer).ok()
            } else {
                ready!(this.poll_handed_out(context)).ok()
            };
            match events {
                None => return Poll::Ready(None),
                Some(Some(events)) => return Poll::Ready(Some(events)),
                Some(None) => {}
            }
        }
    }
}

impl<L> fmt::Debug for ReplaySubscription<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplaySubscription")
            .field("verdict", &self.verdict)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
