//! One who takes messages.

use std::fmt;

use crate::log::Shared;
use crate::parked::Waiting;
use crate::runs::Taken;
use crate::state::{Late, Outcome};
use crate::sync::Arc;
use crate::{End, Limits, Message, Spell, SubscriberId};

/// What a take brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// Something, and there is more: take again.
    Part,
    /// All that there is. The handle was parked: it is told of the next message, or of the end.
    All,
    /// Nothing, because there is nothing. The handle was parked; or messages are being [handed](crate::Log::hand_out) to it, and the handle
    /// that it left before is told.
    Nothing,
    /// Nothing, and nothing more will come.
    End(End),
}

impl Took {
    /// Whether something was taken.
    #[must_use]
    pub const fn is_some(self) -> bool {
        matches!(self, Self::Part | Self::All)
    }
}

/// A place in the log. It is left when this is dropped.
pub struct Subscriber<M: Message, P> {
    id: SubscriberId,
    shared: Arc<Shared<M, P>>,
    waiting: Waiting,
}

impl<M: Message, P> fmt::Debug for Subscriber<M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<M: Message, P> Subscriber<M, P> {
    pub(crate) fn new(id: SubscriberId, shared: Arc<Shared<M, P>>) -> Self {
        Self { id, shared, waiting: Waiting::new() }
    }

    /// Its name in the log.
    #[must_use]
    pub fn id(&self) -> SubscriberId {
        self.id
    }

    /// Takes what waits, at most so much but at least one message, in publish order, and leaves a handle behind unless there is more. What
    /// was in `out` is let go of.
    ///
    /// A handle can be told while what was taken is still being sent; then nothing is told again before the next take.
    #[inline]
    pub fn take_or_park(
        &mut self,
        most: &Limits,
        out: &mut Taken<M>,
        handle: impl FnOnce() -> P,
    ) -> Took {
        out.clear();
        // A handle of before is let go of when the lock is free.
        let (outcome, _left) = self.shared.with(|state| {
            let left = state.unpark(self.id);
            self.waiting.end();
            let outcome = state.take(self.id, most, out);
            if outcome == Outcome::Through {
                state.park(self.id, self.waiting.park(handle()));
            }
            (outcome, left)
        });
        match outcome {
            Outcome::Part => Took::Part,
            Outcome::Through if out.is_empty() => Took::Nothing,
            Outcome::Later => Took::Nothing,
            Outcome::Through => Took::All,
            Outcome::End(end) => Took::End(end),
        }
    }

    /// Loses so many of the messages that it took last, which its owner found worthless: too old, say. It is slow then, as one without room is:
    /// its policy holds, and with [`Standing::Ask`](crate::Standing::Ask) the log asks. What was lost is counted, and not told as a gap.
    ///
    /// Tells that it was disconnected, with [`Policy::Wait`](crate::Policy::Wait), too: no publisher can wait for what is over.
    pub fn lose(&self, messages: u64, spell: Spell) -> Option<End> {
        match self.shared.with(|state| state.lose(self.id, messages, spell)) {
            Late::Lost => None,
            Late::Ended(parked) => {
                // It is told here, and the handle let go of when the lock is free.
                self.waiting.end();
                drop(parked);
                Some(End::Slow)
            }
        }
    }

    /// Whether the handle that it left behind last is still to be told, so that a take would bring nothing. It takes no lock.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_set()
    }

    /// Messages and bytes that wait for it.
    #[must_use]
    pub fn depth(&self) -> (u64, u64) {
        self.shared.look(|state| state.depth(self.id))
    }

    /// Messages that it lost.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.look(|state| state.dropped(self.id))
    }
}

impl<M: Message, P> Drop for Subscriber<M, P> {
    fn drop(&mut self) {
        // What it had parked is let go of when the lock is free.
        let _parked = self.shared.with(|state| state.leave(self.id));
    }
}
