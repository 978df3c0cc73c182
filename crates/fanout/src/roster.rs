//! Who is subscribed, which messages are on their way, and how both come to an end.
//!
//! It is all behind one lock, which is held to look up or change a few entries, and is free when wakers, destructors and
//! predicates run. The log's lock may be taken inside it, never the other way round.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::groups::Groups;
use crate::sync::{Mutex, locked};
use crate::{
    Audience, Log, Message, Park, PublishError, SendError, Standing, Subscriber, SubscriberId,
};

/// The subscribers of a log, each with attributes and in some groups, and an end that waits for what has begun.
///
/// Whoever publishes has a [`Flight`]. When this is [stopped](Self::stop), nobody sets out any more, and the last who lands closes
/// the log: what was begun before is published before the subscribers are told.
pub struct Roster<M: Message, P: Park, A> {
    log: Log<M, P>,
    state: Mutex<State<A>>,
}

struct State<A> {
    groups: Groups<A>,
    in_flight: usize,
    stopped: bool,
    /// Those who wait until all have left.
    waiting: Vec<Waker>,
}

impl<M: Message, P: Park, A> fmt::Debug for Roster<M, P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster").field("log", &self.log).finish_non_exhaustive()
    }
}

impl<M: Message, P: Park, A> Roster<M, P, A> {
    /// Nobody. Messages that are published by the log itself are not waited for.
    pub fn new(log: Log<M, P>) -> Self {
        let (groups, waiting) = (Groups::default(), Vec::new());
        Self { log, state: Mutex::new(State { groups, in_flight: 0, stopped: false, waiting }) }
    }

    /// The log.
    pub const fn log(&self) -> &Log<M, P> {
        &self.log
    }

    /// Adds a subscriber, for whom every message is that is published after this. `None` when it was stopped.
    ///
    /// It is known under its name as soon as the log can ask about it, and until it is [unregistered](Self::unregister).
    pub fn register(&self, standing: Standing, attributes: A) -> Option<Subscriber<M, P>> {
        let attributes = std::sync::Arc::new(attributes);
        let _flight = self.set_out()?;
        let mut state = locked(&self.state);
        let subscriber = self.log.subscribe(standing)?;
        state.groups.register(subscriber.id(), attributes);
        Some(subscriber)
    }

    /// Forgets a subscriber, and takes it out of its groups. What it waits for in the log is its own to leave.
    pub fn unregister(&self, id: SubscriberId) {
        let (_attributes, waiting) = {
            let mut state = locked(&self.state);
            let attributes = state.groups.unregister(id);
            (attributes, state.take_waiting())
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// What a subscriber was registered with.
    pub fn get(&self, id: SubscriberId) -> Option<std::sync::Arc<A>> {
        locked(&self.state).groups.get(id)
    }

    /// All of them now, with what they were registered with.
    pub fn all(&self) -> Vec<(SubscriberId, std::sync::Arc<A>)> {
        locked(&self.state).groups.snapshot()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        locked(&self.state).groups.count()
    }

    /// Puts a subscriber into a group. Says whether it was not in it; one that is not registered cannot be.
    pub fn join(&self, group: &str, id: SubscriberId) -> bool {
        locked(&self.state).groups.join(group, id)
    }

    /// Takes a subscriber out of a group. Says whether it was in it.
    pub fn leave(&self, group: &str, id: SubscriberId) -> bool {
        locked(&self.state).groups.leave(group, id)
    }

    /// How many are in a group.
    pub fn group_count(&self, group: &str) -> usize {
        locked(&self.state).groups.group_count(group)
    }

    /// Those who are in a group now.
    pub fn audience(&self, group: &str) -> Audience {
        locked(&self.state).groups.audience(group)
    }

    /// Begins to publish; `None` when this was stopped.
    pub fn set_out(&self) -> Option<Flight<'_, M, P, A>> {
        let mut state = locked(&self.state);
        if state.stopped {
            return None;
        }
        state.in_flight += 1;
        Some(Flight(self))
    }

    /// Lets nobody set out any more. The log is closed when the last flight has landed.
    pub fn stop(&self) {
        let is_last = {
            let mut state = locked(&self.state);
            state.stopped = true;
            state.in_flight == 0
        };
        if is_last {
            self.close();
        }
    }

    /// Stops it and closes the log now: who is in flight is refused.
    pub fn end(&self) {
        locked(&self.state).stopped = true;
        self.close();
    }

    fn close(&self) {
        self.log.close();
        let waiting = locked(&self.state).take_waiting();
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ready when the log is closed and all have been unregistered; else the task is woken then.
    pub fn poll_deserted(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = locked(&self.state);
        if self.log.is_closed() && state.groups.count() == 0 {
            return Poll::Ready(());
        }
        if !state.waiting.iter().any(|known| known.will_wake(cx.waker())) {
            state.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn land(&self) {
        let is_last = {
            let mut state = locked(&self.state);
            state.in_flight -= 1;
            state.stopped && state.in_flight == 0
        };
        if is_last {
            self.close();
        }
    }
}

impl<A> State<A> {
    /// Those who wait, if it is worth looking again.
    fn take_waiting(&mut self) -> Vec<Waker> {
        if self.groups.count() > 0 {
            return Vec::new();
        }
        std::mem::take(&mut self.waiting)
    }
}

/// Somebody who publishes, and is waited for when the [`Roster`] is stopped. It lands when this is dropped.
pub struct Flight<'a, M: Message, P: Park, A>(&'a Roster<M, P, A>);

impl<M: Message, P: Park, A> fmt::Debug for Flight<'_, M, P, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Flight").field(self.0).finish()
    }
}

impl<M: Message, P: Park, A> Flight<'_, M, P, A> {
    /// Publishes a message, and never waits. Returns its sequence.
    ///
    /// # Errors
    /// As [`Log::publish`].
    pub fn publish(&self, message: M, audience: Audience) -> Result<u64, PublishError> {
        self.0.log.publish(message, audience)
    }

    /// Publishes a message for all when nobody is left behind by it for whom publishers wait. Returns its sequence.
    ///
    /// # Errors
    /// As [`Log::publish`].
    pub async fn send(&self, message: M) -> Result<u64, PublishError> {
        poll_fn(|cx| match self.0.log.try_send(cx, message.clone(), Audience::All) {
            Ok(number) => Poll::Ready(Ok(number)),
            Err(SendError::Full(_)) => Poll::Pending,
            Err(SendError::Refused(error)) => Poll::Ready(Err(error)),
        })
        .await
    }
}

impl<M: Message, P: Park, A> Drop for Flight<'_, M, P, A> {
    fn drop(&mut self) {
        self.0.land();
    }
}
