//! Reading a space: its records in one order, in pages.

use headwater_core::StreamKey;
use headwater_core::record::Entry;

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// From every place and in pages of every size the same entries come in the same order.
pub(super) fn a_space_reads_the_same_in_any_pages(rig: &mut Rig<'_>) -> Verdict {
    let keys = streams(rig, 3)?;
    for round in 0..10u64 {
        for (key, stream) in keys.iter().zip(0..) {
            let lens = [(round as usize * 37 + stream * 11) % 90, 0, stream];
            rig.append(key, make::batch(round * 10 + stream as u64, &lens)?)?;
        }
    }
    for _ in 0..2 {
        let all = rig.space("p", usize::MAX)?;
        ensure_eq!(all.len(), 90, "entries in one page");
        for (entry, batch) in all.chunks(3).zip(0u64..) {
            same_batch(entry, batch / 3 * 10 + batch % 3)?;
        }
        for budget in [1, 2, 50, 90, 400, 5_000] {
            let paged = rig.space("p", budget)?;
            ensure_eq!(paged, all, "entries in pages of {budget}");
        }
        for (index, entry) in all.iter().enumerate() {
            let page = rig.space_page("p", entry.meta.space_sequence.0, usize::MAX)?;
            let rest = all.get(index + 1..).unwrap_or_default();
            ensure!(rest.starts_with(&page.entries), "after {:?}", entry.meta);
            ensure!(rest.is_empty() || !page.entries.is_empty(), "nothing after {:?}", entry.meta);
        }
        rig.reopen()?;
    }
    Ok(())
}

fn same_batch(entries: &[Entry], seed: u64) -> Verdict {
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.payload.clone()).collect();
    ensure_eq!(bytes, make::pattern(seed, bytes.len()), "bytes of batch {seed}");
    let unit = entries.first().map(|entry| entry.meta.unit);
    ensure!(entries.iter().all(|entry| Some(entry.meta.unit) == unit), "batch {seed} is torn");
    Ok(())
}

/// An entry that exceeds the budget alone is given alone, and so progress is always made.
pub(super) fn a_page_of_a_space_makes_progress(rig: &mut Rig<'_>) -> Verdict {
    let keys = streams(rig, 2)?;
    for (key, seed) in keys.iter().cycle().take(6).zip(0..) {
        rig.append(key, make::batch(seed, &[70_000])?)?;
    }
    let entries = rig.space("p", 1)?;
    ensure_eq!(entries.len(), 6, "entries in pages of one byte");
    for (entry, seed) in entries.iter().zip(0..) {
        ensure!(entry.payload == make::pattern(seed, 70_000), "the bytes of entry {seed} differ");
    }
    let page = rig.space_page("p", 0, 150_000)?;
    let bytes: usize = page.entries.iter().map(|entry| entry.payload.len()).sum();
    ensure!(bytes <= 150_000, "a page of {bytes} bytes where 150000 were allowed");
    ensure!(!page.end, "a page that is not the last says that it is");
    Ok(())
}

/// Reading past the end finds nothing, and what is appended later is found from there.
pub(super) fn a_reader_of_a_space_continues_where_it_was(rig: &mut Rig<'_>) -> Verdict {
    let keys = streams(rig, 2)?;
    let mut after = 0;
    for round in 0..12 {
        let key = keys.get(round % 2).ok_or_else(|| Failure::new("two streams"))?;
        rig.append(key, make::batch(round as u64, &[round])?)?;
        if round % 4 == 3 {
            rig.reopen()?;
        }
        let page = rig.space_page("p", after, 1_000)?;
        let found: Vec<_> =
            page.entries.iter().map(|e| (e.key.clone(), e.payload.clone())).collect();
        ensure_eq!(found, [(key.clone(), make::pattern(round as u64, round))], "round {round}");
        ensure!(page.end, "round {round}: nothing follows, but the page does not say so");
        after = page.next.0;
        let nothing = rig.space_page("p", after, 1_000)?;
        ensure!(nothing.entries.is_empty() && nothing.end, "round {round}: {nothing:?}");
        ensure!(nothing.next.0 >= after, "round {round}: the reader would go back");
    }
    Ok(())
}

/// Records of removed streams are left out, wherever they stand, and pages go on behind them.
pub(super) fn removed_streams_leave_the_space(rig: &mut Rig<'_>) -> Verdict {
    let keys = streams(rig, 3)?;
    for round in 0..20 {
        for key in &keys {
            rig.append(key, make::batch(round, &[20])?)?;
        }
    }
    let all = rig.space("p", usize::MAX)?;
    let mut left = keys.clone();
    for key in &keys {
        rig.unit([make::removal(key, rig.version(key)?)])?;
        left.retain(|other| other != key);
        rig.reopen()?;
        let expected: Vec<_> = all.iter().filter(|e| left.contains(&e.key)).cloned().collect();
        for budget in [1, 100, 100_000] {
            ensure_eq!(rig.space("p", budget)?, expected, "without {key}, in pages of {budget}");
        }
    }
    Ok(())
}

fn streams(rig: &Rig<'_>, count: usize) -> Result<Vec<StreamKey>, Failure> {
    let mut keys = Vec::new();
    for number in 0..count {
        let key = make::key(&format!("p/{number}"))?;
        rig.create(&key, make::birth())?;
        keys.push(key);
    }
    Ok(keys)
}
