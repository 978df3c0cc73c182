//! Forks: ancestors are read by lineage, and what a fork needs outlives the stream that wrote it.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::change::{Birth, PinChange};
use headwater_core::storage::{ReadRange, StorageError};
use headwater_core::{Lineage, Slot, StreamKey, StreamState, Tail};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// A chain of three, each diverging inside a record of the one before, reads each part from whoever wrote it.
pub(super) fn forks_read_their_ancestors(rig: &mut Rig<'_>) -> Verdict {
    let keys = [make::key("f/root")?, make::key("g/child")?, make::key("f/grandchild")?];
    let [root, child, grandchild] = &keys;
    rig.create(root, make::birth())?;
    rig.append(root, make::batch(1, &[10, 10])?)?;
    fork(rig, root, child, Tail { position: 13, sequence: 2 }, 2)?;
    fork(rig, child, grandchild, Tail { position: 20, sequence: 3 }, 3)?;
    // Ancestors go on by themselves.
    rig.append(root, make::batch(4, &[8])?)?;
    rig.append(child, make::batch(5, &[8])?)?;
    let (r, c, g) = (make::pattern(1, 20), make::pattern(2, 10), make::pattern(3, 10));
    for _ in 0..2 {
        let expected = [
            [&r[..], &make::pattern(4, 8)].concat(),
            [cut(&r, 13), &c, &make::pattern(5, 8)].concat(),
            [cut(&r, 13), cut(&c, 7), &g].concat(),
        ];
        for (key, bytes) in keys.iter().zip(&expected) {
            ensure_eq!(rig.content(key)?, bytes, "bytes of {key}");
        }
        let rows = rig.rows(grandchild)?;
        let places: Vec<_> = rows.iter().map(|row| (row.sequence, row.position, row.len)).collect();
        ensure_eq!(places, [(4, 20, 10)], "own rows of the grandchild");
        let owners: Vec<_> = rig.space("f", 1_000)?.into_iter().map(|entry| entry.key).collect();
        ensure_eq!(owners, [root, root, grandchild, root].map(Clone::clone), "who wrote what");
        rig.reopen()?;
    }
    Ok(())
}

/// A soft-deleted stream keeps its state, its name, and what its last fork needs; nobody else sees it.
pub(super) fn a_soft_deleted_stream_serves_its_forks(rig: &mut Rig<'_>) -> Verdict {
    let (source, near, far) = (make::key("f/source")?, make::key("f/near")?, make::key("f/far")?);
    let lineage = rig.create(&source, make::birth())?.ranges.own();
    rig.append(&source, make::batch(1, &[30])?)?;
    rig.append(&source, make::batch(2, &[5_000])?)?;
    rig.append(&source, make::batch(3, &[50])?)?;
    fork(rig, &source, &near, Tail { position: 20, sequence: 1 }, 4)?;
    fork(rig, &source, &far, Tail { position: 3_000, sequence: 2 }, 5)?;
    let state = rig.live(&source)?;
    rig.unit([make::soft_deletion(&source, state.version())])?;
    let all = [&make::pattern(1, 30)[..], &make::pattern(2, 5_000), &make::pattern(3, 50)].concat();
    for _ in 0..2 {
        let kept = StreamState { revision: state.revision + 1, ..StreamState::clone(&state) };
        ensure_eq!(rig.slot(&source)?, Slot::SoftDeleted(Arc::new(kept)), "the source");
        ensure!(cut(&all, 3_000) == cut(&rig.content(&far)?, 3_000), "what the far fork inherited");
        ensure!(cut(&all, 20) == cut(&rig.content(&near)?, 20), "what the near fork inherited");
        kept_or_gone(rig, lineage, &Bytes::from(all.clone()), 3_000)?;
        let listed: Vec<_> = rig.list("f/", None, 10)?.into_iter().map(|l| l.key).collect();
        ensure_eq!(listed, [far.clone(), near.clone()], "what is listed");
        let owners: Vec<_> = rig.space("f", 100)?.into_iter().map(|e| e.key).collect();
        ensure_eq!(owners, [near.clone(), far.clone()], "whose records the space shows");
        rig.reopen()?;
    }
    let creation = make::creation(&source, make::birth());
    let result = rig.try_unit(make::unit([creation]))?;
    ensure_eq!(result, headwater_core::storage::UnitResult::Conflict, "the name is taken");
    Ok(())
}

/// When the farthest fork goes, what the others need stays; when the last goes, so does the source.
pub(super) fn forks_let_go_one_by_one(rig: &mut Rig<'_>) -> Verdict {
    let source = make::key("f/held")?;
    let lineage = rig.create(&source, make::birth())?.ranges.own();
    rig.append(&source, make::batch(1, &[100, 100])?)?;
    let all = make::pattern(1, 200);
    let points = [(150, 2), (40, 1), (150, 2), (0, 0)];
    let mut forks = Vec::new();
    for ((position, sequence), number) in points.into_iter().zip(0..) {
        let key = make::key(&format!("f/holder/{number}"))?;
        fork(rig, &source, &key, Tail { position, sequence }, 9)?;
        forks.push((key, position));
    }
    rig.unit([make::soft_deletion(&source, rig.version(&source)?)])?;
    let held =
        |number: usize| forks.get(number).ok_or_else(|| Failure::new("four forks were made"));
    // The farthest point is held twice, and the last fork needs no bytes at all.
    for (number, kept) in [(0, 150), (2, 40), (1, 0)] {
        let (key, position) = held(number)?;
        let released = make::pin(&source, rig.version(&source)?, PinChange::Drop(*position));
        rig.unit([make::removal(key, rig.version(key)?), released])?;
        for _ in 0..2 {
            kept_or_gone(rig, lineage, &all, kept)?;
            rig.reopen()?;
        }
    }
    let (last, _) = held(3)?;
    ensure_eq!(rig.content(last)?, make::pattern(9, 10), "bytes of the last fork");
    let gone =
        [make::removal(last, rig.version(last)?), make::removal(&source, rig.version(&source)?)];
    rig.unit(gone)?;
    rig.reopen()?;
    ensure_eq!(rig.slot(&source)?, Slot::Absent, "the source");
    rig.create(&source, make::birth())?;
    Ok(())
}

/// Forks `source` into a stream that writes ten bytes of its own.
fn fork(rig: &Rig<'_>, source: &StreamKey, key: &StreamKey, at: Tail, seed: u64) -> Verdict {
    let state = rig.live(source)?;
    let birth = make::fork_birth(source, &state, at);
    let birth = Birth { batch: Some(make::batch(seed, &[10])?), ..birth };
    let pin = make::pin(source, state.version(), PinChange::Add(at.position));
    rig.unit([make::creation(key, birth), pin])?;
    Ok(())
}

/// What lies before a fork point is served; what lies past it may be gone, and is never anything else.
fn kept_or_gone(rig: &Rig<'_>, lineage: Lineage, all: &Bytes, kept: usize) -> Verdict {
    let end = all.len() as u64;
    for from in [0, kept / 2, kept, kept + 1, all.len() - 1] {
        let from = from.min(all.len() - 1);
        let wanted = all.slice(from..);
        if from < kept {
            let range = ReadRange { lineage, from: from as u64, to: kept as u64, budget: 1_000 };
            let (bytes, _) = rig.pages(range)??;
            ensure!(bytes == all.slice(from..kept), "the bytes that a fork needs differ");
        }
        let range = ReadRange { lineage, from: from as u64, to: end, budget: 1_000 };
        match rig.pages(range)? {
            Ok((bytes, _)) => ensure!(bytes == wanted, "the bytes from {from} on differ"),
            Err(error) => ensure_eq!(error, StorageError::Gone, "what lies past the forks"),
        }
    }
    Ok(())
}

fn cut(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}
