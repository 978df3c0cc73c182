//! One order for everybody, however many write.

use std::collections::BTreeMap;
use std::thread;

use super::super::check::{Verdict, demand, demand_eq};
use super::harness::{Harness, append, beginning, read, read_all};
use super::kept::decode;
use crate::replay::{Budget, Cursor, Entry, ReplayLog};
use crate::testkit::Failure;

const WRITERS: usize = 8;
const EACH: usize = 50;

/// Each writer appends `writer number` in turn; returns what it was answered.
fn write<H: Harness>(h: &H, log: &H::Log, writer: usize) -> Result<Vec<Entry>, Failure> {
    (0..EACH).map(|number| append(h, log, &format!("{writer} {number}"))).collect()
}

/// Runs `reader` beside the writers, and returns what both came to.
fn beside<H: Harness, T: Send>(
    h: &H,
    log: &H::Log,
    reader: impl FnOnce(&H::Log) -> Result<T, Failure> + Send,
) -> Result<(Vec<Entry>, T), Failure> {
    let handles: Vec<_> = (0..WRITERS).map(|_| h.share(log)).collect();
    let own = h.share(log);
    let gone = |_| Failure::new("a thread of the check panicked");
    thread::scope(|scope| {
        let read = scope.spawn(move || reader(&own));
        let writers: Vec<_> = (0..)
            .zip(&handles)
            .map(|(writer, handle)| scope.spawn(move || write(h, handle, writer)))
            .collect();
        let mut answered = Vec::new();
        for writer in writers {
            answered.extend(writer.join().map_err(gone)??);
        }
        Ok((answered, read.join().map_err(gone)??))
    })
}

/// That `read` is all of `answered`, in an order that each writer would agree with.
fn judge(answered: &[Entry], read: &[Entry]) -> Verdict {
    let rising = read.windows(2).all(|pair| matches!(pair, [a, b] if a.cursor < b.cursor));
    demand(rising, || "cursors do not rise from event to event".to_owned())?;
    let by_cursor: BTreeMap<_, _> =
        answered.iter().map(|entry| (entry.cursor, &entry.event)).collect();
    demand_eq("cursors that differ", &by_cursor.len(), &(WRITERS * EACH))?;
    let found: Vec<_> = read.iter().map(|entry| (entry.cursor, &entry.event)).collect();
    demand_eq("what is read", &found, &by_cursor.into_iter().collect())?;
    let mut next = [0; WRITERS];
    for entry in read {
        let (_, data, _) = decode(entry.event.as_bytes())?;
        let numbers = data.split_once(' ').and_then(|(writer, number)| {
            Some((next.get_mut(writer.parse::<usize>().ok()?)?, number.parse::<usize>().ok()?))
        });
        let Some((next, number)) = numbers else {
            return Err(Failure::new(format!("{data:?} was never appended")));
        };
        demand_eq("the next of its writer", &number, next)?;
        *next += 1;
    }
    Ok(())
}

pub(super) fn at_once<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    let start = beginning(h, &log)?;
    let (answered, ()) = beside(h, &log, |_| Ok(()))?;
    judge(&answered, &read_all(h, &log, start)?)
}

pub(super) fn beside_appends<H: Harness>(h: &H) -> Verdict {
    let log = h.make();
    let start = beginning(h, &log)?;
    let (answered, seen) = beside(h, &log, |log| follow(h, log, start))?;
    judge(&answered, &seen)
}

/// Reads to the end, waits, and so on until all has been seen.
fn follow<H: Harness>(h: &H, log: &H::Log, start: Cursor) -> Result<Vec<Entry>, Failure> {
    let mut seen: Vec<Entry> = Vec::new();
    while seen.len() < WRITERS * EACH {
        let at = seen.last().map_or(start, |entry| entry.cursor);
        h.run(log.wait(at))??;
        seen.extend(read(h, log, at, Budget::default())?.entries);
    }
    Ok(seen)
}
