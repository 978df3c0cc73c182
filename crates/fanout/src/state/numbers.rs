//! How a log stands, for those who watch it.

use super::State;
use super::member::Place;
use crate::{Limits, Message, SubscriberId};

/// How a log stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Messages that were published.
    pub published: u64,
    /// Subscribers there are.
    pub subscribers: u64,
    /// Those of them who have everything and wait.
    pub parked: u64,
    /// Messages that subscribers did not get, each counted once for each of them; those of subscribers that have left included.
    pub dropped: u64,
    /// Subscribers that were disconnected for being slow.
    pub disconnected: u64,
    /// Messages that the log holds for all together.
    pub window_messages: u64,
    /// Their bytes.
    pub window_bytes: u64,
}

impl<M: Message, P> State<M, P> {
    pub(crate) fn numbers(&self) -> Numbers {
        Numbers {
            published: self.window.head(),
            subscribers: self.counts.members,
            parked: self.counts.parked,
            dropped: self.counts.dropped + self.lost_by_detached(),
            disconnected: self.counts.ended_slow,
            window_messages: self.window.messages(),
            window_bytes: self.window.bytes(),
        }
    }

    /// Messages and bytes that wait for a subscriber.
    pub(crate) fn depth(&self, id: SubscriberId) -> (u64, u64) {
        let Some(member) = self.member(id) else { return (0, 0) };
        let mut waiting = crate::runs::Taken::default();
        let from = match &member.place {
            Place::Following { cursor } => *cursor,
            Place::Parked { seen, .. } => (*seen).max(self.announced),
            Place::Detached { .. } | Place::Ended(_) => self.window.head(),
        };
        let all = Limits::new(usize::MAX, usize::MAX);
        self.window.collect(id, from, &all, &mut waiting);
        let messages = member.backlog.messages() + waiting.messages();
        (messages, member.backlog.bytes() + waiting.bytes())
    }

    /// Messages that a subscriber lost.
    pub(crate) fn dropped(&self, id: SubscriberId) -> u64 {
        let Some(member) = self.member(id) else { return 0 };
        let now = match member.place {
            Place::Detached { since, broadcasts, addressed } => {
                self.gap(since, broadcasts, addressed).messages
            }
            _ => 0,
        };
        member.dropped + now
    }
}
