//! What the one thread that writes does with a group: it decides on its units, writes what commits, and syncs. Packing is done in
//! small steps between groups, in proportion to what was committed, and all of it when nobody commits for a while.
//!
//! When it is poisoned, it writes and syncs nothing any more. sled does: its own thread, and dropping it, write out and sync what
//! it was given before. That is no harm, because nothing is reported any more, and opening the directory decides on what
//! is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_core::Timestamp;
use headwater_core::change::Unit;
use headwater_core::storage::{StorageError, UnitResult};
use tracing::{Span, debug_span};

use super::committed::CommittedFile;
use super::group::encode_group;
use super::pack::{Counters, Packer, Writer};
use super::room;
use crate::local::committer::{Commits, Meanwhile};
use crate::local::decide::Deciding;
use crate::local::metrics::Metrics;
use crate::local::row::{Row, Written};

/// Least that a step of packing counts, so that many tiny ones are not done for nothing.
const STEP_BYTES: usize = 1024;

/// How many bytes are packed or deleted for each that is committed, once packing has begun. More than are committed, so
/// that it comes to an end.
const PACKED_PER_COMMITTED: usize = 3;

/// Most groups that wait to be packed: each is replayed when the directory is opened.
const UNPACKED_GROUPS: usize = 2000;

/// What decides when to pack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Bytes of memory that recent data takes when packing begins. At twice as many, commits wait for packing.
    pub(super) recent_bytes: usize,
    /// How long nothing must happen before what is recent is packed.
    pub(super) idle: Duration,
}

/// What the thread owns while the directory is open.
#[derive(Debug)]
pub(super) struct Committer {
    pub(super) writer: Writer,
    pub(super) packer: Packer,
    pub(super) counters: Counters,
    pub(super) committed: CommittedFile,
    pub(super) pace: Pace,
    /// Bytes that are still to be packed for what was committed.
    pub(super) debt: usize,
    /// The last group after which the database was let settle.
    pub(super) settled: u64,
    pub(super) metrics: Metrics,
}

/// The span of a group that becomes durable, from its first write on. Made only where somebody looks at spans.
fn span(number: u64, units: usize, rows: &[Written]) -> Span {
    let bytes = || rows.iter().map(|(key, value)| key.len() + value.len()).sum();
    // Signed, because whole numbers are signed in OTLP.
    let signed = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    debug_span!(
        "commit",
        group = number.cast_signed(),
        units = signed(units),
        bytes = signed(bytes())
    )
}

impl Committer {
    fn recent_bytes(&self) -> usize {
        self.writer.view.recent.read().weight()
    }

    fn begin_round(&mut self) {
        self.packer.begin_round(&self.writer.view, self.counters);
    }

    fn step(&mut self) -> Result<Option<usize>, StorageError> {
        self.packer.step(&mut self.writer)
    }
}

impl Commits for Committer {
    fn commit(
        &mut self,
        group: Vec<Unit>,
        now: Timestamp,
    ) -> Result<Vec<UnitResult>, StorageError> {
        let begun = Instant::now();
        let view = Arc::clone(&self.writer.view);
        let unpacked = view.recent.read().weight();
        let space = room::look(&self.writer.room, view.packed.directory().path(), &group, unpacked);
        let at = Timestamp(now.0.max(self.counters.at));
        let mut deciding = Deciding::new(&*view, self.counters.unit + 1, at);
        let results = group.into_iter().map(|unit| deciding.decide(unit, space)).collect();
        let accepted = deciding.accepted;
        if accepted.is_empty() {
            return Ok(results);
        }
        let number = self.counters.group + 1;
        let units: Vec<_> = accepted.iter().map(|accepted| &accepted.unit).collect();
        let rows = encode_group(number, self.counters.unit + 1, at.0, &units)?;
        let parts = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let _span = span(number, accepted.len(), &rows).entered();
        view.packed.append(rows)?;
        let written = Instant::now();
        debug_span!("sync").in_scope(|| self.writer.sync())?;
        self.metrics.sync_seconds.record(written.elapsed());
        let noted = self.committed.write(number);
        noted.map_err(|error| {
            StorageError::Unavailable(format!("COMMITTED cannot be written: {error}"))
        })?;

        let mut recent = view.recent.write();
        let before = recent.weight();
        for committed in accepted.iter().flat_map(|accepted| accepted.committed(number, at.0)) {
            recent.active.publish(&committed);
        }
        self.debt += recent.weight().saturating_sub(before).saturating_mul(PACKED_PER_COMMITTED);
        drop(recent);
        self.counters =
            Counters { group: number, unit: self.counters.unit + accepted.len() as u64, at: at.0 };
        self.packer.committed((number, parts));
        self.metrics.commit_seconds.record(begun.elapsed());
        self.metrics.group_units.record(accepted.len() as f64);
        Ok(results)
    }

    fn keep_pace(&mut self) -> Result<(), StorageError> {
        if self.recent_bytes() > self.pace.recent_bytes || self.packer.unpacked() > UNPACKED_GROUPS
        {
            self.begin_round();
        }
        while self.debt > 0 && self.packer.is_busy() {
            let bytes = self.step()?.unwrap_or_default();
            self.debt = self.debt.saturating_sub(bytes.max(STEP_BYTES));
        }
        // What comes faster than that, or is large by itself, waits for packing.
        while self.packer.unpacked() > 0
            && self.recent_bytes() > self.pace.recent_bytes.saturating_mul(2)
        {
            self.begin_round();
            self.step()?;
        }
        if !self.packer.is_busy() {
            self.debt = 0;
        }
        Ok(())
    }

    fn meanwhile(&self) -> Meanwhile {
        if self.packer.is_busy() {
            Meanwhile::Work
        } else if self.packer.unpacked() > 0 {
            Meanwhile::Wait(self.pace.idle)
        } else {
            Meanwhile::Rest
        }
    }

    fn work(&mut self) -> Result<(), StorageError> {
        self.step().map(drop)
    }

    fn waited(&mut self) {
        self.begin_round();
    }

    fn rest(&mut self) {
        if self.settled != self.counters.group {
            self.writer.view.packed.db().settle(&Row::Checkpoint.key());
            self.settled = self.counters.group;
        }
    }

    fn observe(&self) {
        self.metrics.unpacked_groups.set(self.packer.unpacked() as f64);
        self.metrics.unpacked_bytes.set(self.recent_bytes() as f64);
    }

    fn place(&self) -> String {
        self.writer.view.packed.directory().path().display().to_string()
    }

    fn complete(&mut self) -> Result<(), StorageError> {
        loop {
            self.begin_round();
            if self.step()?.is_none() && self.packer.unpacked() == 0 {
                return self.writer.sync();
            }
        }
    }
}
