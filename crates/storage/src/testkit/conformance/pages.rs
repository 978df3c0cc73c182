//! Pages: contiguous, exact at every boundary, never more than asked for, never a short end.

use bytes::Bytes;
use headwater_core::change::Birth;
use headwater_core::storage::{Detail, ReadRange};
use headwater_core::{Batch, Lineage, StreamKey};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// Every range of a small stream, in pages of every size.
pub(super) fn every_range_reads_exactly_its_bytes(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("r/small")?;
    let birth = Birth { batch: Some(make::batch(0, &[3])?), ..make::birth() };
    rig.create(&key, birth)?;
    let mut expected = make::pattern(0, 3).to_vec();
    for (lens, seed) in [&[5, 2][..], &[0], &[1], &[1, 0, 9]].into_iter().zip(1..) {
        let batch = make::batch(seed, lens)?;
        expected.extend(batch.payload());
        rig.append(&key, batch)?;
    }
    let expected = Bytes::from(expected);
    for _ in 0..2 {
        let lineage = rig.live(&key)?.ranges.own();
        let tail = expected.len();
        for (from, to) in (0..tail).flat_map(|from| (from + 1..=tail).map(move |to| (from, to))) {
            for budget in [1, 2, 5, to - from, usize::MAX] {
                reads(rig, lineage, &expected, (from, to), budget)?;
            }
        }
        rig.reopen()?;
    }
    Ok(())
}

/// Records around the sizes at which adapters divide, pack and seal, read across all their boundaries.
pub(super) fn large_records_read_exactly(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("r/large")?;
    rig.create(&key, make::birth())?;
    let sizes = [
        1, 100, 4_095, 4_096, 4_097, 32_767, 32_768, 32_769, 57_344, 65_536, 102_400, 102_401,
        300_000, 1,
    ];
    let (mut expected, mut edges) = (Vec::new(), vec![0]);
    for (size, seed) in sizes.into_iter().zip(0..) {
        let batch = make::batch(seed, &[size])?;
        expected.extend(batch.payload());
        edges.push(expected.len());
        rig.append(&key, batch)?;
    }
    let expected = Bytes::from(expected);
    for _ in 0..2 {
        let lineage = rig.live(&key)?.ranges.own();
        for edge in &edges {
            let near = edge.saturating_sub(1)..=(edge + 1).min(expected.len() - 1);
            for from in near {
                let to = (from + 70_000).min(expected.len());
                reads(rig, lineage, &expected, (from, to), 30_000)?;
                reads(rig, lineage, &expected, (from, from + 1), usize::MAX)?;
            }
        }
        reads(rig, lineage, &expected, (0, expected.len()), 1_000)?;
        reads(rig, lineage, &expected, (0, expected.len()), usize::MAX)?;
        rig.reopen()?;
    }
    Ok(())
}

/// Streams that are written in turn do not mix, whatever they share in storage.
pub(super) fn streams_do_not_mix(rig: &mut Rig<'_>) -> Verdict {
    let keys = (0..8).map(|n| make::key(&format!("r/mix/{n}"))).collect::<Result<Vec<_>, _>>()?;
    let mut versions = Vec::new();
    for key in &keys {
        versions.push((key, rig.create(key, make::birth())?.version()));
    }
    for round in 0..60 {
        let mut group = Vec::new();
        for ((key, version), stream) in versions.iter_mut().zip(0..) {
            group.push(make::unit([make::append(key, *version, mixed(stream, round)?)]));
            *version = make::next(*version);
        }
        for result in rig.commit(group)? {
            crate::testkit::committed(result)?;
        }
        if round == 30 {
            rig.reopen()?;
        }
    }
    for _ in 0..2 {
        for (key, stream) in keys.iter().zip(0..) {
            let mut expected = Vec::new();
            for round in 0..60 {
                expected.extend(mixed(stream, round)?.payload());
            }
            ensure!(rig.content(key)? == expected, "the bytes of {key} are not the ones appended");
        }
        rig.reopen()?;
    }
    Ok(())
}

fn mixed(stream: u64, round: u64) -> Result<Batch, Failure> {
    make::batch(stream * 1_000 + round, &[(stream as usize * 311 + round as usize * 97) % 2_000])
}

/// Where nothing is asked for, nothing is given: at the tail, and of a stream without records.
pub(super) fn an_empty_range_is_an_empty_page(rig: &mut Rig<'_>) -> Verdict {
    let (empty, full) = (make::key("r/empty")?, make::key("r/full")?);
    rig.create(&empty, make::birth())?;
    rig.create(&full, make::birth())?;
    rig.append(&full, make::batch(1, &[10])?)?;
    for key in [&empty, &full] {
        let state = rig.live(key)?;
        let (lineage, tail) = (state.ranges.own(), state.tail.position);
        let range = ReadRange { lineage, from: tail, to: tail, budget: 100 };
        let page = rig.page(range, Detail::Bytes)??;
        ensure!(page.is_empty() && page.records.is_empty(), "at the tail of {key}: {page:?}");
    }
    Ok(())
}

/// A handle shows what was reported to it as committed, and did not show it before.
pub(super) fn committed_is_readable(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("r/fresh")?;
    let mut expected = Vec::new();
    rig.create(&key, make::birth())?;
    for seed in 0..50 {
        grow(rig, &key, seed, &mut expected)?;
        ensure_eq!(rig.live(&key)?.tail.position, expected.len() as u64, "the tail");
        ensure_eq!(rig.content(&key)?, expected, "the bytes");
    }
    Ok(())
}

fn grow(rig: &Rig<'_>, key: &StreamKey, seed: u64, expected: &mut Vec<u8>) -> Verdict {
    let batch = make::batch(seed, &[7])?;
    expected.extend(batch.payload());
    rig.append(key, batch)?;
    Ok(())
}

fn reads(
    rig: &Rig<'_>,
    lineage: Lineage,
    all: &Bytes,
    span: (usize, usize),
    budget: usize,
) -> Verdict {
    let (from, to) = span;
    let range = ReadRange { lineage, from: from as u64, to: to as u64, budget };
    let (bytes, _) = rig.pages(range)??;
    let expected = all.slice(from..to);
    ensure!(bytes == expected, "{from}..{to} in pages of {budget}: the bytes differ");
    let page = rig.page(range, Detail::Bytes)??.chunks.concat();
    ensure!(expected.starts_with(&page), "{from}..{to} in a page of {budget}: not a prefix");
    ensure!(!page.is_empty() && page.len() <= budget, "{from}..{to}: a page of {}", page.len());
    Ok(())
}
