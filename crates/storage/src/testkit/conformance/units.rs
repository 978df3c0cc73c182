//! Whole or not at all: a unit's changes in several streams belong together.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use headwater_core::change::{Birth, Change, PinChange, ProducerChange};
use headwater_core::storage::UnitResult;
use headwater_core::{Slot, StreamKey, Tail, Version};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// All changes of a unit are there when it is reported, and still after a restart.
pub(super) fn a_unit_changes_all_its_streams(rig: &mut Rig<'_>) -> Verdict {
    let (source, fork, other) =
        (make::key("u/source")?, make::key("u/fork")?, make::key("u/other")?);
    let before = rig.create(&source, make::birth())?;
    let first = rig.create(&other, make::birth())?;
    let birth = make::fork_birth(&source, &before, Tail::default());
    let birth = Birth { batch: Some(make::batch(1, &[5])?), ..birth };
    let stamp = rig.unit([
        make::creation(&fork, birth),
        make::pin(&source, before.version(), PinChange::Add(0)),
        make::append(&other, first.version(), make::batch(2, &[3, 4])?),
    ])?;
    ensure_eq!(stamp.first.len(), 2, "one space sequence per change with records");
    for round in ["at once", "reopened"] {
        let forked = rig.live(&fork)?;
        ensure_eq!(
            forked.ranges.own().0,
            stamp.unit.0,
            "{round}: the unit's number is the lineage"
        );
        ensure_eq!(rig.live(&source)?.forks, 1, "{round}: forks of the source");
        ensure_eq!(rig.content(&fork)?, make::pattern(1, 5), "{round}: bytes of the fork");
        ensure_eq!(rig.content(&other)?, make::pattern(2, 7), "{round}: bytes of the other");
        rig.reopen()?;
    }
    Ok(())
}

/// One stale change undoes the good ones beside it, before and behind it.
pub(super) fn a_conflict_leaves_no_trace(rig: &mut Rig<'_>) -> Verdict {
    let (good, stale, new) = (make::key("u/good")?, make::key("u/stale")?, make::key("u/new")?);
    let state = rig.create(&good, make::birth())?;
    rig.create(&stale, make::birth())?;
    rig.append(&stale, make::batch(1, &[1])?)?;
    let id = make::producer("writer")?;
    let introduced = ProducerChange::Introduce(id.clone(), make::row(0, 0)?);
    let rich = make::produced(make::batch(2, &[9])?, introduced);
    let good_change = make::update(&good, state.version(), rich);
    let old = Version { revision: 1, ..rig.version(&stale)? };
    let bad_change = make::append(&stale, old, make::batch(3, &[9])?);
    let creation = make::creation(&new, make::birth());
    let orders = [
        [creation.clone(), good_change.clone(), bad_change.clone()],
        [bad_change, good_change, creation],
    ];
    for changes in orders {
        let result = rig.try_unit(make::unit(changes))?;
        ensure_eq!(result, UnitResult::Conflict, "a unit with one stale change");
    }
    for round in ["at once", "reopened"] {
        let loaded = rig.load(&good, Some(&id))?;
        ensure_eq!(loaded.slot, Slot::Live(state.clone()), "{round}: the good stream is untouched");
        ensure_eq!(loaded.producer, None, "{round}: no producer's row");
        ensure_eq!(rig.slot(&new)?, Slot::Absent, "{round}: nothing was created");
        let bytes: Vec<_> = rig.space("u", usize::MAX)?.into_iter().map(|e| e.payload).collect();
        ensure_eq!(bytes, [make::pattern(1, 1)], "{round}: the order of the space");
        rig.reopen()?;
    }
    Ok(())
}

/// Two creations would share the unit's number as their lineage, and two changes of one stream its version; and what is not there
/// cannot be changed, nor what is there be created, nor what is soft-deleted be soft-deleted, although the version is right.
pub(super) fn a_unit_that_fits_no_version_is_a_conflict(rig: &mut Rig<'_>) -> Verdict {
    let (here, soft) = (make::key("u/here")?, make::key("u/soft")?);
    let (new, other) = (make::key("u/new")?, make::key("u/other")?);
    let basis = rig.create(&here, make::birth())?.version();
    let born = rig.create(&soft, make::birth())?.version();
    rig.unit([make::pin(&soft, born, PinChange::Add(0))])?;
    rig.unit([make::soft_deletion(&soft, make::next(born))])?;
    let (live, kept) = (rig.slot(&here)?, rig.slot(&soft)?);
    let append = |key: &StreamKey, basis, seed| {
        Ok::<_, Failure>(make::append(key, basis, make::batch(seed, &[9])?))
    };
    let creation = |key: &StreamKey| make::creation(key, make::birth());
    let units = [
        make::unit([creation(&new), creation(&other)]),
        make::unit([creation(&new), creation(&new)]),
        make::unit([append(&here, basis, 1)?, append(&here, make::next(basis), 2)?]),
        make::unit([append(&here, basis, 1)?, append(&here, basis, 2)?]),
        make::unit([append(&new, Version::ABSENT, 1)?]),
        make::unit([make::removal(&new, Version::ABSENT)]),
        make::unit([make::soft_deletion(&new, Version::ABSENT)]),
        make::unit([make::soft_deletion(&soft, kept.version())]),
        make::unit([Change { basis, ..creation(&here) }]),
        make::unit([Change { basis: kept.version(), ..creation(&soft) }]),
    ];
    for (number, unit) in units.into_iter().enumerate() {
        ensure_eq!(rig.try_unit(unit)?, UnitResult::Conflict, "unit {number}");
    }
    for round in ["at once", "reopened"] {
        ensure_eq!(rig.slot(&here)?, live, "{round}: what was there");
        ensure_eq!(rig.slot(&soft)?, kept, "{round}: what was soft-deleted");
        ensure_eq!(rig.slot(&new)?, Slot::Absent, "{round}: nothing was created");
        ensure_eq!(rig.slot(&other)?, Slot::Absent, "{round}: nothing else was created");
        ensure_eq!(rig.space("u", usize::MAX)?.len(), 0, "{round}: records of the space");
        rig.reopen()?;
    }
    Ok(())
}

/// Two streams that always change together are never seen apart while that happens.
pub(super) fn a_reader_never_sees_half_a_unit(rig: &mut Rig<'_>) -> Verdict {
    let (left, right) = (make::key("u/left")?, make::key("u/right")?);
    rig.unit([make::creation(&left, make::birth())])?;
    rig.unit([make::creation(&right, make::birth())])?;
    let beside = rig.beside()?;
    let (running, looks) = (AtomicBool::new(true), AtomicU64::new(0));
    thread::scope(|scope| {
        let (running, looks, left, right) = (&running, &looks, &left, &right);
        let reader = scope.spawn(move || {
            let looked = || {
                while running.load(Ordering::Relaxed) {
                    together(&beside, left, right)?;
                    together(&beside, right, left)?;
                    looks.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            };
            let outcome: Verdict = looked();
            // A reader that failed looks no more, and the writer need not wait for it.
            looks.store(u64::MAX, Ordering::Relaxed);
            outcome
        });
        let written = write_pairs(rig, left, right, looks);
        running.store(false, Ordering::Relaxed);
        reader.join().map_err(|_| Failure::new("the reader panicked"))??;
        written
    })
}

/// Writes pairs until somebody has looked often enough while they were written.
fn write_pairs(rig: &Rig<'_>, left: &StreamKey, right: &StreamKey, looks: &AtomicU64) -> Verdict {
    let mut number = 0;
    while number < 100 || looks.load(Ordering::Relaxed) < 10 {
        ensure!(number < 100_000, "the reader never looked");
        let append = |key| {
            let version = rig.version(key)?;
            Ok::<_, Failure>(make::append(key, version, make::batch(number, &[64])?))
        };
        rig.unit([append(left)?, append(right)?])?;
        number += 1;
    }
    Ok(())
}

/// What is looked at second is at least as new as what was looked at first.
fn together(rig: &Rig<'_>, first: &StreamKey, second: &StreamKey) -> Verdict {
    let earlier = rig.version(first)?.revision;
    let later = rig.version(second)?.revision;
    ensure!(later >= earlier, "{first} was at {earlier} while {second} was at {later}");
    Ok(())
}
