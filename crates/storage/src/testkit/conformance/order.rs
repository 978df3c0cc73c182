//! Space order and time: what storage stamps on records.

use headwater_core::change::PinChange;
use headwater_core::record::RecordMeta;
use headwater_core::storage::{SpaceSequence, Stamp};
use headwater_core::{StoreId, Tail, Timestamp};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, committed, make};

/// Records of a space are numbered in the order of units, changes and records; without gaps where the writer is sole.
pub(super) fn records_of_a_space_are_numbered(rig: &mut Rig<'_>) -> Verdict {
    let (a, b) = (make::key("o/a")?, make::key("o/b")?);
    rig.create(&a, make::birth())?;
    rig.create(&b, make::birth())?;
    let (mut expected, mut last) = (Vec::new(), 0);
    for round in 0..6u64 {
        let stamp = rig.unit([
            make::append(&a, rig.version(&a)?, make::batch(round, &[1, 0, 2])?),
            make::append(&b, rig.version(&b)?, make::batch(round, &[3])?),
        ])?;
        let [first_a, first_b] = stamp.first.as_slice() else {
            return Err(Failure::new(format!("two changes have records: {stamp:?}")));
        };
        for (key, first, count) in [(&a, first_a.0, 3), (&b, first_b.0, 1)] {
            ensure!(first > last, "{first} was given after {last}");
            ensure!(!rig.is_sole() || first == last + 1, "{first} was given after {last}");
            last = first + count - 1;
            expected.extend((first..=last).map(|number| (number, key.clone())));
        }
        rig.reopen()?;
    }
    let entries = rig.space("o", 50)?;
    let found: Vec<_> = entries.iter().map(|e| (e.meta.space_sequence.0, e.key.clone())).collect();
    ensure_eq!(found, expected, "the order of the space");
    for key in [&a, &b] {
        let of_stream = entries.iter().filter(|e| e.key == *key).map(|e| e.meta.clone());
        ensure_eq!(rig.rows(key)?, of_stream.collect::<Vec<_>>(), "rows of {key}");
    }
    Ok(())
}

/// Each space counts for itself: other spaces, stores, and levels of a path do not show in it.
pub(super) fn spaces_are_apart(rig: &mut Rig<'_>) -> Verdict {
    let other = StoreId(7);
    let keys = [
        make::key("top")?,
        make::key("s/one")?,
        make::key("s/t/one")?,
        make::key("s%2Ft/one")?,
        make::key("ß/one")?,
        make::key_in(other, "s/one")?,
    ];
    for (key, seed) in keys.iter().zip(0..) {
        rig.create(key, make::birth())?;
        let stamp = rig.append(key, make::batch(seed, &[8])?)?;
        let first = stamp.first == [SpaceSequence(1)];
        ensure!(first || !rig.is_sole(), "the first record of {key} is not 1: {stamp:?}");
    }
    rig.reopen()?;
    for (space, seed) in [("", 0), ("s", 1), ("s/t", 2), ("s%2Ft", 3), ("ß", 4)] {
        let payloads: Vec<_> = rig.space(space, 100)?.into_iter().map(|e| e.payload).collect();
        ensure_eq!(payloads, [make::pattern(seed, 8)], "entries of space {space:?}");
    }
    ensure_eq!(rig.space("nobody", 100)?, [], "entries of a space that is not there");
    Ok(())
}

/// A space's numbers go on when all its streams are gone, also after a restart.
pub(super) fn space_sequences_are_never_used_again(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("gone/stream")?;
    let mut last = 0;
    for seed in 0..4 {
        let birth = headwater_core::change::Birth {
            batch: Some(make::batch(seed, &[2, 2])?),
            ..make::birth()
        };
        let stamp = rig.unit([make::creation(&key, birth)])?;
        let first = first_of(&stamp)?;
        ensure!(first > last, "{first} was given after {last}");
        ensure!(!rig.is_sole() || first == last + 1, "{first} was given after {last}");
        last = first + 1;
        rig.reopen()?;
        rig.unit([make::removal(&key, rig.version(&key)?)])?;
        rig.reopen()?;
    }
    Ok(())
}

/// Commit timestamps never decrease, whatever the clock does, also after a restart.
pub(super) fn time_never_goes_back(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("o/time")?;
    rig.create(&key, make::birth())?;
    let start = rig.now().0;
    let mut highest = 0;
    for (step, seed) in [5_000, 4_000, 0, 5_001, 100, 9_000, 8_999, 20_000].into_iter().zip(0..) {
        let change = make::append(&key, rig.version(&key)?, make::batch(seed, &[1])?);
        let mut results = rig.commit_at(vec![make::unit([change])], Timestamp(start + step))?;
        let result = results.pop().ok_or_else(|| Failure::new("no result"))?;
        highest = highest.max(start + step);
        ensure_eq!(committed(result)?.at.0, highest, "the later of the clock and the last stamp");
        if seed % 2 == 1 {
            rig.reopen()?;
        }
    }
    let times: Vec<u64> = rig.rows(&key)?.iter().map(|row| row.at.0).collect();
    ensure!(times.is_sorted(), "times of the rows: {times:?}");
    ensure_eq!(times.last(), Some(&highest), "the time of the last row");
    Ok(())
}

/// What a stamp says stands with the records, and a unit without records has no first ones.
pub(super) fn stamps_are_what_is_stored(rig: &mut Rig<'_>) -> Verdict {
    let (plain, source) = (make::key("o/plain")?, make::key("o/source")?);
    let created = rig.unit([make::creation(&plain, make::birth())])?;
    ensure_eq!(created.first, [], "first records of a creation without any");
    rig.create(&source, make::birth())?;
    let stamp = rig.unit([
        make::pin(&source, rig.version(&source)?, PinChange::Add(0)),
        make::append(&plain, rig.version(&plain)?, make::batch(1, &[2, 0, 3])?),
    ])?;
    let first = first_of(&stamp)?;
    let row = |sequence: u64, position, len| RecordMeta {
        sequence,
        space_sequence: SpaceSequence(first + sequence - 1),
        position,
        len,
        at: stamp.at,
        unit: stamp.unit,
        metadata: None,
    };
    for _ in 0..2 {
        ensure_eq!(rig.rows(&plain)?, [row(1, 0, 2), row(2, 2, 0), row(3, 2, 3)], "rows");
        ensure_eq!(rig.live(&plain)?.tail, Tail { position: 5, sequence: 3 }, "tail");
        rig.reopen()?;
    }
    Ok(())
}

fn first_of(stamp: &Stamp) -> Result<u64, Failure> {
    match stamp.first.as_slice() {
        [first] => Ok(first.0),
        _ => Err(Failure::new(format!("one change has records: {stamp:?}"))),
    }
}
