//! What is in memory per stream, and for how long.
//!
//! Two generations: what is used moves to the young one; at the end of an idle period the old one is dropped and the
//! young one becomes old. A stream that was idle for one to two periods costs nothing any more.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use headwater_core::producer::{ProducerId, ProducerState};
use headwater_core::{Expiry, Slot, StreamKey, StreamState, Timestamp};

use super::queue::Ticket;
use crate::quick::QuickMap;

/// Ids of producers that a stream does not know, which are remembered until they are decided on; more than commands that
/// run at the same time.
const MAX_UNKNOWN_PRODUCERS: usize = 256;

/// Names without a stream that are remembered, so that many who ask for the same one at once are answered by one load.
const MAX_ABSENT: usize = 1024;

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
    /// Whether it stands among the names without a stream.
    absent: bool,
}

/// What decisions are made on.
#[derive(Clone, Debug)]
pub(super) enum Private {
    Known(Slot),
    /// A unit is on its way whose number is a lineage, of a stream that it creates or of a renewal. It is not known, so others wait
    /// for it.
    Unnumbered,
}

impl Stream {
    /// The TTL in seconds and the last use, if it has one. A state without is not copied for this.
    pub(super) fn ttl_mut(&mut self) -> Option<(u64, &mut Timestamp)> {
        match &mut self.private {
            Private::Known(Slot::Live(state)) => match state.expiry {
                Expiry::Ttl(seconds) => Some((seconds, &mut Arc::make_mut(state).used_at)),
                Expiry::Never | Expiry::At(_) | Expiry::AfterClose(_) => None,
            },
            Private::Known(_) | Private::Unnumbered => None,
        }
    }

    /// The private and the durable state, where both are the same live stream.
    pub(super) fn same_stream(&self) -> Option<(&Arc<StreamState>, &Arc<StreamState>)> {
        match (&self.private, &self.durable) {
            (Private::Known(Slot::Live(private)), Slot::Live(durable)) => {
                (private.ranges.own() == durable.ranges.own()).then_some((private, durable))
            }
            _ => None,
        }
    }

    /// Notes what storage knows of a producer, unless more is known already.
    pub(super) fn enter_producer(&mut self, id: &ProducerId, row: Option<ProducerState>) {
        if row.is_none() {
            // Whoever sends unknown ids is refused, and must not fill the memory with them. What is forgotten is asked again.
            let unknown = self.producers.values().filter(|row| row.is_none()).count();
            if unknown >= MAX_UNKNOWN_PRODUCERS {
                self.producers.retain(|_, row| row.is_some());
            }
        }
        self.producers.entry(id.clone()).or_insert(row);
    }

    /// Whether dropping the entry loses nothing.
    fn is_idle(&self) -> bool {
        self.pending.is_none()
    }

    /// Whether it stands for a name without a stream, and may be dropped.
    pub(super) fn is_nothing(&self) -> bool {
        self.is_idle() && matches!(self.private, Private::Known(Slot::Absent))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Cache {
    young: QuickMap<StreamKey, Stream>,
    old: QuickMap<StreamKey, Stream>,
    /// Names under which there was nothing, oldest first, and the entries that say so.
    absent: VecDeque<(StreamKey, u64)>,
    next_id: u64,
}

impl Cache {
    pub(crate) fn get_mut(&mut self, key: &StreamKey) -> Option<&mut Stream> {
        match self.young.entry(key.clone()) {
            Entry::Occupied(young) => Some(young.into_mut()),
            Entry::Vacant(place) => Some(place.insert(self.old.remove(key)?)),
        }
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
            absent: false,
        };
        self.young.entry(key).insert_entry(stream).into_mut()
    }

    /// Forgets a stream whose state turned out not to be the present one.
    pub(super) fn forget(&mut self, key: &StreamKey) {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// Notes that there is nothing under a key. Only so many are remembered: asking for names that do not exist costs no
    /// memory.
    pub(super) fn note_absent(&mut self, key: &StreamKey) {
        let Some(stream) = self.get_mut(key).filter(|stream| stream.is_nothing() && !stream.absent)
        else {
            return;
        };
        stream.absent = true;
        let id = stream.id;
        self.absent.push_back((key.clone(), id));
        if self.absent.len() > MAX_ABSENT
            && let Some((oldest, id)) = self.absent.pop_front()
            && let Some(stream) = self.get_mut(&oldest).filter(|stream| stream.id == id)
        {
            stream.absent = false;
            if stream.is_nothing() {
                self.forget(&oldest);
            }
        }
    }

    /// Ends an idle period. The caller drops what is returned outside of its lock.
    pub(crate) fn age(&mut self, keep: impl Fn(&StreamKey) -> bool) -> QuickMap<StreamKey, Stream> {
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
    fn of_names_without_a_stream_only_so_many_are_remembered() {
        let mut cache = Cache::default();
        cache.insert(key("creating"), Slot::Absent).private = Private::Unnumbered;
        cache.note_absent(&key("creating"));
        for number in 0..3 * MAX_ABSENT {
            let key = key(&format!("n/{number}"));
            cache.insert(key.clone(), Slot::Absent);
            cache.note_absent(&key);
            cache.note_absent(&key);
        }
        assert_eq!(cache.young.len(), MAX_ABSENT + 1);
        assert!(cache.get(&key(&format!("n/{}", 3 * MAX_ABSENT - 1))).is_some());
        assert!(cache.get(&key("creating")).is_some());
    }

    #[test]
    fn unknown_producers_do_not_fill_the_memory() {
        let mut cache = Cache::default();
        let stream = cache.insert(key("s"), Slot::Absent);
        let id = |number: usize| ProducerId::parse(&number.to_string()).unwrap();
        let number = |n| headwater_core::ProducerNumber::new(n).unwrap();
        let row = ProducerState { epoch: number(0), seq: number(0) };
        stream.enter_producer(&id(0), Some(row));
        for unknown in 1..10 * MAX_UNKNOWN_PRODUCERS {
            stream.enter_producer(&id(unknown), None);
            assert_eq!(stream.producers.get(&id(unknown)), Some(&None));
        }
        assert!(stream.producers.len() <= MAX_UNKNOWN_PRODUCERS + 1);
        assert_eq!(stream.producers.get(&id(0)), Some(&Some(row)));
    }
}
