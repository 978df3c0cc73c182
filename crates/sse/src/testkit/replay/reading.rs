//! Pages: bounded, without a hole, and honest about what is gone.

use std::num::NonZeroUsize;

use super::super::check::{Verdict, demand, demand_eq};
use super::harness::{Harness, append, beginning, fill, read, read_all};
use crate::replay::{Budget, Cursor, Entry, ReadError, ReplayLog, Rest};
use crate::testkit::Failure;

const EVENTS: usize = 100;

pub(super) fn pages<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    let start = beginning(h, &log)?;
    let appended = fill(h, &log, EVENTS)?;
    let size = appended.first().map_or(0, size);
    for (events, bytes) in [(1, 1 << 20), (7, 1 << 20), (50, 1 << 20), (1000, 5 * size)] {
        let events = NonZeroUsize::new(events).unwrap_or(NonZeroUsize::MIN);
        let budget = Budget { events, bytes };
        let mut seen = Vec::new();
        while seen.len() < EVENTS {
            let after = seen.last().map_or(start, |entry: &Entry| entry.cursor);
            let page = read(h, &log, after, budget)?;
            demand(!page.entries.is_empty(), || format!("nothing after {after}"))?;
            demand(page.entries.len() <= events.get(), || format!("too many events: {budget:?}"))?;
            let sum: usize = page.entries.iter().map(self::size).sum();
            demand(sum <= bytes, || format!("{sum} bytes: {budget:?}"))?;
            seen.extend(page.entries);
            let rest = if seen.len() < EVENTS { Rest::More } else { Rest::Nothing };
            demand_eq("what is behind the page", &page.rest, &rest)?;
        }
        demand_eq("all pages", &seen, &appended)?;
    }
    Ok(())
}

fn size(entry: &Entry) -> usize {
    entry.event.as_bytes().len()
}

pub(super) fn above_the_budget<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    let start = beginning(h, &log)?;
    let large = "x".repeat(10_000);
    let appended = [append(h, &log, "small")?, append(h, &log, &large)?, append(h, &log, "small")?];
    let budget = Budget { bytes: 1_000, ..Budget::default() };
    let mut after = start;
    for entry in appended {
        let page = read(h, &log, after, budget)?;
        after = entry.cursor;
        demand_eq("a page of one event", &page.entries, &vec![entry])?;
    }
    demand_eq("the end", &read(h, &log, after, budget)?.entries, &Vec::new())
}

pub(super) fn given_up<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    let start = beginning(h, &log)?;
    let appended = fill(h, &log, EVENTS)?;
    let (gone, kept) = appended.split_at(EVENTS / 2);
    let Some(last_gone) = gone.last().map(|entry| entry.cursor) else { return Ok(()) };
    h.give_up(&log, last_gone);
    let head = h.run(log.head())??;
    demand_eq("the floor", &head.floor, &last_gone.offset)?;
    demand_eq("what is kept", &read_all(h, &log, head.oldest_kept())?, &kept.to_vec())?;
    let before = [start].into_iter().chain(gone.iter().map(|entry| entry.cursor));
    for cursor in before.filter(|cursor| *cursor < last_gone) {
        demand_expired(h, &log, cursor)?;
    }
    Ok(())
}

fn demand_expired<H: Harness>(h: &H, log: &H::Log, after: Cursor) -> Verdict {
    match h.run(log.read(after, Budget::default()))? {
        Err(ReadError::Expired { .. }) => Ok(()),
        other => Err(Failure::new(format!("after {after}, part of which is gone: {other:?}"))),
    }
}
