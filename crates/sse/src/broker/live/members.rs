//! Who is subscribed, and with which attributes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use headwater_fanout::SubscriberId;

/// Attributes by subscriber. Read by publishers with a predicate, who must not wait for each other.
pub(in crate::broker) struct Members<A> {
    all: RwLock<BTreeMap<SubscriberId, Arc<A>>>,
}

impl<A> Default for Members<A> {
    fn default() -> Self {
        Self { all: RwLock::default() }
    }
}

impl<A> Members<A> {
    pub(super) fn join(&self, id: SubscriberId, attributes: A) {
        let attributes = Arc::new(attributes);
        self.all.write().unwrap_or_else(PoisonError::into_inner).insert(id, attributes);
    }

    pub(in crate::broker) fn leave(&self, id: SubscriberId) {
        // What it leaves is dropped when the lock is free: that may run foreign code.
        let _left = self.all.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    pub(super) fn get(&self, id: SubscriberId) -> Option<Arc<A>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// All of them at this moment.
    pub(super) fn all(&self) -> Vec<(SubscriberId, Arc<A>)> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(id, attributes)| (*id, Arc::clone(attributes))).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.all.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}
