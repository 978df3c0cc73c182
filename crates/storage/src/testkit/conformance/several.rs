//! Several writers: what adapters promise that let more than one handle commit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use headwater_core::storage::{Confirmation, UnitResult, Watcher, Writers};
use headwater_core::{Slot, StreamKey, Version};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// How often a state that may be seen late is looked at again.
const PAUSE: Duration = Duration::from_millis(2);

/// Of two handles that change a stream at the same version, one succeeds.
pub(super) fn one_of_two_writers_wins(rig: &mut Rig<'_>) -> Verdict {
    ensure_eq!(rig.storage().writers(), Writers::Several, "who writes");
    let (key, other) = (make::key("w/one")?, rig.another()?);
    let mut version = rig.create(&key, make::birth())?.version();
    for round in 0..20u64 {
        let unit = |seed| {
            Ok::<_, Failure>(make::unit([make::append(&key, version, make::batch(seed, &[8])?)]))
        };
        let (first, second) = if round % 2 == 0 { (&*rig, &other) } else { (&other, &*rig) };
        let won = first.try_unit(unit(round)?)?;
        ensure!(matches!(won, UnitResult::Committed(_)), "the first of two: {won:?}");
        ensure_eq!(second.try_unit(unit(round + 100)?)?, UnitResult::Conflict, "the second of two");
        version = make::next(version);
    }
    Ok(())
}

/// Four writers that add to a counter all day lose no step of it.
pub(super) fn no_commit_is_lost_between_writers(rig: &mut Rig<'_>) -> Verdict {
    const WRITERS: u64 = 4;
    const STEPS: u64 = 50;
    let key = make::key("w/counter")?;
    let born = rig.create(&key, make::birth())?.version();
    let mut others = Vec::new();
    for _ in 0..WRITERS {
        others.push(rig.another()?);
    }
    thread::scope(|scope| {
        let key = &key;
        let writers: Vec<_> = others
            .into_iter()
            .zip(0..)
            .map(|(writer, number)| scope.spawn(move || add(&writer, key, STEPS, number)))
            .collect();
        writers
            .into_iter()
            .try_for_each(|writer| writer.join().map_err(|_| Failure::new("a writer panicked"))?)
    })?;
    let expected = Version { revision: born.revision + WRITERS * STEPS, ..born };
    seen(rig, &key, expected)?;
    let entries = rig.space("w", 1_000)?;
    ensure_eq!(entries.len() as u64, WRITERS * STEPS, "entries of the space");
    let sequences: Vec<u64> = entries.iter().map(|entry| entry.meta.sequence).collect();
    ensure!(sequences.is_sorted(), "the order of the space is not the order of the stream");
    Ok(())
}

fn add(writer: &Rig<'_>, key: &StreamKey, steps: u64, number: u64) -> Verdict {
    let begin = Instant::now();
    let mut left = steps;
    while left > 0 {
        ensure!(begin.elapsed() < writer.patience(), "{left} steps are left");
        let batch = make::batch(number * 1_000 + left, &[8])?;
        let unit = make::unit([make::append(key, writer.version(key)?, batch)]);
        match writer.try_unit(unit)? {
            UnitResult::Committed(_) => left -= 1,
            UnitResult::Conflict => thread::sleep(PAUSE),
            other => return Err(Failure::new(format!("a step became {other:?}"))),
        }
    }
    Ok(())
}

/// What one handle commits becomes visible on the other, and its watcher is told.
pub(super) fn a_foreign_commit_is_seen_and_told(rig: &mut Rig<'_>) -> Verdict {
    let (key, other) = (make::key("w/told")?, rig.another()?);
    let told = Arc::new(Told::default());
    rig.storage().watch(Arc::clone(&told) as Arc<dyn Watcher>);
    let mut version = other.create(&key, make::birth())?.version();
    for seed in 0..5 {
        seen(rig, &key, version)?;
        let begin = Instant::now();
        while !told.take(&key) {
            ensure!(begin.elapsed() < rig.patience(), "the watcher was not told about {version:?}");
            thread::sleep(PAUSE);
        }
        other.append(&key, make::batch(seed, &[4])?)?;
        version = make::next(version);
    }
    other.unit([make::removal(&key, version)])?;
    seen(rig, &key, Version::ABSENT)
}

#[derive(Default)]
struct Told(Mutex<BTreeSet<StreamKey>>);

impl Told {
    fn take(&self, key: &StreamKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key)
    }
}

impl Watcher for Told {
    fn changed(&self, key: &StreamKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
    }
}

/// A handle shows its own commits as soon as they are reported, and with them everything that was committed before.
pub(super) fn an_own_commit_shows_all_before_it(rig: &mut Rig<'_>) -> Verdict {
    let other = rig.another()?;
    for round in 0..20 {
        let (foreign, own) =
            (make::key(&format!("w/f{round}"))?, make::key(&format!("w/o{round}"))?);
        other.unit([make::creation(&foreign, make::birth())])?;
        rig.unit([make::creation(&own, make::birth())])?;
        ensure!(matches!(rig.slot(&own)?, Slot::Live(_)), "an own commit is not shown");
        ensure!(
            matches!(rig.slot(&foreign)?, Slot::Live(_)),
            "what was committed before is not shown"
        );
    }
    Ok(())
}

/// A version is stale for every handle from the moment that another one's commit is reported.
pub(super) fn a_version_is_confirmed_by_the_authority(rig: &mut Rig<'_>) -> Verdict {
    let (key, other) = (make::key("w/confirmed")?, rig.another()?);
    let mut version = rig.create(&key, make::birth())?.version();
    for seed in 0..20 {
        let answer = other.confirm(&[(key.clone(), version)])?;
        ensure_eq!(answer, Confirmation::Current, "{version:?} for the other handle");
        rig.unit([make::append(&key, version, make::batch(seed, &[1])?)])?;
        let answer = other.confirm(&[(key.clone(), version)])?;
        ensure_eq!(answer, Confirmation::Stale, "{version:?} after a foreign commit");
        version = make::next(version);
    }
    Ok(())
}

/// Numbers and space sequences of all handles are one order.
pub(super) fn all_writers_share_one_order(rig: &mut Rig<'_>) -> Verdict {
    let other = rig.another()?;
    let (mut last_unit, mut last_place) = (0, 0);
    for round in 0..20 {
        let writer = if round % 3 == 0 { &other } else { &*rig };
        let key = make::key(&format!("w/order/{round}"))?;
        let birth = headwater_core::change::Birth {
            batch: Some(make::batch(round, &[1])?),
            ..make::birth()
        };
        let stamp = writer.unit([make::creation(&key, birth)])?;
        let place = stamp.first.first().map_or(0, |first| first.0);
        ensure!(stamp.unit.0 > last_unit, "number {} came after {last_unit}", stamp.unit.0);
        ensure!(place > last_place, "space sequence {place} came after {last_place}");
        (last_unit, last_place) = (stamp.unit.0, place);
    }
    Ok(())
}

/// Waits until a handle shows a version, which it has to within the deadline.
fn seen(rig: &Rig<'_>, key: &StreamKey, version: Version) -> Verdict {
    let begin = Instant::now();
    loop {
        let found = rig.version(key)?;
        if found == version {
            return Ok(());
        }
        ensure!(
            begin.elapsed() < rig.patience(),
            "{key} is shown at {found:?}, not at {version:?}"
        );
        thread::sleep(PAUSE);
    }
}
