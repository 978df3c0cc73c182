//! Who is subscribed, and with which attributes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use headwater_fanout::{Message, Subscriber, SubscriberId};

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
    /// Adds whom `subscribe` gives. It is called under the lock, so that nobody is slow, and asked about, before its attributes are known.
    pub(super) fn join<M: Message, P>(
        &self,
        attributes: A,
        subscribe: impl FnOnce() -> Option<Subscriber<M, P>>,
    ) -> Option<Subscriber<M, P>> {
        let attributes = Arc::new(attributes);
        let mut all = self.all.write().unwrap_or_else(PoisonError::into_inner);
        let subscriber = subscribe()?;
        all.insert(subscriber.id(), attributes);
        Some(subscriber)
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
