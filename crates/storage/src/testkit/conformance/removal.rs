//! Removal: nothing of a removed stream is found, and nothing of it comes back under its name.

use headwater_core::change::{Birth, ProducerChange};
use headwater_core::storage::{ReadRange, StorageError};
use headwater_core::{Expiry, Slot, Timestamp};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Rig, make};

/// A removed stream is absent everywhere.
pub(super) fn a_removed_stream_is_gone_everywhere(rig: &mut Rig<'_>) -> Verdict {
    let (gone, kept) = (make::key("d/gone")?, make::key("d/kept")?);
    let id = make::producer("writer")?;
    let birth = Birth { expiry: Expiry::At(Timestamp(50)), ..make::birth() };
    let lineage = rig.create(&gone, birth.clone())?.ranges.own();
    rig.create(&kept, birth)?;
    for seed in 0..10 {
        rig.append(&gone, make::batch(seed, &[9_000])?)?;
        rig.append(&kept, make::batch(seed + 100, &[10])?)?;
    }
    let row = ProducerChange::Introduce(id.clone(), make::row(0, 0)?);
    rig.update(&gone, make::produced(make::batch(99, &[1])?, row))?;
    rig.unit([make::removal(&gone, rig.version(&gone)?)])?;
    for round in ["at once", "reopened"] {
        let loaded = rig.load(&gone, Some(&id))?;
        ensure_eq!(loaded.slot, Slot::Absent, "{round}: what stands there");
        ensure_eq!(loaded.producer, None, "{round}: the producer's row");
        let listed: Vec<_> = rig.list("d/", None, 10)?.into_iter().map(|l| l.key).collect();
        ensure_eq!(listed, vec![kept.clone()], "{round}: what is listed");
        ensure_eq!(rig.expiring(50, 10)?, [(50, kept.clone())], "{round}: what expires");
        let entries = rig.space("d", 1_000)?;
        ensure!(entries.iter().all(|e| e.key == kept), "{round}: the space shows removed records");
        ensure_eq!(entries.len(), 10, "{round}: entries that are left");
        let range = ReadRange { lineage, from: 0, to: 90_001, budget: 1_000 };
        match rig.pages(range)? {
            Ok((bytes, _)) => {
                ensure!(bytes.starts_with(&make::pattern(0, 9_000)), "{round}: other bytes")
            }
            Err(error) => {
                ensure_eq!(error, StorageError::Gone, "{round}: reading what was removed")
            }
        }
        rig.reopen()?;
    }
    Ok(())
}

/// A new stream under an old name starts from nothing.
pub(super) fn a_new_stream_inherits_nothing_from_its_name(rig: &mut Rig<'_>) -> Verdict {
    let (key, id) = (make::key("d/name")?, make::producer("writer")?);
    for incarnation in 0..4u64 {
        let state = rig.create(&key, make::birth())?;
        let loaded = rig.load(&key, Some(&id))?;
        ensure_eq!(loaded.producer, None, "a row of an earlier incarnation");
        ensure_eq!(
            (state.tail.position, state.producers, state.revision),
            (0, 0, 1),
            "a new stream"
        );
        let len = 40_000 - incarnation as usize * 9_000;
        let row = ProducerChange::Introduce(id.clone(), make::row(incarnation, 0)?);
        rig.update(&key, make::produced(make::batch(incarnation, &[len])?, row))?;
        rig.reopen()?;
        ensure!(
            rig.content(&key)? == make::pattern(incarnation, len),
            "bytes of a new stream differ"
        );
        let rows: Vec<_> = rig.rows(&key)?.iter().map(|row| (row.sequence, row.position)).collect();
        ensure_eq!(rows, [(1, 0)], "rows of a new stream");
        let space: Vec<_> = rig.space("d", 1_000)?.iter().map(|e| e.meta.len).collect();
        ensure_eq!(space, [len as u64], "entries of the space");
        rig.unit([make::removal(&key, rig.version(&key)?)])?;
        rig.reopen()?;
    }
    Ok(())
}

/// Reading on in a stream that was removed in between ends with an error or with its own bytes.
pub(super) fn a_reader_of_a_removed_stream_is_not_misled(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("d/reading")?;
    let lineage = rig.create(&key, make::birth())?.ranges.own();
    rig.append(&key, make::batch(1, &[100_000])?)?;
    let range = ReadRange { lineage, from: 0, to: 100_000, budget: 10_000 };
    let first = rig.page(range, headwater_core::storage::Detail::Bytes)??;
    rig.unit([make::removal(&key, rig.version(&key)?)])?;
    rig.create(&key, make::birth())?;
    rig.append(&key, make::batch(2, &[100_000])?)?;
    let rest = ReadRange { from: first.len(), ..range };
    match rig.pages(rest)? {
        Ok((bytes, _)) => {
            let whole = [first.chunks.concat(), bytes.to_vec()].concat();
            ensure!(whole == make::pattern(1, 100_000), "bytes of another stream");
        }
        Err(error) => ensure_eq!(error, StorageError::Gone, "reading on"),
    }
    Ok(())
}
