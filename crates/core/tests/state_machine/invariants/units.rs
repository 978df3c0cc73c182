//! What holds for decisions: what they commit, and what their answers rely on.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::change::{Effect, Unit};
use headwater_core::{Slot, StreamKey, Version};

use super::{Check, Step, ensure};
use crate::answer::Answer;

/// A refusal commits nothing but the end of streams whose time was up, and a step without a commit changes nothing.
pub(super) fn a_refusal_changes_nothing(step: &Step<'_>) -> Check {
    let refused = matches!(step.answer, Answer::Refused(..));
    let own = step.units.iter().any(|committed| !committed.is_overdue());
    ensure(!(refused && own), || "a refusal came with a commit".to_owned())?;
    let unchanged = step.before == step.after;
    ensure(!step.units.is_empty() || unchanged, || "a reply changed something".to_owned())
}

/// A unit has one change per stream at most, and creates at most one, because its number becomes the lineage.
pub(super) fn a_unit_names_each_stream_once(step: &Step<'_>) -> Check {
    for committed in step.units {
        let changes = &committed.unit.changes;
        let keys: BTreeSet<_> = changes.iter().map(|change| &change.key).collect();
        ensure(keys.len() == changes.len(), || format!("a key twice in {changes:?}"))?;
        let births = changes.iter().filter(|change| matches!(change.effect, Effect::Create(_)));
        ensure(births.count() <= 1, || format!("two births in {changes:?}"))?;
    }
    Ok(())
}

/// Each change names the version that stands when it commits, which then grows by one; a birth is revision 1 of the
/// unit's number. Nothing else changes a version.
pub(super) fn a_unit_is_based_on_the_present(step: &Step<'_>) -> Check {
    let mut versions: BTreeMap<StreamKey, Version> = versions(&step.before.slots);
    for committed in step.units {
        for change in &committed.unit.changes {
            let present = versions.get(&change.key).copied().unwrap_or(Version::ABSENT);
            ensure(change.basis == present, || format!("{change:?} where {present:?} stands"))?;
            let Version { lineage, revision } = present;
            let next = match &change.effect {
                Effect::Create(_) => Version { lineage: committed.number, revision: 1 },
                Effect::Update(_) | Effect::SoftDelete => {
                    Version { lineage, revision: revision + 1 }
                }
                Effect::Remove => {
                    versions.remove(&change.key);
                    continue;
                }
            };
            versions.insert(change.key.clone(), next);
        }
    }
    let actual = versions_of(step);
    ensure(versions == actual, || format!("versions {actual:?}, by the units {versions:?}"))
}

/// A version under a key is larger than every one that stood there before, over deletion and re-creation too.
pub(super) fn versions_never_repeat_for_a_key(step: &Step<'_>) -> Check {
    for (key, version) in versions_of(step) {
        let unchanged = step.before.slots.get(&key).map(Slot::version) == Some(version);
        let newest = step.newest.get(&key).copied().unwrap_or(Version::ABSENT);
        ensure(unchanged || version > newest, || format!("{key} at {version:?} after {newest:?}"))?;
    }
    Ok(())
}

/// A reply names the present version of every stream that was looked at, so that its truth can be confirmed.
pub(super) fn a_reply_relies_on_the_present_of_all_it_looked_at(step: &Step<'_>) -> Check {
    if own_unit(step).is_some() {
        return Ok(());
    }
    for (key, version) in step.relies_on {
        let present = step.after.slots.get(key).map_or(Version::ABSENT, Slot::version);
        ensure(*version == present, || format!("{key} at {version:?}, present is {present:?}"))?;
    }
    let named: BTreeSet<_> = step.relies_on.iter().map(|(key, _)| key.clone()).collect();
    ensure(step.looked.is_subset(&named), || format!("looked at {:?}", step.looked))
}

/// A commit changes, and so compares the version of, every stream that was looked at.
pub(super) fn a_commit_is_based_on_all_it_looked_at(step: &Step<'_>) -> Check {
    let Some(unit) = own_unit(step) else { return Ok(()) };
    let named: BTreeSet<_> = unit.changes.iter().map(|change| change.key.clone()).collect();
    ensure(step.looked.is_subset(&named), || format!("looked at {:?}", step.looked))
}

/// A unit that a command did not ask for ends one stream whose time is up, and what only that stream needed.
pub(super) fn streams_end_by_themselves_only_when_due(step: &Step<'_>) -> Check {
    let mut due: BTreeSet<&StreamKey> = BTreeSet::new();
    for (key, seen) in &step.before.seen {
        if !seen.deleted && seen.due.is_some_and(|due| due <= step.now) {
            due.insert(key);
        }
    }
    let overdue = step.units.iter().filter(|committed| committed.is_overdue());
    for committed in overdue {
        let mut changes = committed.unit.changes.iter();
        let ended = changes.next().filter(|change| due.contains(&change.key));
        let ends = ended.is_some_and(|c| matches!(c.effect, Effect::Remove | Effect::SoftDelete));
        ensure(ends, || format!("{:?} when {due:?} are due", committed.unit))?;
        for change in changes {
            let data = change.batch().is_some() || matches!(change.effect, Effect::Create(_));
            ensure(!data, || format!("data in {:?}", committed.unit))?;
        }
    }
    Ok(())
}

/// The state that comes with a success is the one that stands then.
pub(super) fn the_promised_state_is_the_committed_one(step: &Step<'_>) -> Check {
    let Some(promised) = step.promised else { return Ok(()) };
    let slot = step.after.slots.get(step.key);
    let actual = slot.and_then(Slot::state);
    ensure(actual == Some(promised), || format!("promised {promised:?}, it is {actual:?}"))
}

/// A producer's row moves only in a unit that appends or closes, to what that unit says; and such a unit moves it.
pub(super) fn producer_state_moves_only_with_its_data(step: &Step<'_>) -> Check {
    for (key, after) in &step.after.seen {
        let before = step.before.seen.get(key).filter(|before| before.id == after.id);
        let Some(before) = before else {
            ensure(after.producers.is_empty(), || format!("{key} was born with producers"))?;
            continue;
        };
        let mut rows = before.producers.clone();
        for change in step.units.iter().flat_map(|committed| &committed.unit.changes) {
            if let Effect::Update(update) = &change.effect
                && change.key == *key
                && let Some(producer) = &update.producer
            {
                let writes = update.batch.is_some() || update.closed.is_some();
                ensure(writes, || format!("a row without data in {change:?}"))?;
                let (id, row) = producer.row();
                rows.insert(id.as_str().to_owned(), (row.epoch.get(), row.seq.get()));
            }
        }
        let actual = &after.producers;
        ensure(*actual == rows, || format!("{key} has rows {actual:?}, by the units {rows:?}"))?;
    }
    Ok(())
}

fn own_unit<'a>(step: &'a Step<'_>) -> Option<&'a Unit> {
    let own = step.units.iter().find(|committed| !committed.is_overdue());
    own.map(|committed| &committed.unit)
}

fn versions_of(step: &Step<'_>) -> BTreeMap<StreamKey, Version> {
    versions(&step.after.slots)
}

fn versions(slots: &BTreeMap<StreamKey, Slot>) -> BTreeMap<StreamKey, Version> {
    slots.iter().map(|(key, slot)| (key.clone(), slot.version())).collect()
}
