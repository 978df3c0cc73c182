//! A subscriber's end of a broker.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use headwater_fanout::{Delivery, Spell, SubscriberId, Taken};

use super::late::Late;
use super::live::{Members, Published};
use super::shelf::Shelf;
use super::taker::Taker;
use crate::replay::{Lost, Reason};
use crate::{PreparedEvent, PreparedEvents};

/// The events for one subscriber, as a stream of all that waits; dropping it unsubscribes.
///
/// Each item holds one or more events, at most 64 KiB unless one is larger, and is shared with all who get the same. Where events were
/// dropped, or had become too old, comes an event of the type [`LOST`](crate::replay::LOST) that says how many. The stream ends when the broker
/// is closed and everything was taken, and when the subscriber was disconnected for being slow.
pub struct Subscription<A> {
    taker: Taker<Published>,
    shelf: Arc<Shelf<Option<PreparedEvents>>>,
    members: Weak<Members<A>>,
    max_age: Option<Duration>,
    /// What it is if something is too old that is taken next.
    spell: Spell,
}

impl<A> Subscription<A> {
    pub(super) fn new(
        taker: Taker<Published>,
        shelf: Arc<Shelf<Option<PreparedEvents>>>,
        members: Weak<Members<A>>,
        max_age: Option<Duration>,
    ) -> Self {
        Self { taker, shelf, members, max_age, spell: Spell::Begins }
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
        let late = this.max_age.and_then(|max_age| Late::of(taken, max_age));
        let events = match (&late, taken.stretch()) {
            (Some(late), _) => late.join(taken),
            (None, Some(stretch)) if taken.messages() > 1 => {
                this.shelf.get(stretch, || join(taken))
            }
            (None, _) => join(taken),
        };
        // What was taken is held no longer than it takes to join it.
        taken.clear();
        let Some(late) = late else {
            this.spell = Spell::Begins;
            return Poll::Ready(events);
        };
        let spell = std::mem::replace(&mut this.spell, Spell::GoesOn);
        match this.taker.subscriber().lose(late.events, spell) {
            Some(_) => Poll::Ready(None),
            None => Poll::Ready(events),
        }
    }
}

/// All of it.
fn join(taken: &Taken<Published>) -> Option<PreparedEvents> {
    PreparedEvents::join(usize::try_from(taken.bytes()).unwrap_or(0), taken.iter().map(told))
}

/// An event, or that some were lost where they are missing.
pub(super) fn told(delivery: Delivery<'_, Published>) -> PreparedEvent {
    match delivery {
        Delivery::Message { message, .. } => message.event.clone(),
        Delivery::Lost(gap) => lost(gap.messages),
    }
}

pub(super) fn lost(events: u64) -> PreparedEvent {
    Lost { reason: Reason::Dropped, from: None, to: None, events: Some(events) }.prepare()
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
