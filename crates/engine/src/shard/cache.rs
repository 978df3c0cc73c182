//! What is in memory per stream, and for how long.
//!
//! Two generations: what is used moves to the young one; at the end of an idle period the old one is dropped and the
//! young one becomes old. A stream that was idle for one to two periods costs nothing any more.

use std::collections::HashMap;
use std::sync::Arc;

use headwater_core::producer::{ProducerId, ProducerState};
use headwater_core::{Slot, StreamKey, StreamState, Timestamp};

use super::queue::Ticket;

/// One stream in memory.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Tells this entry from a later one under the same key.
    pub(super) id: u64,
    /// After the last decided change.
    pub(super) private: Private,
    /// After the last committed change.
    pub(crate) durable: Slot,
    /// The last unit that changes it and is not durable.
    pub(super) pending: Option<Ticket>,
    /// Rows of producers as privately decided; what is missing has not changed since the entry was made.
    pub(super) producers: HashMap<ProducerId, Option<ProducerState>>,
}

/// What decisions are made on.
#[derive(Clone, Debug)]
pub(super) enum Private {
    Known(Slot),
    /// A creation is on its way; its lineage is not known, so others wait for it.
    Creating,
}

impl Stream {
    pub(crate) fn private_live_mut(&mut self) -> Option<&mut StreamState> {
        match &mut self.private {
            Private::Known(Slot::Live(state)) => Some(Arc::make_mut(state)),
            Private::Known(_) | Private::Creating => None,
        }
    }

    /// The durable state, where it can be read without looking at what is private: both are the same live stream.
    pub(crate) fn readable(&self, now: Timestamp) -> Option<&Arc<StreamState>> {
        match (&self.private, &self.durable) {
            (Private::Known(Slot::Live(private)), Slot::Live(durable)) => {
                (private.ranges.own() == durable.ranges.own() && !private.expired(now))
                    .then_some(durable)
            }
            _ => None,
        }
    }

    /// Whether dropping the entry loses nothing.
    fn is_idle(&self) -> bool {
        self.pending.is_none()
    }

    fn is_nothing(&self) -> bool {
        self.is_idle() && matches!(self.private, Private::Known(Slot::Absent))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Cache {
    young: HashMap<StreamKey, Stream>,
    old: HashMap<StreamKey, Stream>,
    next_id: u64,
}

impl Cache {
    pub(crate) fn get_mut(&mut self, key: &StreamKey) -> Option<&mut Stream> {
        if !self.young.contains_key(key) {
            let (key, stream) = self.old.remove_entry(key)?;
            self.young.insert(key, stream);
        }
        self.young.get_mut(key)
    }

    pub(crate) fn get(&self, key: &StreamKey) -> Option<&Stream> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Adds what was loaded. Nothing stands under the key, because loads of one key do not overlap.
    pub(super) fn insert(&mut self, key: StreamKey, slot: Slot) -> &mut Stream {
        self.next_id += 1;
        let stream = Stream {
            id: self.next_id,
            private: Private::Known(slot.clone()),
            durable: slot,
            pending: None,
            producers: HashMap::new(),
        };
        self.young.entry(key).insert_entry(stream).into_mut()
    }

    /// Forgets a stream whose state turned out not to be the present one.
    pub(super) fn forget(&mut self, key: &StreamKey) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Forgets a key under which there is nothing: asking for names that do not exist costs no memory.
    pub(super) fn forget_nothing(&mut self, key: &StreamKey) {
        if self.get(key).is_some_and(Stream::is_nothing) {
            self.forget(key);
        }
    }

    /// Ends an idle period. The caller drops what is returned outside of its lock.
    pub(crate) fn age(&mut self, keep: impl Fn(&StreamKey) -> bool) -> HashMap<StreamKey, Stream> {
        let mut dropped = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        let kept = dropped.extract_if(|key, stream| !stream.is_idle() || keep(key));
        self.young.extend(kept);
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater_core::StoreId;

    fn key(path: &str) -> StreamKey {
        StreamKey::parse(StoreId::DEFAULT, path).unwrap()
    }

    #[test]
    fn what_is_idle_for_two_periods_goes_and_what_is_used_or_on_its_way_stays() {
        let mut cache = Cache::default();
        for name in ["idle", "used", "kept", "pending"] {
            cache.insert(key(name), Slot::Absent);
        }
        cache.get_mut(&key("pending")).unwrap().pending = Some(Ticket::for_tests(1));
        for _ in 0..2 {
            assert!(cache.get_mut(&key("used")).is_some());
            drop(cache.age(|key| key.path() == "kept"));
        }
        for (name, there) in [("idle", false), ("used", true), ("kept", true), ("pending", true)] {
            assert_eq!(cache.get(&key(name)).is_some(), there, "{name}");
        }
    }

    #[test]
    fn names_without_a_stream_are_not_remembered() {
        let mut cache = Cache::default();
        cache.insert(key("nothing"), Slot::Absent);
        cache.forget_nothing(&key("nothing"));
        assert!(cache.get(&key("nothing")).is_none());
        cache.insert(key("creating"), Slot::Absent).private = Private::Creating;
        cache.forget_nothing(&key("creating"));
        assert!(cache.get(&key("creating")).is_some());
    }
}
