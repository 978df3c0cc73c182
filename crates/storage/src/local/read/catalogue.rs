//! The catalogue: live streams by name, and by when they end.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;

use headwater_core::storage::{ListQuery, Listed, StorageError};
use headwater_core::{Slot, StreamKey, Timestamp};

use super::super::frame::Damage;
use super::super::row::{Row, tag};
use super::super::rows::Rows;
use super::super::stored::{StoredDeadline, StoredSlot, Unacceptable, decode};
use super::super::view::View;

/// Live streams in the order of the bytes of their paths.
pub(crate) fn list<P: Rows>(
    view: &View<P>,
    query: &ListQuery,
) -> Result<Vec<Listed>, StorageError> {
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

fn recent_slots<P: Rows>(
    view: &View<P>,
    query: &ListQuery,
    start: Bound<&str>,
) -> BTreeMap<StreamKey, Slot> {
    let asked = |key: &StreamKey| {
        let begun = match start {
            Bound::Excluded(after) => key.path() > after,
            _ => true,
        };
        key.store() == query.store && begun && key.path().starts_with(&query.prefix)
    };
    view.recent.read().slots(asked)
}

fn packed_slots<P: Rows>(
    view: &View<P>,
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
    let entries = view.packed.scan_from(prefix, start);
    entries.map(|entry| {
        let (key, value) = entry?;
        let Some(row @ Row::State { store, path }) = Row::parse(&key) else {
            return Err(StorageError::Corrupt(Damage::Content.at(&key)));
        };
        let name = StreamKey::parse(store, path);
        let name = name.map_err(|_| StorageError::Corrupt(Damage::Content.at(&key)))?;
        let stored: StoredSlot = decode(&key, &value, view.packed.verify())?;
        let slot = match view.packed.whole_slot(row, stored) {
            // It is being removed or changed at this moment: look again.
            Err(_) => view.slot(&name)?,
            Ok(slot) => slot,
        };
        Ok((name, slot))
    })
}

/// Live streams whose durable deadline is at or before a time, earliest first.
pub(crate) fn expiring<P: Rows>(
    view: &View<P>,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<(Timestamp, StreamKey)>, StorageError> {
    let recent = view.recent.read().slots(|_| true);
    let mut due = Vec::new();
    for (key, slot) in &recent {
        if let Slot::Live(state) = slot
            && let Some(at) = state.due().filter(|due| *due <= before)
        {
            due.push((at, key.clone()));
        }
    }
    let mut packed = 0;
    for entry in view.packed.scan_from(vec![tag::DEADLINE], Bound::Included(vec![tag::DEADLINE])) {
        let (key, value) = entry?;
        let Some(Row::Deadline { at, .. }) = Row::parse(&key) else {
            return Err(StorageError::Corrupt(Damage::Content.at(&key)));
        };
        if at > before || packed >= limit {
            break;
        }
        let stored: StoredDeadline = decode(&key, &value, view.packed.verify())?;
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
