//! What stands under each key, in the order of names, and which streams end when.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use headwater_core::storage::{ListQuery, Listed};
use headwater_core::{Slot, StoreId, StreamKey, Timestamp};

/// A key inside its store: ordered, and looked up, by path alone.
#[derive(Clone, Debug)]
struct ByPath(StreamKey);

impl Borrow<str> for ByPath {
    fn borrow(&self) -> &str {
        self.0.path()
    }
}

impl Ord for ByPath {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.path().cmp(other.0.path())
    }
}

impl PartialOrd for ByPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByPath {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for ByPath {}

/// All slots that are not absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalogue {
    stores: BTreeMap<StoreId, BTreeMap<ByPath, Slot>>,
    deadlines: BTreeSet<(Timestamp, StreamKey)>,
}

impl Catalogue {
    /// What stands under a key.
    pub(super) fn get(&self, key: &StreamKey) -> &Slot {
        const ABSENT: &Slot = &Slot::Absent;
        self.stores.get(&key.store()).and_then(|paths| paths.get(key.path())).unwrap_or(ABSENT)
    }

    /// Puts a slot in place of the one that stands there.
    pub(super) fn set(&mut self, key: &StreamKey, slot: Slot) {
        let (old, new) = (deadline(self.get(key)), deadline(&slot));
        if old != new {
            if let Some(old) = old {
                self.deadlines.remove(&(old, key.clone()));
            }
            if let Some(new) = new {
                self.deadlines.insert((new, key.clone()));
            }
        }
        let paths = self.stores.entry(key.store()).or_default();
        match slot {
            Slot::Absent => drop(paths.remove(key.path())),
            slot => drop(paths.insert(ByPath(key.clone()), slot)),
        }
        if paths.is_empty() {
            self.stores.remove(&key.store());
        }
    }

    /// Live streams in the order of the bytes of their paths.
    pub(super) fn list(&self, query: &ListQuery) -> Vec<Listed> {
        let prefix = query.prefix.as_str();
        let start = match query.after.as_deref() {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let paths = self.stores.get(&query.store);
        paths
            .into_iter()
            .flat_map(|paths| paths.range::<str, _>((start, Bound::Unbounded)))
            .take_while(|(key, _)| key.0.path().starts_with(prefix))
            .filter_map(|(key, slot)| match slot {
                Slot::Live(state) => Some(Listed { key: key.0.clone(), state: state.clone() }),
                Slot::Absent | Slot::SoftDeleted(_) => None,
            })
            .take(query.limit)
            .collect()
    }

    /// Live streams that end at or before a time, earliest first.
    pub(super) fn expiring(&self, before: Timestamp, limit: usize) -> Vec<(Timestamp, StreamKey)> {
        let due = self.deadlines.iter().take_while(|(deadline, _)| *deadline <= before);
        due.take(limit).cloned().collect()
    }
}

fn deadline(slot: &Slot) -> Option<Timestamp> {
    match slot {
        Slot::Live(state) => state.due(),
        Slot::Absent | Slot::SoftDeleted(_) => None,
    }
}
