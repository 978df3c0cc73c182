//! Whom a message is for.

use std::sync::Arc;

/// Names a subscriber of one log. Never given again, so that a message for one that has left reaches nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId {
    pub(crate) slot: u32,
    pub(crate) generation: u64,
}

impl SubscriberId {
    /// Nobody has this name.
    pub(crate) const NOBODY: Self = Self { slot: u32::MAX, generation: u64::MAX };
}

/// Whom a message is for.
#[derive(Clone, Debug, Default)]
pub enum Audience {
    /// All who are subscribed when it is published.
    #[default]
    All,
    /// Those of them who are named. One list can be shared by many messages.
    Only(Arc<[SubscriberId]>),
}

impl Audience {
    /// Those who are named, in any order.
    pub fn only(ids: impl IntoIterator<Item = SubscriberId>) -> Self {
        let mut ids: Vec<SubscriberId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        Self::Only(ids.into())
    }

    pub(crate) fn contains(&self, id: SubscriberId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.binary_search(&id).is_ok(),
        }
    }

    pub(crate) fn is_all(&self) -> bool {
        matches!(self, Self::All)
    }
}
