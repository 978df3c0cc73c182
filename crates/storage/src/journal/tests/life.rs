//! A storage over a fake disk, told a script, of which everything is recorded: groups, what was reported, and what the catalogue was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use headwater_core::change::Unit;
use headwater_core::storage::{CommitDone, StorageError, UnitResult};
use headwater_core::{Storage, Timestamp};
use parking_lot::Mutex;

use super::wait_until;
use crate::disk::FakeDisk;
use crate::journal::backup::Backups;
use crate::journal::catalogue::{Happened, Image, Past, Shelf};
use crate::journal::handle::{JournalStorage, Options, lay_out};
use crate::memory::MemoryStorage;
use crate::testkit::differential::side::{Side, Tried};
use crate::testkit::differential::{Round, Script};
use crate::testkit::{Failure, Harness, Layer, Layered, Restarts};

/// A group, as it was handed to the storage.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) units: Vec<Unit>,
    pub(super) now: Timestamp,
}

/// What had happened at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// So many groups were reported.
    pub(super) reported: usize,
    /// The last image of the catalogue that may be there.
    pub(super) written: usize,
    /// The last one that is durable.
    pub(super) synced: usize,
}

/// Long enough for a slow machine, and short enough that a wait that never ends is noticed.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Kinds of marks in a disk's history, above the number that goes with each.
const REPORTED: u64 = 1 << 60;
const WRITTEN: u64 = 2 << 60;
const SYNCED: u64 = 3 << 60;
const NUMBER: u64 = REPORTED - 1;

impl Known {
    /// What was known in the beginning, and what the marks add.
    pub(super) fn after(mut self, marks: &[u64]) -> Self {
        for mark in marks {
            let number = (mark & NUMBER) as usize;
            match mark & !NUMBER {
                REPORTED => self.reported = number,
                WRITTEN => self.written = number,
                _ => self.synced = number,
            }
        }
        self
    }
}

/// What a life begins with.
#[derive(Clone, Debug, Default)]
pub(super) struct Begin {
    /// The catalogue is the last of these, of which the first is durable.
    pub(super) images: Vec<Image>,
    /// The groups that are there.
    pub(super) told: Vec<Told>,
    /// So many units are in them.
    pub(super) units: u64,
    /// Something is wrong with the first of the images.
    pub(super) damaged: bool,
    /// So many groups were reported; what else is there may not be durable yet.
    pub(super) reported: usize,
}

/// A disk and what happens on it.
pub(super) struct Life {
    pub(super) disk: FakeDisk,
    pub(super) past: Arc<Past>,
    pub(super) begin: Known,
    pub(super) options: Options,
    /// The catalogue was made anew at the opening, perhaps.
    pub(super) damaged: bool,
    told: Arc<Mutex<Vec<Told>>>,
    /// Units that were there when it began.
    units: u64,
    failed: Mutex<Option<StorageError>>,
    /// A way to what is open.
    open: Mutex<Option<Backups>>,
}

impl Life {
    /// On an empty disk.
    pub(super) fn new(options: Options) -> Self {
        let disk = FakeDisk::new();
        lay_out(&disk).unwrap();
        let begin = Begin { images: vec![Image::default()], ..Begin::default() };
        Self::over(disk.at_rest(), begin, options)
    }

    /// On a disk on which there is something.
    pub(super) fn over(disk: FakeDisk, begin: Begin, options: Options) -> Self {
        let Begin { images, told, units, damaged, reported } = begin;
        let begin = Known { reported, written: images.len() - 1, synced: 0 };
        let marked = disk.clone();
        let note = move |what, number: usize| {
            let kind = if what == Happened::Write { WRITTEN } else { SYNCED };
            marked.mark(kind | number as u64);
        };
        let past = Arc::new(Past::new(images, Box::new(note)));
        let (told, failed, open) = (Arc::new(Mutex::new(told)), Mutex::default(), Mutex::default());
        Self { disk, past, begin, options, damaged, told, units, failed, open }
    }

    /// Everything it was told, also by lives before.
    pub(super) fn told(&self) -> Vec<Told> {
        self.told.lock().clone()
    }

    /// What has happened until now.
    pub(super) fn known(&self) -> Known {
        let mut crashes = self.disk.crashes(0);
        let mut marks = Vec::new();
        while let Some(moment) = crashes.next_moment() {
            marks = moment.marks().to_vec();
        }
        self.begin.after(&marks)
    }

    /// Plays a script on it, and leaves it as a crash would.
    pub(super) fn play(&self, script: &Script) -> Result<(), Failure> {
        self.play_on(&mut self.side()?, script)
    }

    /// Plays a script.
    pub(super) fn play_on(&self, side: &mut Side<'_>, script: &Script) -> Result<(), Failure> {
        for (round, number) in script.rounds.iter().zip(1..) {
            self.round(side, round)
                .map_err(|failure| failure.during(&format!("round {number}")))?;
        }
        Ok(())
    }

    /// Opens it for a script.
    pub(super) fn side(&self) -> Result<Side<'_>, Failure> {
        let side = Side::resume(self, self.units)?;
        self.check()?;
        Ok(side)
    }

    /// Plays one round.
    pub(super) fn round(&self, side: &mut Side<'_>, round: &Round) -> Result<Tried, Failure> {
        let played = side.play(round);
        self.check()?;
        played
    }

    /// Waits until the threads that pack and prepare have done what the groups so far leave to do, or never will. So what they
    /// do is a matter of the script, and not of when they run. To be called behind a group; what an opening finds is packed
    /// only behind the next one.
    pub(super) fn settle(&self) {
        let Some(open) = self.open.lock().clone() else { return };
        wait_until("the end of packing", || {
            let Some(view) = open.view.upgrade() else { return true };
            let (active, all) = {
                let recent = view.recent.read();
                (recent.active.weight(), recent.weight())
            };
            // In this order: nothing is handed over any more when nothing is due and nothing is frozen.
            let handed_over = active <= self.options.recent_bytes && active == all;
            open.exchange.is_busy().map_or(true, |busy| handed_over && !busy)
        });
        // After a failure it takes a second until the next try, and no order of calls is asked for any more.
        if self.disk.failed() == 0 {
            wait_until("spares", || open.supply.is_settled());
        }
    }

    /// Whether every opening so far succeeded.
    pub(super) fn is_open(&self) -> bool {
        self.failed.lock().is_none()
    }

    /// That every opening so far succeeded.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &*self.failed.lock() {
            Some(error) => Err(Failure::new(format!("it does not open: {error}"))),
            None => Ok(()),
        }
    }
}

impl Harness for Life {
    fn open(&self) -> Arc<dyn Storage> {
        let shelf = Shelf::new(Arc::clone(&self.past));
        let disk = Arc::new(self.disk.clone());
        match JournalStorage::over(disk, &shelf, self.options, None) {
            Ok(storage) => {
                let (told, disk) = (Arc::clone(&self.told), self.disk.clone());
                // What an opening has found it may show.
                disk.mark(REPORTED | told.lock().len() as u64);
                *self.open.lock() = Some(storage.backups());
                let storage = Arc::new(storage);
                Arc::new(Layered(Recorder { storage, told, disk, lost: Arc::default() }))
            }
            Err(error) => {
                *self.failed.lock() = Some(error);
                Arc::new(MemoryStorage::new())
            }
        }
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

/// Writes down what is committed.
struct Recorder {
    storage: Arc<dyn Storage>,
    told: Arc<Mutex<Vec<Told>>>,
    disk: FakeDisk,
    /// Whether what became of a group is unknown.
    lost: Arc<AtomicBool>,
}

impl Layer for Recorder {
    fn inner(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    fn commit(&self, group: Vec<Unit>, now: Timestamp, done: CommitDone) {
        let number = {
            let mut told = self.told.lock();
            told.push(Told { units: group.clone(), now });
            told.len()
        };
        let (told, disk) = (Arc::clone(&self.told), self.disk.clone());
        let lost = Arc::clone(&self.lost);
        let report = move |results: Vec<UnitResult>| {
            // What did not commit never was; what is unknown may be, and nothing is reported behind it.
            let unknown = results.contains(&UnitResult::Unknown);
            let may_be =
                |result| matches!(result, &UnitResult::Committed(_) | &UnitResult::Unknown);
            let mut kept = results.iter().map(may_be);
            let mut told = told.lock();
            if let Some(group) = told.get_mut(number - 1) {
                group.units.retain(|_| kept.next() == Some(true));
            }
            drop(told);
            if !lost.fetch_or(unknown, Ordering::Relaxed) && !unknown {
                disk.mark(REPORTED | number as u64);
            }
            done(results);
        };
        self.storage.commit(group, now, Box::new(report));
    }
}
