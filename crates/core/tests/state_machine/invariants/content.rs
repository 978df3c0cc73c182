//! What holds for streams: their bytes, records, offsets, forks, and ends.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::{ContentKind, Lineage, Slot, StreamKey, json};
use serde_json::value::RawValue;

use super::{Check, Step, ensure};
use crate::namespace::contents::ranges;
use crate::seen::{Content, Seen};

/// What a reader got once is what every later reader gets, as long as the incarnation lives.
pub(super) fn bytes_at_a_position_never_change(step: &Step<'_>) -> Check {
    for (key, before, after) in survivors(step) {
        let (Some(before), Some(after)) = (&before.content, &after.content) else { continue };
        let kept =
            after.bytes.starts_with(&before.bytes) && after.records.starts_with(&before.records);
        ensure(kept, || format!("{key} was {before:?}, is {after:?}"))?;
    }
    Ok(())
}

/// Records are numbered 1, 2, 3 … from the start of the stream, inherited ones included, up to the tail.
pub(super) fn sequences_are_contiguous(step: &Step<'_>) -> Check {
    for (key, state, content) in step.after.live() {
        let sequences = content.records.iter().map(|(sequence, ..)| *sequence);
        let contiguous = sequences.eq(1..=state.tail.sequence);
        ensure(contiguous, || format!("{key} to {:?} has {:?}", state.tail, content.records))?;
    }
    Ok(())
}

/// A record begins where the one before it ends, and the last ends at the tail, which is the number of bytes.
pub(super) fn positions_are_the_sum_of_record_lengths(step: &Step<'_>) -> Check {
    for (key, state, Content { bytes, records }) in step.after.live() {
        let mut end = 0;
        for (_, from, to, _) in records {
            ensure(*from == end && to >= from, || format!("{key} has a gap in {records:?}"))?;
            end = *to;
        }
        let tail = state.tail.position;
        let agree = end == tail && bytes.len() as u64 == tail;
        ensure(agree, || format!("{key} ends at {end}, {}, {tail}", bytes.len()))?;
    }
    Ok(())
}

/// Content type, lifetime, and time of creation stay as they were.
pub(super) fn what_a_stream_is_never_changes(step: &Step<'_>) -> Check {
    for (key, before, after) in survivors(step) {
        let same = before.content_type == after.content_type
            && before.lifetime == after.lifetime
            && before.created == after.created;
        let origin = |slots: &BTreeMap<_, Slot>| {
            slots.get(key).and_then(Slot::state).and_then(|state| state.origin.clone())
        };
        let same_origin = origin(&step.before.slots) == origin(&step.after.slots);
        ensure(same && same_origin, || format!("{key} was {before:?}, is {after:?}"))?;
    }
    Ok(())
}

/// A closed stream stays closed by the same request, at the same tail; a deleted one stays deleted.
pub(super) fn closed_is_final(step: &Step<'_>) -> Check {
    for (key, before, after) in survivors(step) {
        let same_end = (before.position, before.sequence) == (after.position, after.sequence);
        let kept = before.closed.is_none() || (before.closed == after.closed && same_end);
        ensure(kept, || format!("{key} was closed: {before:?}, is {after:?}"))?;
        let dead = !before.deleted || (after.deleted && same_end);
        ensure(dead, || format!("{key} was deleted: {before:?}, is {after:?}"))?;
    }
    Ok(())
}

/// The time of the last use never moves back, whatever the clock does.
pub(super) fn a_use_is_never_forgotten(step: &Step<'_>) -> Check {
    for (key, before, after) in survivors(step) {
        ensure(after.used >= before.used, || format!("{key} was {before:?}, is {after:?}"))?;
    }
    Ok(())
}

/// A stream counts as many forks as name it as their source, and its pins are where they diverge.
pub(super) fn fork_counts_are_the_forks_there_are(step: &Step<'_>) -> Check {
    let mut diverge: BTreeMap<(&StreamKey, Lineage), Vec<u64>> = BTreeMap::new();
    for origin in step.after.slots.values().filter_map(|slot| slot.state()?.origin.as_deref()) {
        diverge.entry((&origin.source, origin.source_lineage)).or_default().push(origin.at);
    }
    for (key, slot) in &step.after.slots {
        let Some(state) = slot.state() else { continue };
        let own = state.ranges.own();
        let mut expected = diverge.remove(&(key, own)).unwrap_or_default();
        expected.sort_unstable();
        let mut pins = step.contents.logs.get(&own).map(|log| log.pins.clone()).unwrap_or_default();
        pins.sort_unstable();
        let agree = state.forks == expected.len() as u64 && pins == expected;
        ensure(agree, || format!("{key}: {} forks, {pins:?}, not {expected:?}", state.forks))?;
    }
    ensure(diverge.is_empty(), || format!("forks of what is not there: {diverge:?}"))
}

/// A deleted stream stays only while forks need it, and bytes only while their stream stays.
pub(super) fn nothing_is_kept_that_nobody_needs(step: &Step<'_>) -> Check {
    let mut owners = BTreeSet::new();
    for (key, slot) in &step.after.slots {
        let Some(state) = slot.state() else { continue };
        let needed = !matches!(slot, Slot::SoftDeleted(_)) || state.forks > 0;
        ensure(needed, || format!("{key} is deleted and nobody needs it"))?;
        owners.insert(state.ranges.own());
    }
    let logs: BTreeSet<_> = step.contents.logs.keys().copied().collect();
    ensure(logs == owners, || format!("logs of {logs:?}, streams {owners:?}"))
}

/// The ranges of a stream join without a gap from 0 to the tail, each in a larger lineage, each where its log begins.
pub(super) fn ranges_join_and_grow(step: &Step<'_>) -> Check {
    for (key, state, _) in step.after.live() {
        let mut end = 0;
        let mut last = Lineage(0);
        for range in ranges(state) {
            let joins = range.from == end && range.to >= range.from && range.lineage > last;
            let log = step.contents.logs.get(&range.lineage);
            let begins = log.is_some_and(|log| log.base.position == range.from);
            ensure(joins && begins, || format!("{key} has {:?}", state.ranges))?;
            (end, last) = (range.to, range.lineage);
        }
    }
    Ok(())
}

/// The token of a later position is larger, as a token and as text.
pub(super) fn tokens_increase_along_a_stream(step: &Step<'_>) -> Check {
    let changed = step.before.changed(step.after);
    for (key, state, content) in step.after.live().filter(|(key, ..)| changed.contains(key)) {
        let mut last = None;
        let mut positions: Vec<_> = content.records.iter().map(|(_, from, ..)| *from).collect();
        positions.push(state.tail.position);
        positions.dedup();
        for position in positions {
            let token = state.ranges.offset(position);
            let grows = last.is_none_or(|last| token > last);
            ensure(grows, || format!("{key}: {token} at {position} after {last:?}"))?;
            last = Some(token);
        }
        let (tail, start) = (state.tail_offset(), state.ranges.offset(0));
        let sorts = tail == start || tail.to_string() > start.to_string();
        ensure(sorts, || format!("{key}: {tail} does not sort after {start}"))?;
    }
    Ok(())
}

/// Whatever was forked where, the records of a JSON stream are one value each.
pub(super) fn a_json_stream_is_always_an_array(step: &Step<'_>) -> Check {
    let changed = step.before.changed(step.after);
    for (key, state, content) in step.after.live().filter(|(key, ..)| changed.contains(key)) {
        if state.content_type.kind() != ContentKind::Json {
            continue;
        }
        let stored = bytes::Bytes::from(content.bytes.clone());
        let parts = json::enclose(vec![stored.into()]);
        let body = parts.iter().filter_map(|part| part.memory().cloned());
        let body = body.collect::<Vec<_>>().concat();
        let array: Vec<&RawValue> =
            serde_json::from_slice(&body).map_err(|error| format!("{key}: {error}"))?;
        let lengths = array.iter().map(|value| value.get().len() as u64 + 1);
        let rows = content.records.iter().map(|(_, from, to, _)| to - from);
        ensure(lengths.eq(rows), || format!("{key}: {content:?}"))?;
    }
    Ok(())
}

/// The streams that were there before and after, in the same incarnation.
pub(super) fn survivors<'a>(
    step: &Step<'a>,
) -> impl Iterator<Item = (&'a StreamKey, &'a Seen, &'a Seen)> {
    let before = &step.before.seen;
    step.after.seen.iter().filter_map(|(key, after)| {
        let before = before.get(key).filter(|before| before.id == after.id)?;
        Some((key, before, after))
    })
}
