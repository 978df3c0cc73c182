//! One subscriber.

use crate::runs::Taken;
use crate::{End, Policy, Standing, SubscriberId};

/// Boxed in its slot, so that slots of those who left are small.
#[derive(Debug)]
pub(super) struct Member<M, P> {
    pub(super) id: SubscriberId,
    pub(super) standing: Standing,
    /// What was decided for the time that it is slow.
    pub(super) verdict: Option<Policy>,
    /// Whether it has been asked what becomes of it, since it became slow.
    pub(super) asked: bool,
    pub(super) place: Place<P>,
    /// What waits for it before the window.
    pub(super) backlog: Taken<M>,
    pub(super) dropped: u64,
    pub(super) handing: Handing,
}

/// Whether messages are on their way to it by the hand of whoever distributes, so that it takes nothing meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Handing {
    #[default]
    No,
    Underway,
    /// It wanted to take since, and has to be told when it can.
    Awaited,
}

/// Where it is.
#[derive(Debug)]
pub(super) enum Place<P> {
    /// It waits, and has everything before `seen`.
    Parked {
        handle: P,
        seen: u64,
    },
    /// It has everything before the cursor, or in its backlog.
    Following {
        cursor: u64,
    },
    /// It loses everything from `since` on.
    Detached {
        since: u64,
        /// Messages for all before that.
        broadcasts: u64,
        /// Messages for it alone and some others, since.
        addressed: u64,
    },
    Ended(End),
}

impl<M, P> Member<M, P> {
    pub(super) fn new(id: SubscriberId, standing: Standing, place: Place<P>) -> Self {
        let (verdict, asked, backlog, dropped) = (None, false, Taken::default(), 0);
        let handing = Handing::No;
        Self { id, standing, verdict, asked, place, backlog, dropped, handing }
    }

    /// Whether those wait for it who publish with room.
    pub(super) fn is_patient(&self) -> bool {
        match self.standing {
            Standing::Fixed(policy) => policy == Policy::Wait,
            Standing::Ask => matches!(self.verdict, None | Some(Policy::Wait)),
        }
    }

    /// Whether something was decided, or is to be, for the time that it is slow.
    pub(super) fn is_decided_about(&self) -> bool {
        self.asked || self.verdict.is_some()
    }

    /// What becomes of it when it has no room.
    pub(super) fn policy(&self) -> Option<Policy> {
        match self.standing {
            Standing::Fixed(policy) => Some(policy),
            Standing::Ask => self.verdict,
        }
    }

    /// Whether it is not parked, or has everything before a message.
    pub(super) fn has_seen(&self, upto: u64) -> bool {
        !matches!(self.place, Place::Parked { seen, .. } if seen < upto)
    }

    /// Makes it follow, if it is parked and has not everything before `upto`: its handle, and where it stands then.
    pub(super) fn unpark(&mut self, announced: u64, upto: u64) -> Option<(P, u64)> {
        let Place::Parked { seen, .. } = self.place else { return None };
        let cursor = seen.max(announced).min(upto);
        match std::mem::replace(&mut self.place, Place::Following { cursor }) {
            Place::Parked { handle, .. } => Some((handle, cursor)),
            other => {
                self.place = other;
                None
            }
        }
    }
}
