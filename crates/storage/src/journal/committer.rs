//! What the one thread that writes does with a group: it decides on its units, appends what commits to the log, has it synced once, or leaves that for
//! later, and enters it into memory. Packing is another thread's; this one hands over what there is, and waits when there is too much.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use headwater_core::Timestamp;
use headwater_core::change::Unit;
use headwater_core::storage::{Refusal, StorageError, UnitResult};
use tracing::{Span, debug_span};

use super::index::Index;
use super::log::{Batch, Durability, Mark, Supply, WriteError, Writer};
use super::loss::NUMBERS;
use super::room;
use super::shared::{Exchange, Frozen, Through};
use super::unit::Encoder;
use crate::directory::DataDir;
use crate::disk::Disk;
use crate::local::committer::{Commits, Meanwhile};
use crate::local::decide::{Accepted, Deciding, DiskSpace};
use crate::local::metrics::Metrics;
use crate::local::view::View;

/// Most frames of one group of the log, below what it can number. The engine's groups rarely have a tenth of that.
const FRAMES: usize = 32_768;

/// Least part of the memory for recent data that is packed because nothing happens: less would make many small files.
const IDLE_PART: usize = 16;

/// What decides when to pack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Bytes of memory that recent data takes when it is handed over. When it comes to three times as many with what is being packed,
    /// commits wait for packing.
    pub(super) recent_bytes: usize,
    /// How long nothing must happen before what is recent is packed.
    pub(super) idle: Duration,
    /// Bytes of a journal file.
    pub(super) file_bytes: u32,
}

/// What the thread owns while the directory is open.
#[derive(Debug)]
pub(super) struct Committer {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) view: Arc<View<Index>>,
    /// None once the log has been closed.
    pub(super) writer: Option<Writer>,
    pub(super) supply: Arc<Supply>,
    pub(super) durability: Arc<Durability>,
    /// How many numbers of units and records were given since what was written was made durable for that.
    pub(super) numbers: u64,
    pub(super) exchange: Arc<Exchange>,
    /// The threads that prepare, sync and pack.
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) through: Through,
    pub(super) pace: Pace,
    /// A group was refused for which there were room if all was packed.
    pub(super) packing_helps: bool,
    pub(super) batch: Batch,
    pub(super) encoder: Encoder,
    pub(super) metrics: Metrics,
    /// Stays locked for as long as anything of this is open; so it comes last, and is dropped last. None over a disk that is no
    /// directory of the operating system.
    pub(super) _directory: Option<DataDir>,
}

/// Why nothing was written.
enum Failure {
    /// There is no room.
    Full,
    /// A write or a sync failed.
    Broken(StorageError),
}

impl Failure {
    fn of(error: WriteError) -> Self {
        Self::Broken(StorageError::Unavailable(error.to_string()))
    }
}

impl Committer {
    /// Appends units to the log, until they may be acknowledged, and enters them into memory.
    fn append(&mut self, accepted: &[Accepted], at: Timestamp) -> Result<(), Failure> {
        for accepted in accepted.chunks(FRAMES) {
            let number = self.through.unit;
            self.batch.clear();
            for (unit, accepted) in (number + 1..).zip(accepted) {
                let pushed = self.encoder.push(&mut self.batch, (unit, at.0), &accepted.unit);
                pushed.map_err(Failure::Broken)?;
            }
            let mark = self.write(accepted.len())?;
            self.bound_numbers(accepted)?;
            let unit = number + accepted.len() as u64;
            self.through = Through { mark, unit, at: at.0 };
            let mut recent = self.view.recent.write();
            for committed in accepted.iter().flat_map(|unit| unit.committed(mark.group, at.0)) {
                recent.active.publish(&committed);
            }
            self.exchange.reach(self.through);
        }
        Ok(())
    }

    /// Writes what is in the batch, until it may be acknowledged.
    fn write(&mut self, units: usize) -> Result<Mark, Failure> {
        let Some(writer) = &mut self.writer else {
            return Err(Failure::Broken(StorageError::Closed));
        };
        let _span = span(writer.end().group + 1, units, self.batch.len()).entered();
        let written = writer.append(&mut self.batch).map_err(|error| match error {
            WriteError::Spare(error) => {
                tracing::warn!(%error, "a journal file cannot be prepared; units are refused");
                Failure::Full
            }
            error => Failure::of(error),
        })?;
        let synced = debug_span!("sync").in_scope(|| writer.settle());
        if let Some(synced) = synced.map_err(Failure::of)? {
            self.metrics.sync_seconds.record(synced.took);
        }
        Ok(written.end)
    }

    /// Makes durable what was written before too many numbers were given since that was done last.
    fn bound_numbers(&mut self, accepted: &[Accepted]) -> Result<(), Failure> {
        let given = |accepted: &Accepted| {
            let records = accepted.unit.unit.changes.iter().filter_map(|change| change.batch());
            1 + records.map(|batch| batch.records().len() as u64).sum::<u64>()
        };
        self.numbers += accepted.iter().map(given).sum::<u64>();
        if self.numbers > NUMBERS {
            self.numbers = 0;
            self.writer.as_mut().map_or(Ok(()), Writer::sync).map_err(Failure::of)?;
        }
        Ok(())
    }

    fn active_bytes(&self) -> usize {
        self.view.recent.read().active.weight()
    }

    /// Hands over what is recent, unless something is being packed.
    fn hand_over(&mut self) -> Result<(), StorageError> {
        if !self.exchange.is_busy()? {
            let layer = self.view.recent.write().freeze();
            self.exchange.offer(Frozen { layer, through: self.through });
        }
        Ok(())
    }
}

/// The span of a group that becomes durable. Made only where somebody looks at spans.
fn span(number: u64, units: usize, bytes: u64) -> Span {
    // Signed, because whole numbers are signed in OTLP.
    let units = i64::try_from(units).unwrap_or(i64::MAX);
    debug_span!("commit", group = number.cast_signed(), units, bytes = bytes.cast_signed())
}

impl Commits for Committer {
    fn commit(
        &mut self,
        group: Vec<Unit>,
        now: Timestamp,
    ) -> Result<Vec<UnitResult>, StorageError> {
        let begun = Instant::now();
        let view = Arc::clone(&self.view);
        let space = room::look(&*self.disk, &group, view.recent.read().weight());
        self.packing_helps |=
            space == DiskSpace::Short && room::look(&*self.disk, &group, 0) == DiskSpace::Enough;
        let at = Timestamp(now.0.max(self.through.at));
        let mut deciding = Deciding::new(&*view, self.through.unit + 1, at);
        let mut results: Vec<_> =
            group.into_iter().map(|unit| deciding.decide(unit, space)).collect();
        let accepted = deciding.accepted;
        if accepted.is_empty() {
            return Ok(results);
        }
        match self.append(&accepted, at) {
            Ok(()) => {}
            // None of the first part of the group was written, and no other part was tried.
            Err(Failure::Full) if accepted.len() <= FRAMES => {
                for result in &mut results {
                    if matches!(result, UnitResult::Committed(_)) {
                        *result = UnitResult::Refused(Refusal::Full);
                    }
                }
                return Ok(results);
            }
            Err(Failure::Full) => {
                return Err(StorageError::Unavailable("the disk is full".to_owned()));
            }
            Err(Failure::Broken(error)) => return Err(error),
        }
        self.metrics.commit_seconds.record(begun.elapsed());
        self.metrics.group_units.record(accepted.len() as f64);
        Ok(results)
    }

    fn keep_pace(&mut self) -> Result<(), StorageError> {
        let (active, all) = {
            let recent = self.view.recent.read();
            (recent.active.weight(), recent.weight())
        };
        // Also a small group is told that packing failed: what is recent would grow without bound.
        self.exchange.is_busy()?;
        // Who is refused and tries again keeps the store from ever being idle.
        if std::mem::take(&mut self.packing_helps) && active > 0 {
            self.hand_over()?;
        } else if active > self.pace.recent_bytes {
            if all > self.pace.recent_bytes.saturating_mul(3) {
                // On a full disk packing may never go on. Then nothing that takes much memory is accepted, so nobody waits for it.
                if room::look(&*self.disk, &[], 0) == DiskSpace::Enough {
                    self.exchange.resume();
                }
                self.exchange.wait()?;
            }
            self.hand_over()?;
        }
        Ok(())
    }

    fn meanwhile(&self) -> Meanwhile {
        if self.active_bytes() > self.pace.recent_bytes / IDLE_PART {
            Meanwhile::Wait(self.pace.idle)
        } else {
            Meanwhile::Rest
        }
    }

    fn work(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn waited(&mut self) {
        // What cannot be packed is told when the next group comes.
        let _told_later = self.hand_over();
    }

    fn rest(&mut self) {}

    fn observe(&self) {
        let recent = self.view.recent.read().weight();
        self.metrics.unpacked_bytes.set(recent as f64);
        self.metrics.unsynced_bytes.set(self.durability.unsynced() as f64);
        let end = self.through.mark.place;
        self.view.packed.holdings().journal_ends(end, self.pace.file_bytes);
    }

    fn place(&self) -> String {
        self.disk.describe("".as_ref()).display().to_string()
    }

    fn complete(&mut self) -> Result<(), StorageError> {
        self.exchange.wait()?;
        match self.writer.take() {
            Some(writer) => {
                let closed = writer.close();
                closed.map_err(|error| StorageError::Unavailable(error.to_string()))
            }
            None => Ok(()),
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.exchange.stop();
        self.supply.stop();
        self.durability.stop();
        for thread in self.threads.drain(..) {
            // A panic in it was reported when it happened.
            drop(thread.join());
        }
    }
}
