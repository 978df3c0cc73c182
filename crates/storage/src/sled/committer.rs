//! The one thread that writes.
//!
//! It takes a group, decides on its units, writes what commits, syncs, and reports; then the next. Packing is done in small
//! steps between groups, in proportion to what was committed, and all of it when nobody commits for a while.
//!
//! What cannot be read while it is decided on a unit refuses that unit. The first write or sync that fails poisons the thread,
//! and so does what packing cannot read, because what is not packed must not grow without bound: from then on it writes and
//! syncs nothing, not even when it ends. sled does: its own thread, and dropping it, write out and sync what it was given
//! before. That is no harm, because nothing is reported any more, and opening the directory decides on what is there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use headwater_core::Timestamp;
use headwater_core::change::Unit;
use headwater_core::storage::{CommitDone, Refusal, StorageError, UnitResult};
use tracing::{Span, debug_span};

use super::committed::CommittedFile;
use super::group::encode_group;
use super::metrics::Metrics;
use super::pack::{Counters, Packer, Writer};
use super::room;
use crate::local::decide::Deciding;
use crate::local::pool::guarded;
use crate::local::row::{Row, Written};

/// Least that a step of packing counts, so that many tiny ones are not done for nothing.
const STEP_BYTES: usize = 1024;

/// How many bytes are packed or deleted for each that is committed, once packing has begun. More than are committed, so
/// that it comes to an end.
const PACKED_PER_COMMITTED: usize = 3;

/// Most groups that wait to be packed: each is replayed when the directory is opened.
const UNPACKED_GROUPS: usize = 2000;

/// What is asked of the thread.
pub(super) enum Request {
    Commit { group: Vec<Unit>, now: Timestamp, done: CommitDone },
    Close(oneshot::Sender<Result<(), StorageError>>),
}

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

/// Whether anything can still be written.
enum Health {
    Sound(Box<Committer>),
    Poisoned(Box<Committer>),
    Closed,
}

/// Serves requests until all who could send one are gone. `release` gives up what closing has to give up.
///
/// A panic ends what was being done and never the thread: whoever asks afterwards is answered too.
pub(super) fn run(
    committer: Committer,
    requests: &Receiver<Request>,
    release: impl Fn(Committer, Ending) -> Result<(), StorageError>,
) {
    let mut health = Health::Sound(Box::new(committer));
    while let Err(error) = guarded(|| {
        serve(&mut health, requests, &release);
        Ok(())
    }) {
        poison(&mut health, &error);
    }
}

fn serve(
    health: &mut Health,
    requests: &Receiver<Request>,
    release: &impl Fn(Committer, Ending) -> Result<(), StorageError>,
) {
    while let Some(request) = next(health, requests) {
        match request {
            Request::Commit { group, now, done } => {
                let results = commit(health, group, now);
                report(results, done);
                maintain(health, Committer::keep_pace);
                observe(health);
            }
            Request::Close(closed) => {
                let outcome = match std::mem::replace(health, Health::Closed) {
                    Health::Sound(mut committer) => match guarded(|| committer.pack_all()) {
                        Ok(()) => release(*committer, Ending::Clean),
                        Err(error) => release(*committer, Ending::Unclean).and(Err(error)),
                    },
                    Health::Poisoned(committer) => {
                        release(*committer, Ending::Unclean).and(Err(poisoned()))
                    }
                    Health::Closed => Ok(()),
                };
                // Who closed may not wait for it.
                drop(closed.send(outcome));
            }
        }
    }
}

/// How a directory is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Everything is packed and synced.
    Clean,
    /// Something failed: it stays as it is, for the next start to look at.
    Unclean,
}

/// Waits for a request, and packs meanwhile.
fn next(health: &mut Health, requests: &Receiver<Request>) -> Option<Request> {
    loop {
        let Health::Sound(committer) = health else { return requests.recv().ok() };
        if committer.packer.is_busy() {
            match requests.try_recv() {
                Ok(request) => return Some(request),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    maintain(health, |committer| committer.step().map(drop))
                }
            }
        } else if committer.packer.unpacked() > 0 {
            match requests.recv_timeout(committer.pace.idle) {
                Ok(request) => return Some(request),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => committer.begin_round(),
            }
        } else {
            committer.rest();
            observe(health);
            return requests.recv().ok();
        }
    }
}

fn commit(health: &mut Health, group: Vec<Unit>, now: Timestamp) -> Vec<UnitResult> {
    let units = group.len();
    let refused = |refusal| vec![UnitResult::Refused(refusal); units];
    match health {
        Health::Closed => refused(Refusal::Closed),
        Health::Poisoned(_) => refused(Refusal::Poisoned),
        Health::Sound(committer) => match guarded(|| committer.commit(group, now)) {
            Ok(results) => results,
            Err(error) => {
                poison(health, &error);
                vec![UnitResult::Unknown; units]
            }
        },
    }
}

fn maintain(health: &mut Health, work: impl FnOnce(&mut Committer) -> Result<(), StorageError>) {
    if let Health::Sound(committer) = health
        && let Err(error) = guarded(|| work(committer))
    {
        poison(health, &error);
    }
}

/// Says how much is still to be packed.
fn observe(health: &Health) {
    if let Health::Sound(committer) = health {
        committer.metrics.unpacked_groups.set(committer.packer.unpacked() as f64);
        committer.metrics.unpacked_bytes.set(committer.recent_bytes() as f64);
    }
}

fn poison(health: &mut Health, error: &StorageError) {
    *health = match std::mem::replace(health, Health::Closed) {
        Health::Sound(committer) => {
            let directory = committer.writer.view.packed.directory().path().display().to_string();
            tracing::error!(%error, directory, "storage failed; nothing more is written until it is reopened");
            Health::Poisoned(committer)
        }
        other => other,
    };
}

/// What the end of a poisoned directory is told as: nobody may take it for a clean one.
fn poisoned() -> StorageError {
    StorageError::Unavailable("a write or a sync failed while the directory was open".to_owned())
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

/// Calls back. A caller's panic must not end the thread that all callers need.
fn report(results: Vec<UnitResult>, done: CommitDone) {
    if catch_unwind(AssertUnwindSafe(|| done(results))).is_err() {
        tracing::error!("a callback of a commit panicked");
    }
}

impl Committer {
    /// Commits a group.
    fn commit(
        &mut self,
        group: Vec<Unit>,
        now: Timestamp,
    ) -> Result<Vec<UnitResult>, StorageError> {
        let begun = Instant::now();
        let view = Arc::clone(&self.writer.view);
        let space = room::look(view.packed.directory().path(), &group, view.recent.read().weight());
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

    /// Packs as much as what was committed calls for.
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

    fn recent_bytes(&self) -> usize {
        self.writer.view.recent.read().weight()
    }

    fn begin_round(&mut self) {
        self.packer.begin_round(&self.writer.view, self.counters);
    }

    fn step(&mut self) -> Result<Option<usize>, StorageError> {
        self.packer.step(&mut self.writer)
    }

    /// When everything is packed and nobody asks for anything.
    fn rest(&mut self) {
        if self.settled != self.counters.group {
            self.writer.view.packed.db().settle(&Row::Checkpoint.key());
            self.settled = self.counters.group;
        }
    }

    /// Packs everything, and deletes what is to be deleted.
    fn pack_all(&mut self) -> Result<(), StorageError> {
        loop {
            self.begin_round();
            if self.step()?.is_none() && self.packer.unpacked() == 0 {
                return self.writer.sync();
            }
        }
    }
}
