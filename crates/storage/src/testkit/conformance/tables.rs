//! The record table: a row per record, beside the bytes.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::record::{MAX_METADATA_BYTES, RecordMeta};
use headwater_core::storage::{Detail, ReadRange};
use headwater_core::{Batch, BatchRecord, Metadata};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// A page tells about all records it touches, and about the empty ones from its start to its end.
pub(super) fn a_page_tells_about_all_records_it_touches(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("t/touch")?;
    rig.create(&key, make::birth())?;
    for (lens, seed) in [&[0, 4][..], &[1, 0, 0, 6], &[0], &[2], &[0, 0]].into_iter().zip(0..) {
        rig.append(&key, make::batch(seed, lens)?)?;
    }
    let all = rig.rows(&key)?;
    let lens: Vec<u64> = all.iter().map(|row| row.len).collect();
    ensure_eq!(lens, [0, 4, 1, 0, 0, 6, 0, 2, 0, 0], "lengths of all rows");
    for _ in 0..2 {
        let state = rig.live(&key)?;
        let (lineage, tail) = (state.ranges.own(), state.tail.position);
        for (from, to) in (0..=tail).flat_map(|from| (from..=tail).map(move |to| (from, to))) {
            for budget in [1, 3, 100] {
                let range = ReadRange { lineage, from, to, budget };
                let page = rig.page(range, Detail::Records)??;
                let end = from + page.len();
                let touched = |row: &&RecordMeta| match row.len {
                    0 => (from..=end).contains(&row.position),
                    _ => row.position < end && row.end() > from,
                };
                let expected: Vec<_> = all.iter().filter(touched).cloned().collect();
                ensure_eq!(page.records, expected, "rows of {range:?} up to {end}");
            }
        }
        rig.reopen()?;
    }
    Ok(())
}

/// A stream of nothing but empty records has as many as were appended, and no bytes.
pub(super) fn empty_records_are_kept(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("t/empty")?;
    rig.create(&key, make::birth())?;
    for _ in 0..3 {
        rig.append(&key, make::batch(0, &[0, 0])?)?;
        rig.reopen()?;
    }
    let sequences: Vec<u64> = rig.rows(&key)?.iter().map(|row| row.sequence).collect();
    ensure_eq!(sequences, [1, 2, 3, 4, 5, 6], "sequences of the rows");
    let entries = rig.space("t", 1_000)?;
    ensure_eq!(entries.len(), 6, "entries of the space");
    ensure!(entries.iter().all(|entry| entry.payload.is_empty()), "an empty record has bytes");
    Ok(())
}

/// Metadata comes back as it was given: none, empty, with any text, up to the largest, on any record of a batch.
pub(super) fn metadata_comes_back(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("t/metadata")?;
    rig.create(&key, make::birth())?;
    let maps = [
        None,
        Some(Metadata::new()),
        Some(Metadata::from([
            ("content-kind".into(), "ü=\u{0}\n".into()),
            (String::new(), String::new()),
        ])),
        None,
        Some(Metadata::from([("m".into(), "x".repeat(MAX_METADATA_BYTES - 1))])),
    ];
    let maps = maps.map(|map| map.map(Arc::new));
    let records: Vec<BatchRecord> =
        maps.iter().map(|metadata| BatchRecord { len: 2, metadata: metadata.clone() }).collect();
    let batch = Batch::new(make::pattern(1, 10), records.into());
    rig.append(&key, batch.map_err(|error| Failure::new(error.to_string()))?)?;
    rig.append(&key, make::tagged(Bytes::new(), "on", "an empty record")?)?;
    let last = Metadata::from([("on".into(), "an empty record".into())]);
    let expected: Vec<_> = maps.into_iter().chain([Some(Arc::new(last))]).collect();
    for _ in 0..2 {
        let found: Vec<_> = rig.rows(&key)?.into_iter().map(|row| row.metadata).collect();
        ensure_eq!(found, expected, "metadata by lineage");
        let found: Vec<_> = rig.space("t", 8)?.into_iter().map(|e| e.meta.metadata).collect();
        ensure_eq!(found, expected, "metadata by space");
        rig.reopen()?;
    }
    Ok(())
}

/// A batch of many small records keeps every row.
pub(super) fn a_batch_of_many_records_keeps_every_row(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("t/many")?;
    rig.create(&key, make::birth())?;
    let lens: Vec<usize> = (0..20_000).map(|number| number % 5).collect();
    rig.append(&key, make::batch(1, &lens)?)?;
    rig.append(&key, make::batch(2, &lens)?)?;
    rig.reopen()?;
    let rows = rig.rows(&key)?;
    ensure_eq!(rows.len(), 2 * lens.len(), "rows");
    let (mut position, mut space_sequence) =
        (0, rows.first().map_or(0, |row| row.space_sequence.0));
    for (row, (len, number)) in rows.iter().zip(lens.iter().chain(&lens).zip(1..)) {
        ensure_eq!((row.sequence, row.position, row.len), (number, position, *len as u64), "a row");
        ensure_eq!(row.space_sequence.0, space_sequence, "its place in the space");
        position = row.end();
        space_sequence += 1;
    }
    Ok(())
}
