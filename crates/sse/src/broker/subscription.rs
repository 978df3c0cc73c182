//! A subscriber's end of a broker.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use headwater_fanout::{Delivery, SubscriberId, Taken};

use super::live::{Members, Published};
use super::shelf::Shelf;
use super::taker::Taker;
use crate::PreparedEvents;
use crate::replay::{Lost, Reason};

/// The events for one subscriber, as a stream of all that waits; dropping it unsubscribes.
///
/// Each item holds one or more events, at most 64 KiB unless one is larger, and is shared with all who get the same. Where events were
/// dropped comes an event of the type [`LOST`](crate::replay::LOST) that says how many. The stream ends when the broker is closed and
/// everything was taken, and when the subscriber was disconnected for being slow.
pub struct Subscription<A> {
    taker: Taker<Published>,
    shelf: Arc<Shelf<Option<PreparedEvents>>>,
    members: Weak<Members<A>>,
}

impl<A> Subscription<A> {
    pub(super) fn new(
        taker: Taker<Published>,
        shelf: Arc<Shelf<Option<PreparedEvents>>>,
        members: Weak<Members<A>>,
    ) -> Self {
        Self { taker, shelf, members }
    }

    /// Its name in the broker.
    pub fn id(&self) -> SubscriberId {
        self.taker.subscriber().id()
    }

    /// Events and bytes that wait for it in the broker.
    pub fn depth(&self) -> (u64, u64) {
        self.taker.subscriber().depth()
    }

    /// Events that it did not get.
    pub fn dropped(&self) -> u64 {
        self.taker.subscriber().dropped()
    }
}

impl<A> Stream for Subscription<A> {
    type Item = PreparedEvents;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PreparedEvents>> {
        let this = self.get_mut();
        let Some(taken) = ready!(this.taker.poll_take(context)) else { return Poll::Ready(None) };
        let events = match taken.stretch() {
            Some(stretch) if taken.messages() > 1 => this.shelf.get(stretch, || join(taken)),
            _ => join(taken),
        };
        // What was taken is held no longer than it takes to join it.
        taken.clear();
        Poll::Ready(events)
    }
}

/// All of it, with what was lost told where it is missing.
fn join(taken: &Taken<Published>) -> Option<PreparedEvents> {
    let events = taken.iter().map(|delivery| match delivery {
        Delivery::Message { message, .. } => message.0.clone(),
        Delivery::Lost(gap) => {
            let events = Some(gap.messages);
            Lost { reason: Reason::Dropped, from: None, to: None, events }.prepare()
        }
    });
    PreparedEvents::join(usize::try_from(taken.bytes()).unwrap_or(0), events)
}

impl<A> Drop for Subscription<A> {
    fn drop(&mut self) {
        if let Some(members) = self.members.upgrade() {
            members.leave(self.id());
        }
    }
}

impl<A> fmt::Debug for Subscription<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id()).finish_non_exhaustive()
    }
}
