//! The log: its state behind one lock, and everybody told when the lock is free.

use std::fmt;
use std::task::{Context, Waker};

use crate::parked::Parked;
use crate::runs::Taken;
use crate::state::{Published, State, Told};
use crate::subscriber::Subscriber;
use crate::sync::{Arc, Mutex, locked};
use crate::{
    Audience, Handed, Limits, Message, Numbers, Park, Policy, Slow, Standing, SubscriberId,
};

/// How many of those who are parked are told under one lock: some microseconds, which is what a publisher may have to wait.
const TOLD_AT_ONCE: usize = 128;

/// Why a message was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Nothing is published any more.
    #[error("the log is closed")]
    Closed,
    /// The message alone is larger than what may wait for a subscriber.
    #[error("the message has {bytes} bytes, more than the {most} that may wait for a subscriber")]
    TooLarge {
        /// Its weight.
        bytes: u64,
        /// The most that is allowed.
        most: u64,
    },
}

/// Why a message was not published by somebody who waits for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError<M> {
    /// There is no room. This is the message; its publisher is woken when there is.
    #[error("a subscriber for whom publishers wait has no room")]
    Full(M),
    /// It never will be.
    #[error(transparent)]
    Refused(#[from] PublishError),
}

/// A log of messages that many subscribers take at their own pace.
///
/// What [distributes](Self::distribute) is its owner's: a task or a thread that is woken by the hook given to [`Log::new`].
pub struct Log<M, P> {
    shared: Arc<Shared<M, P>>,
}

pub(crate) struct Shared<M, P> {
    // A plain lock, held for a fraction of a microsecond and never while code of others runs; readers change the state too.
    state: Mutex<State<M, Parked<P>>>,
    limits: Limits,
    attention: Box<dyn Fn() + Send + Sync>,
}

impl<M, P> Clone for Log<M, P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<M, P> fmt::Debug for Log<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("limits", &self.shared.limits).finish_non_exhaustive()
    }
}

impl<M: Message, P: Park> Log<M, P> {
    /// An empty log. The limits are those of each subscriber. `attention` is called, by whoever publishes, takes or decides and without
    /// a lock, when [`distribute`](Self::distribute) has something to do; it must only pass that on.
    pub fn new(limits: Limits, attention: impl Fn() + Send + Sync + 'static) -> Self {
        let state = Mutex::new(State::new(limits));
        Self { shared: Arc::new(Shared { state, limits, attention: Box::new(attention) }) }
    }

    /// What may wait for a subscriber.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.shared.limits
    }

    /// Adds a subscriber, for whom every message is that is published after this. `None` when the log is closed.
    #[must_use]
    pub fn subscribe(&self, standing: Standing) -> Option<Subscriber<M, P>> {
        let id = self.shared.with(|state| state.join(standing))?;
        Some(Subscriber::new(id, Arc::clone(&self.shared)))
    }

    /// Publishes a message, and never waits. Returns its sequence.
    ///
    /// # Errors
    /// When the log is closed, or the message can never be taken.
    pub fn publish(&self, message: M, audience: Audience) -> Result<u64, PublishError> {
        self.check(&message)?;
        let published = self.shared.with(|state| state.publish(message, audience));
        let published = published.ok_or(PublishError::Closed)?;
        Ok(self.tell_if_far_ahead(published))
    }

    /// Publishes a message if nobody is left behind by it for whom publishers wait ([`Policy::Wait`]). Returns its sequence.
    ///
    /// Others who publish at the same time may be first.
    ///
    /// # Errors
    /// As [`publish`](Self::publish), and when there is no room: then the task is woken when there is, with all others that wait.
    pub fn try_send(
        &self,
        cx: &Context<'_>,
        message: M,
        audience: Audience,
    ) -> Result<u64, SendError<M>> {
        self.check(&message)?;
        let weight = message.weight() as u64;
        let sent = self.shared.with(|state| {
            if !state.is_closed() && !state.poll_room(weight, cx) {
                return Err(SendError::Full(message));
            }
            Ok(state.publish(message, audience).ok_or(PublishError::Closed)?)
        });
        Ok(self.tell_if_far_ahead(sent?))
    }

    fn check(&self, message: &M) -> Result<(), PublishError> {
        let (bytes, most) = (message.weight() as u64, self.shared.limits.bytes());
        if bytes > most { Err(PublishError::TooLarge { bytes, most }) } else { Ok(()) }
    }

    /// Who is parked would be left behind if whoever distributes comes late.
    fn tell_if_far_ahead(&self, published: Published) -> u64 {
        if published.far_ahead {
            self.tell_all();
        }
        published.sequence
    }

    fn tell_all(&self) {
        self.sweep(&mut Told::new(None, TOLD_AT_ONCE), |_, _| Handed::Busy);
    }

    fn sweep(&self, told: &mut Told<M, Parked<P>>, mut hand: impl FnMut(&P, &Taken<M>) -> Handed) {
        loop {
            let more = self.shared.with(|state| state.sweep(TOLD_AT_ONCE, told));
            told.woken.drain(..).for_each(Park::unpark);
            if !told.handed.is_empty() {
                for (_, handle, handed) in &mut told.handed {
                    *handed = hand(handle.handle(), &told.messages);
                }
                self.shared.with(|state| state.settle(told));
                told.woken.drain(..).for_each(Park::unpark);
                told.left.clear();
            }
            if !more {
                return;
            }
        }
    }

    /// Tells everybody who is parked what was published for them until now. Returns those who have become slow, or were disconnected for it,
    /// since it was last called.
    pub fn distribute(&self) -> Vec<Slow> {
        self.distribute_by(Told::new(None, TOLD_AT_ONCE), |_, _| Handed::Busy)
    }

    /// As [`distribute`](Self::distribute), but those who are parked and have everything before are not told: they are handed the messages,
    /// at most so much at once, while no lock is held. They are collected once for all. Who goes on waiting is parked without having taken.
    ///
    /// A subscriber that takes by itself has to be the same as its handle, behind a lock that is held when it takes and when it is handed
    /// something: then all comes in order, once.
    pub fn hand_out(&self, most: &Limits, hand: impl FnMut(&P, &Taken<M>) -> Handed) -> Vec<Slow> {
        self.distribute_by(Told::new(Some(*most), TOLD_AT_ONCE), hand)
    }

    fn distribute_by(
        &self,
        mut told: Told<M, Parked<P>>,
        mut hand: impl FnMut(&P, &Taken<M>) -> Handed,
    ) -> Vec<Slow> {
        let mut slow = Vec::new();
        loop {
            self.sweep(&mut told, &mut hand);
            // Under one lock: what comes later calls for attention again.
            let mut state = locked(&self.shared.state);
            slow.append(&mut state.take_slow());
            if !state.needs_attention() {
                return slow;
            }
        }
    }

    /// Decides what becomes of a subscriber, for as long as it is slow. [`Policy::Disconnect`] ends any, slow or not, for good.
    pub fn decide(&self, id: SubscriberId, policy: Policy) {
        let parked = self.shared.with(|state| state.decide(id, policy));
        if let Some(handle) = parked {
            handle.unpark();
        }
    }

    /// Those who hinder publishers that wait for room at the moment.
    #[must_use]
    pub fn hindering(&self) -> Vec<SubscriberId> {
        locked(&self.shared.state).hindering()
    }

    /// Ends it: nothing more is published, and subscribers are told when they have taken what waits for them. Calls for attention, so that
    /// whoever distributes can end too.
    pub fn close(&self) {
        let parked = self.shared.with(State::close);
        parked.into_iter().for_each(Park::unpark);
        // Whoever distributes may wait for the end.
        (self.shared.attention)();
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        locked(&self.shared.state).is_closed()
    }

    /// How it stands.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        locked(&self.shared.state).numbers()
    }
}

impl<M: Message, P> Shared<M, P> {
    /// Changes the state, and tells those who have to know when the lock is free.
    // Inlined with what is done in it: left alone the compiler makes a call of each, a twentieth of what a delivery takes.
    #[inline]
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut State<M, Parked<P>>) -> R) -> R {
        let (result, senders, attention) = {
            let mut state = locked(&self.state);
            let needed = state.needs_attention();
            let result = change(&mut state);
            (result, state.take_senders(), state.needs_attention() && !needed)
        };
        if attention {
            (self.attention)();
        }
        senders.into_iter().for_each(Waker::wake);
        result
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&State<M, Parked<P>>) -> R) -> R {
        look(&locked(&self.state))
    }
}
