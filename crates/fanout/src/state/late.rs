//! A subscriber is slow for a reason that only its owner knows: what it took has become worthless while it waited.

use super::State;
use super::sweep::Slow;
use crate::{Message, Policy, Standing, SubscriberId};

/// Whether a subscriber was late with what it took before, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spell {
    /// It was not: it has become slow.
    Begins,
    /// It was: it is slow still, and is not asked about again.
    GoesOn,
}

/// What became of a subscriber that was late.
pub(crate) enum Late<P> {
    /// It did not get the messages, and goes on.
    Lost,
    /// It was disconnected. This is what it had parked.
    Ended(Option<P>),
}

impl<M: Message, P> State<M, P> {
    /// Counts messages that a subscriber took as lost, or disconnects it, as its policy says. Nobody can wait for it to have been faster.
    pub(crate) fn lose(&mut self, id: SubscriberId, messages: u64, spell: Spell) -> Late<P> {
        let Some(member) = self.member_mut(id) else { return Late::Lost };
        match member.policy() {
            Some(Policy::Disconnect | Policy::Wait) => return Late::Ended(self.end(id)),
            Some(Policy::DropNewest | Policy::DropOldest) | None => {}
        }
        member.dropped += messages;
        let asks = member.standing == Standing::Ask && !member.asked && spell == Spell::Begins;
        if asks {
            member.asked = true;
            self.slow.push(Slow::Undecided(id));
        }
        self.counts.dropped += messages;
        Late::Lost
    }
}
