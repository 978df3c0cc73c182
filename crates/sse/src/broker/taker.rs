//! A subscriber of a log that takes in a task.

use std::task::{Context, Poll, Waker};

use headwater_fanout::{Limits, Message, Subscriber, Taken, Took};

/// A subscriber, what it took last, and the waker that it left behind.
pub(super) struct Taker<M: Message> {
    subscriber: Subscriber<M, Waker>,
    taken: Taken<M>,
    /// Kept to know it again: a task that looks twice before it sleeps has to ask the log only once.
    waker: Option<Waker>,
}

impl<M: Message> Taker<M> {
    pub(super) fn new(subscriber: Subscriber<M, Waker>) -> Self {
        Self { subscriber, taken: Taken::new(), waker: None }
    }

    pub(super) const fn subscriber(&self) -> &Subscriber<M, Waker> {
        &self.subscriber
    }

    /// Takes what waits; nothing at the end. The task is woken when there is more than was taken.
    pub(super) fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Option<&mut Taken<M>>> {
        let waker = context.waker();
        let is_known = self.waker.as_ref().is_some_and(|known| known.will_wake(waker));
        if is_known && self.subscriber.is_waiting() {
            return Poll::Pending;
        }
        if !is_known {
            self.waker = Some(waker.clone());
        }
        match self.subscriber.take_or_park(&at_a_time(), &mut self.taken, || waker.clone()) {
            Took::Nothing => Poll::Pending,
            Took::End(_) => Poll::Ready(None),
            Took::Part | Took::All => Poll::Ready(Some(&mut self.taken)),
        }
    }
}

/// Most that a subscriber takes from the log at a time: a frame of a body, more or less.
fn at_a_time() -> Limits {
    Limits::new(1024, 64 * 1024)
}
