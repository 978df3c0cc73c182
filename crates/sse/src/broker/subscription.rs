//! A subscriber's end of a broker.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use headwater_fanout::{Delivery, Subscriber, SubscriberId, Taken, Took};

use super::distributor::at_a_time;
use super::live::{Members, Published};
use crate::PreparedEvent;
use crate::replay::{Lost, Reason};

/// The events for one subscriber, as a stream; dropping it unsubscribes.
///
/// Where events were dropped comes an event of the type [`LOST`](crate::replay::LOST) that says how many. The stream ends when the
/// broker is closed and everything was taken, and when the subscriber was disconnected for being slow.
pub struct Subscription<A> {
    subscriber: Subscriber<Published, Waker>,
    taken: Taken<Published>,
    ready: VecDeque<PreparedEvent>,
    members: Weak<Members<A>>,
}

impl<A> Subscription<A> {
    pub(super) fn new(subscriber: Subscriber<Published, Waker>, members: Weak<Members<A>>) -> Self {
        Self { subscriber, taken: Taken::new(), ready: VecDeque::new(), members }
    }

    /// Its name in the broker.
    pub fn id(&self) -> SubscriberId {
        self.subscriber.id()
    }

    /// Events and bytes that wait for it in the broker.
    pub fn depth(&self) -> (u64, u64) {
        self.subscriber.depth()
    }

    /// Events that it did not get.
    pub fn dropped(&self) -> u64 {
        self.subscriber.dropped()
    }
}

impl<A> Stream for Subscription<A> {
    type Item = PreparedEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PreparedEvent>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.ready.pop_front() {
                return Poll::Ready(Some(event));
            }
            let waker = || context.waker().clone();
            match this.subscriber.take_or_park(&at_a_time(), &mut this.taken, waker) {
                Took::Nothing => return Poll::Pending,
                Took::End(_) => return Poll::Ready(None),
                Took::Part | Took::All => this.ready.extend(this.taken.iter().map(event)),
            }
        }
    }
}

fn event(delivery: Delivery<'_, Published>) -> PreparedEvent {
    match delivery {
        Delivery::Message { message, .. } => message.0.clone(),
        Delivery::Lost(gap) => {
            let events = Some(gap.messages);
            Lost { reason: Reason::Dropped, from: None, to: None, events }.prepare()
        }
    }
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
