//! Floors: what a stream gives up is gone for it and its space, and stays for the forks that inherited it.

use bytes::Bytes;
use headwater_core::change::{PinChange, Update};
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::storage::{ReadRange, StorageError};
use headwater_core::{Lineage, StreamKey, Tail};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// A floor rises with the commit that says so, never falls, never passes the tail, and is found again.
pub(super) fn a_floor_is_kept_in_full(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("fl/kept")?;
    rig.create(&key, make::birth())?;
    rig.append(&key, make::batch(1, &[10, 0, 20, 5])?)?;
    let floor = |position, sequence| Tail { position, sequence };
    for (asked, expected) in [
        (floor(10, 1), floor(10, 1)),
        (floor(30, 3), floor(30, 3)),
        (floor(10, 2), floor(30, 3)),
        (floor(35, 5), floor(30, 3)),
        (floor(35, 4), floor(35, 4)),
    ] {
        let before = rig.live(&key)?;
        raise(rig, &key, asked)?;
        for _ in 0..2 {
            let state = rig.live(&key)?;
            ensure_eq!(state.floor, expected, "the floor after {asked:?}");
            ensure_eq!(state.tail, before.tail, "the tail");
            ensure_eq!(state.revision, before.revision + 1, "the revision");
            rig.reopen()?;
        }
    }
    Ok(())
}

/// From the floor on every byte and every row is what it was; before it, a byte is what it was or is gone.
pub(super) fn what_is_left_reads_exactly(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("fl/left")?;
    let lineage = rig.create(&key, make::birth())?.ranges.own();
    let mut all = Vec::new();
    for seed in 0..40 {
        let batch = make::batch(seed, &[700, 3_000, 0, 1, 9_000])?;
        all.extend_from_slice(batch.payload());
        rig.append(&key, batch)?;
    }
    let mut rows = rig.rows(&key)?;
    for (step, seed) in [1, 4, 30, 77, 120].into_iter().zip(1_000..) {
        let last = rows.get(step - 1).ok_or_else(|| Failure::new("there are 200 rows"))?;
        raise(rig, &key, Tail { position: last.end(), sequence: last.sequence })?;
        for _ in 0..2 {
            compare(rig, &key, lineage, &all, &rows)?;
            rig.reopen()?;
        }
        let batch = make::batch(seed, &[5, 6_000])?;
        all.extend_from_slice(batch.payload());
        rig.append(&key, batch)?;
        let state = rig.live(&key)?;
        let known = rows.last().map_or(0, |row| row.end());
        rows.extend(rig.read(lineage, known, state.tail.position)?.1);
        compare(rig, &key, lineage, &all, &rows)?;
    }
    let tail = rig.live(&key)?.tail;
    raise(rig, &key, tail)?;
    rig.reopen()?;
    rig.append(&key, make::batch(7, &[9])?)?;
    ensure_eq!(left(rig, &key)?, make::pattern(7, 9), "what came after all was given up");
    Ok(())
}

/// What a fork inherited is there as long as the fork is, and the source begins where it said.
pub(super) fn forks_keep_what_their_source_gives_up(rig: &mut Rig<'_>) -> Verdict {
    let (source, fork) = (make::key("fl/source")?, make::key("fl/fork")?);
    rig.create(&source, make::birth())?;
    let mut all = Vec::new();
    for seed in 0..12 {
        let batch = make::batch(seed, &[6_000])?;
        all.extend_from_slice(batch.payload());
        rig.append(&source, batch)?;
    }
    let state = rig.live(&source)?;
    let birth = make::fork_birth(&source, &state, Tail { position: 33_000, sequence: 6 });
    let pin = make::pin(&source, state.version(), PinChange::Add(33_000));
    rig.unit([make::creation(&fork, birth), pin])?;
    raise(rig, &source, Tail { position: 66_000, sequence: 11 })?;
    let inherited = all.get(..33_000).unwrap_or_default();
    for _ in 0..2 {
        ensure!(left(rig, &fork)? == inherited, "what the fork inherited");
        ensure!(left(rig, &source)? == all.get(66_000..).unwrap_or_default(), "the source's rest");
        rig.reopen()?;
    }
    raise(rig, &fork, Tail { position: 12_000, sequence: 2 })?;
    let rest = inherited.get(12_000..).unwrap_or_default();
    for _ in 0..2 {
        ensure!(left(rig, &fork)? == rest, "what the fork did not give up");
        rig.reopen()?;
    }
    let released = make::pin(&source, rig.version(&source)?, PinChange::Drop(33_000));
    rig.unit([make::removal(&fork, rig.version(&fork)?), released])?;
    rig.append(&source, make::batch(99, &[10])?)?;
    all.extend_from_slice(&make::pattern(99, 10));
    for _ in 0..2 {
        ensure!(left(rig, &source)? == all.get(66_000..).unwrap_or_default(), "the source's rest");
        rig.reopen()?;
    }
    Ok(())
}

/// A space shows the records that its streams have not given up, in any pages, also if their bytes are kept for a fork.
pub(super) fn a_space_shows_only_what_is_left(rig: &mut Rig<'_>) -> Verdict {
    let keys = [make::key("fs/a")?, make::key("fs/b")?];
    let [a, b] = &keys;
    for key in &keys {
        rig.create(key, make::birth())?;
    }
    for seed in 0..20 {
        rig.append(a, make::batch(seed, &[300, 0, 20])?)?;
        rig.append(b, make::batch(seed + 100, &[200])?)?;
    }
    let all = rig.space("fs", 100_000)?;
    let state = rig.live(b)?;
    let fork = make::fork_birth(b, &state, state.tail);
    let pin = make::pin(b, state.version(), PinChange::Add(state.tail.position));
    rig.unit([make::creation(&make::key("elsewhere")?, fork), pin])?;
    let (mut of_a, mut of_b) = (0, 0);
    for (key, floor) in [
        (a, Tail { position: 300, sequence: 1 }),
        (b, Tail { position: 1_000, sequence: 5 }),
        (a, Tail { position: 300 + 6 * 320, sequence: 20 }),
        (b, Tail { position: 4_000, sequence: 20 }),
    ] {
        raise(rig, key, floor)?;
        *(if key == a { &mut of_a } else { &mut of_b }) = floor.sequence;
        let stays =
            |entry: &&Entry| entry.meta.sequence > if entry.key == *a { of_a } else { of_b };
        let expected: Vec<_> = all.iter().filter(stays).cloned().collect();
        for budget in [1, 700, 100_000] {
            ensure_eq!(rig.space("fs", budget)?, expected, "entries in pages of {budget}");
        }
        rig.reopen()?;
        ensure_eq!(rig.space("fs", 100_000)?, expected, "entries when opened again");
    }
    Ok(())
}

fn raise(rig: &Rig<'_>, key: &StreamKey, floor: Tail) -> Verdict {
    rig.update(key, Update { floor: Some(floor), ..Update::default() })?;
    Ok(())
}

/// The bytes of a live stream from its floor on.
fn left(rig: &Rig<'_>, key: &StreamKey) -> Result<Bytes, Failure> {
    let state = rig.live(key)?;
    let tail = state.tail.position;
    let (mut position, mut bytes) = (state.floor.position, Vec::new());
    while let Some(range) = state.ranges.holding(position, tail) {
        bytes.extend(rig.read(range.lineage, position, range.to)?.0);
        position = range.to;
    }
    Ok(bytes.into())
}

/// Compares a stream that is no fork with all that was ever appended to it.
fn compare(
    rig: &Rig<'_>,
    key: &StreamKey,
    lineage: Lineage,
    all: &[u8],
    rows: &[RecordMeta],
) -> Verdict {
    let state = rig.live(key)?;
    let (floor, tail) = (state.floor, state.tail.position);
    let (bytes, told) = rig.read(lineage, floor.position, tail)?;
    let whole = |from: u64| all.get(usize::try_from(from).unwrap_or(usize::MAX)..);
    ensure!(Some(&bytes[..]) == whole(floor.position), "the bytes from the floor on differ");
    let told: Vec<_> = told.into_iter().filter(|row| row.sequence > floor.sequence).collect();
    let expected: Vec<_> = rows.iter().filter(|row| row.sequence > floor.sequence).collect();
    ensure!(told.iter().eq(expected), "the rows from the floor on differ");
    for from in [0, floor.position / 2, floor.position.saturating_sub(1)] {
        match rig.pages(ReadRange { lineage, from, to: tail, budget: 10_000 })? {
            Ok((bytes, _)) => {
                ensure!(Some(&bytes[..]) == whole(from), "other bytes from {from} on")
            }
            Err(error) => ensure_eq!(error, StorageError::Gone, "reading what was given up"),
        }
    }
    Ok(())
}
