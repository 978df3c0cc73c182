//! A subscriber that reads the log until it has caught up, and whenever it was left behind.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use headwater_fanout::{Delivery, Subscriber, Taken, Took};

use super::super::distributor::at_a_time;
use super::Live;
use crate::PreparedEvent;
use crate::replay::{
    BoxFuture, Budget, Cursor, Lost, Page, ReadError, Reason, ReplayLog, Rest, Resumption, Verdict,
};

/// The events for one subscriber, as a stream; dropping it unsubscribes.
///
/// It begins with what the client is told about its place ([`Resumption::opening`]). It ends when the broker is closed and
/// what was handed out was taken, and when the log cannot be read: the client then comes back with the id it has.
pub struct ReplaySubscription<L> {
    log: Arc<L>,
    subscriber: Subscriber<Live, Waker>,
    taken: Taken<Live>,
    ready: VecDeque<PreparedEvent>,
    verdict: Verdict,
    /// Everything up to here is out.
    last: Cursor,
    /// A read of the log that is under way; without one it takes what is handed out.
    reading: Option<Reading>,
}

impl<L: ReplayLog + 'static> ReplaySubscription<L> {
    pub(super) fn new(
        log: Arc<L>,
        subscriber: Subscriber<Live, Waker>,
        resumption: Resumption,
    ) -> Self {
        let Resumption { verdict, after, opening } = resumption;
        let ready = VecDeque::from([opening]);
        let taken = Taken::new();
        let reading = Some(read(&log, after));
        Self { log, subscriber, taken, ready, verdict, last: after, reading }
    }

    /// What became of the id that the client came back with.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn take_page(&mut self, page: Page) {
        for entry in page.entries {
            self.last = entry.cursor;
            self.ready.push_back(entry.event);
        }
        self.reading = match page.rest {
            Rest::More => Some(read(&self.log, self.last)),
            Rest::Nothing => None,
        };
    }

    /// Goes on after what is gone, and says so.
    fn skip_to(&mut self, reason: Reason, to: Cursor) {
        let (from, to_id) = (self.log.id(self.last), self.log.id(to));
        let lost = Lost { reason, from: Some(&from), to: Some(&to_id), events: None };
        self.ready.push_back(lost.prepare());
        self.last = to;
        self.reading = Some(read(&self.log, to));
    }

    /// Takes over what was handed out as far as it follows on what is out; else the log is read.
    fn take_handed_out(&mut self) {
        for delivery in self.taken.iter() {
            let next = match delivery {
                Delivery::Message { message, .. } => follows(message, self.last),
                Delivery::Lost(_) => Next::Elsewhere,
            };
            match next {
                Next::Out => {}
                Next::Here(event, cursor) => {
                    self.last = cursor;
                    self.ready.push_back(event);
                }
                Next::Elsewhere => {
                    self.reading = Some(read(&self.log, self.last));
                    return;
                }
            }
        }
    }
}

/// What a message is to one who has everything up to a cursor.
enum Next {
    /// It is out already.
    Out,
    /// It is the next.
    Here(PreparedEvent, Cursor),
    /// The next is in the log.
    Elsewhere,
}

/// Cursors of different epochs are in no order.
fn follows(message: &Live, last: Cursor) -> Next {
    let is_out = |cursor: Cursor| cursor.epoch == last.epoch && cursor.offset <= last.offset;
    match &message.event {
        _ if is_out(message.cursor) => Next::Out,
        Some(event) if is_out(message.previous) => Next::Here(event.clone(), message.cursor),
        _ => Next::Elsewhere,
    }
}

type Reading = BoxFuture<'static, Result<Page, ReadError>>;

fn read<L: ReplayLog + 'static>(log: &Arc<L>, after: Cursor) -> Reading {
    let log = Arc::clone(log);
    Box::pin(async move { log.read(after, Budget::default()).await })
}

impl<L: ReplayLog + 'static> Stream for ReplaySubscription<L> {
    type Item = PreparedEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PreparedEvent>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.ready.pop_front() {
                return Poll::Ready(Some(event));
            }
            if let Some(reading) = &mut this.reading {
                match ready!(reading.as_mut().poll(context)) {
                    Ok(page) => this.take_page(page),
                    Err(ReadError::Expired { head }) => {
                        this.skip_to(Reason::Gap, head.oldest_kept());
                    }
                    Err(ReadError::OtherEpoch { head }) => {
                        this.skip_to(Reason::OtherEpoch, head.oldest_kept());
                    }
                    Err(ReadError::Ahead { head }) => this.skip_to(Reason::Ahead, head.end()),
                    Err(ReadError::Unavailable(_) | ReadError::Damaged(_)) => {
                        return Poll::Ready(None);
                    }
                }
                continue;
            }
            let waker = || context.waker().clone();
            match this.subscriber.take_or_park(&at_a_time(), &mut this.taken, waker) {
                Took::Nothing => return Poll::Pending,
                Took::End(_) => return Poll::Ready(None),
                Took::Part | Took::All => this.take_handed_out(),
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
