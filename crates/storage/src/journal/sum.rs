//! Looking at every row of a catalogue: what they add up to, and what they lead to.
//!
//! A start does this before it answers anyone, so that a row that sled forgot is never taken for one that is not there. It is
//! most of the time that a start takes where there are many streams, and it is divided among threads, because sled takes that time
//! to make leaves of what it has read.

use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use headwater_core::Lineage;
use headwater_core::storage::StorageError;

use super::apply::{is_counted, verify};
use super::chunks::Ledger;
use super::holdings::{self, PerFile};
use super::index::Index;
use crate::local::pool::guarded;
use crate::local::row::{of_lineage, tag};
use crate::local::rows::Rows;

/// Rows that are worth a thread: below a hundredth of a second there is nothing to be won.
const WORTH_A_THREAD: u64 = 16_384;

/// Most threads: what they have in their hands is memory beside sled's cache, and other programs start at the same time.
const THREADS: usize = 4;

/// Parts into which the rows of lineages are divided.
const PARTS: u64 = 4;

/// What rows add up to, and what they lead to.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) ledger: Ledger,
    pub(super) live: PerFile,
}

impl Sum {
    /// Takes in a row. It is compared with its checksum.
    fn add(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        verify(key, value)?;
        if is_counted(key) {
            self.ledger.add(key, value);
            holdings::note(&mut self.live, key, value)?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) {
        self.ledger.merge(other.ledger);
        for (name, bytes) in other.live {
            *self.live.entry(name).or_default() += bytes;
        }
    }
}

/// What all rows of a catalogue come to, of which there are about so many, about lineages up to this one.
pub(super) fn all_rows(index: &Index, rows: u64, last: u64) -> Result<Sum, StorageError> {
    let cores = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let worth = usize::try_from(rows / WORTH_A_THREAD).unwrap_or(usize::MAX);
    by_threads(index, &bounds(last), worth.min(cores))
}

/// Where the parts begin: at each kind that may have many rows, and within those that have most.
fn bounds(last: u64) -> Vec<Vec<u8>> {
    let mut bounds: Vec<_> =
        [0, tag::LINEAGE, tag::SPACE, tag::ORDER, tag::PRODUCER].map(|kind| vec![kind]).into();
    let parts = (0..PARTS).map(|part| Lineage(last / PARTS * part));
    bounds.extend(parts.map(|lineage| of_lineage(tag::CHUNK, lineage)));
    bounds.sort_unstable();
    bounds
}

/// The same with this thread and as many as make that number.
fn by_threads(index: &Index, bounds: &[Vec<u8>], threads: usize) -> Result<Sum, StorageError> {
    let next = AtomicUsize::new(0);
    let work = || guarded(|| parts(index, bounds, &next));
    thread::scope(|scope| {
        let spawn =
            |_| thread::Builder::new().name("journal-open".to_owned()).spawn_scoped(scope, work);
        // Where no thread can be had, the others do its part.
        let others: Vec<_> = (1..threads).map_while(|thread| spawn(thread).ok()).collect();
        let mut sum = work();
        for other in others {
            let other = other.join().unwrap_or(Err(StorageError::Closed));
            sum = sum.and_then(|mut sum| other.map(|other| sum.merge(other)).map(|()| sum));
        }
        sum
    })
}

/// Takes one part after the other, until none is left.
fn parts(index: &Index, bounds: &[Vec<u8>], next: &AtomicUsize) -> Result<Sum, StorageError> {
    let mut sum = Sum::default();
    loop {
        let part = next.fetch_add(1, Ordering::Relaxed);
        let Some(from) = bounds.get(part) else { return Ok(sum) };
        let to = bounds.get(part + 1);
        for entry in index.scan_from(Vec::new(), Bound::Included(from.clone())) {
            let (key, value) = entry?;
            if to.is_some_and(|to| *key >= **to) {
                break;
            }
            sum.add(&key, &value)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::journal::apply::Batch;
    use crate::journal::catalogue::{Image, Shelf};
    use crate::journal::holdings::Holdings;
    use crate::journal::open::Source;
    use crate::local::row::Row;
    use crate::local::stored::{StoredPin, encode};

    /// Rows of several kinds, about each of so many lineages.
    fn rows(lineages: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let of = |lineage| {
            let place = Row::Pin { lineage, position: 7 };
            [Row::Lineage(lineage), Row::Ranges { lineage, index: 0 }, place]
        };
        let value = |row: Row<'_>, forks| {
            let key = row.key();
            let value = encode(&key, &StoredPin { forks }).unwrap();
            (key, value)
        };
        (1..=lineages).flat_map(|n| of(Lineage(n)).map(|row| value(row, n))).collect()
    }

    fn index(rows: &[(Vec<u8>, Vec<u8>)]) -> Index {
        let catalogue = Shelf::holding(&Image::default()).open().unwrap();
        let index = Index::new(catalogue, Arc::new(Holdings::new(&[])));
        let mut batch = Batch::new(&index);
        for (key, value) in rows {
            batch.push((key.clone(), Some(value.clone()))).unwrap();
        }
        batch.finish(1).unwrap();
        index
    }

    #[test]
    fn however_many_look_they_come_to_the_same() {
        let rows = rows(50);
        let mut expected = Ledger::default();
        rows.iter().for_each(|(key, value)| expected.add(key, value));
        let index = index(&rows);
        for last in [0, 3, 50, u64::MAX] {
            let bounds = bounds(last);
            assert!(bounds.is_sorted() && bounds.len() == 9, "{bounds:?}");
            for threads in 0..=4 {
                let sum = by_threads(&index, &bounds, threads).unwrap();
                assert_eq!(sum.ledger, expected, "{threads} threads, lineages up to {last}");
            }
        }
    }

    #[test]
    fn damage_in_any_row_is_told_whoever_meets_it() {
        let sound = rows(5);
        for damaged in 0..sound.len() {
            let mut rows = sound.clone();
            *rows[damaged].1.last_mut().unwrap() ^= 1;
            let index = index(&rows);
            for threads in [1, 3] {
                let sum = by_threads(&index, &bounds(5), threads);
                assert!(matches!(sum, Err(StorageError::Corrupt(_))), "row {damaged}: {sum:?}");
            }
        }
    }
}
