//! The catalogue: live streams by name, and by when they end.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use headwater_core::storage::{ListQuery, Listed, StorageError};
use headwater_core::{Slot, StreamKey, Timestamp};

use super::super::view::View;
use crate::local::frame::Damage;
use crate::local::row::{Row, tag};
use crate::local::stored::{StoredDeadline, StoredSlot, Unacceptable, decode};

/// Live streams in the order of the bytes of their paths.
pub(crate) fn list(view: &View, query: &ListQuery) -> Result<Vec<Listed>, StorageError> {
    let start = match query.after.as_deref() {
        Some(after) if after >= query.prefix.as_str() => Bound::Excluded(after),
        _ => Bound::Included(query.prefix.as_str()),
    };
    let mut recent = recent_slots(view, query, start).into_iter().peekable();
    let mut packed = packed_slots(view, query, start).peekable();
    let mut listed = Vec::new();
    while listed.len() < query.limit {
        // The packed state of a stream that is recent too is the older one.
        let order = match (recent.peek(), packed.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (Some((key, _)), Some(Ok((other, _)))) => key.path().cmp(other.path()),
            (_, Some(_)) => std::cmp::Ordering::Greater,
        };
        let newer = if order.is_le() { recent.next() } else { None };
        let older = if order.is_ge() { packed.next().transpose()? } else { None };
        if let Some((key, Slot::Live(state))) = newer.or(older) {
            listed.push(Listed { key, state });
        }
    }
    Ok(listed)
}

fn recent_slots(view: &View, query: &ListQuery, start: Bound<&str>) -> Vec<(StreamKey, Slot)> {
    let asked = |key: &StreamKey| {
        let begun = match start {
            Bound::Excluded(after) => key.path() > after,
            _ => true,
        };
        key.store() == query.store && begun && key.path().starts_with(&query.prefix)
    };
    let recent = view.recent.read();
    let slots = recent.slots().iter().filter(|(key, _)| asked(key));
    slots.map(|(key, slot)| (key.clone(), slot.clone())).collect()
}

fn packed_slots(
    view: &View,
    query: &ListQuery,
    start: Bound<&str>,
) -> impl Iterator<Item = Result<(StreamKey, Slot), StorageError>> {
    let of = |path| Row::State { store: query.store, path }.key();
    let prefix = of(&query.prefix);
    let start = match start {
        Bound::Excluded(after) => Bound::Excluded(of(after)),
        Bound::Included(first) => Bound::Included(of(first)),
        Bound::Unbounded => Bound::Unbounded,
    };
    let entries = view.tree.scan_from(&prefix, start.as_ref().map(Vec::as_slice));
    entries.map(|entry| {
        let (key, value) = entry?;
        let Some(row @ Row::State { store, path }) = Row::parse(&key) else {
            return Err(StorageError::Corrupt(Damage::Content.at(&key)));
        };
        let name = StreamKey::parse(store, path);
        let name = name.map_err(|_| StorageError::Corrupt(Damage::Content.at(&key)))?;
        let stored: StoredSlot = decode(&key, &value, view.tree.verify())?;
        let slot = match view.whole_slot(row, stored) {
            // It is being removed or changed at this moment: look again.
            Err(_) => view.slot(&name)?,
            Ok(slot) => slot,
        };
        Ok((name, slot))
    })
}

/// Live streams whose durable deadline is at or before a time, earliest first.
pub(crate) fn expiring(
    view: &View,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<(Timestamp, StreamKey)>, StorageError> {
    let recent: BTreeMap<StreamKey, Slot> = view.recent.read().slots().clone();
    let mut due = Vec::new();
    for (key, slot) in &recent {
        if let Slot::Live(state) = slot
            && let Some(deadline) = state.deadline().filter(|deadline| *deadline <= before)
        {
            due.push((deadline, key.clone()));
        }
    }
    let mut packed = 0;
    for entry in view.tree.scan(&[tag::DEADLINE]) {
        let (key, value) = entry?;
        let Some(Row::Deadline { at, .. }) = Row::parse(&key) else {
            return Err(StorageError::Corrupt(Damage::Content.at(&key)));
        };
        if at > before || packed >= limit {
            break;
        }
        let stored: StoredDeadline = decode(&key, &value, view.tree.verify())?;
        let name = stored.into_key().map_err(Unacceptable::at(&key))?;
        if !recent.contains_key(&name) {
            due.push((at, name));
            packed += 1;
        }
    }
    due.sort_unstable();
    // A deadline that is being moved at this moment may be met twice.
    let mut met = HashSet::new();
    due.retain(|(_, key)| met.insert(key.clone()));
    due.truncate(limit);
    Ok(due)
}
