//! The thread that merges, as long as there is something to merge.
//!
//! It writes, and the packer lets what it wrote count. So rounds wait for no more than that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use headwater_core::storage::StorageError;

use super::super::chunks::ChunkName;
use super::super::holdings::Holding;
use super::super::index::Index;
use super::super::room::RESERVE;
use super::super::shared::Exchange;
use super::commit::discard;
use super::copy::{Copied, Failure, copy, ends};
use super::pace::Load;
use super::policy::{Limits, Stat, Totals};
use crate::disk::Disk;
use crate::local::pool::guarded;
use crate::local::view::View;

/// How long it waits when something failed that may succeed later, the first time. Each time in a row it waits twice as long, because
/// much may have been written in vain.
const RETRY: Duration = Duration::from_secs(1);

/// How long it waits at most.
const LONGEST: Duration = Duration::from_secs(600);

/// How often a file is tried that cannot be read, or of which something cannot be written although there is room.
const TRIES: u32 = 4;

/// What the thread owns.
#[derive(Debug)]
pub(in crate::journal) struct Merger {
    disk: Arc<dyn Disk>,
    view: Arc<View<Index>>,
    exchange: Arc<Exchange>,
    limits: Limits,
    /// Files that are damaged. What is sound in them is served as before.
    stuck: HashSet<ChunkName>,
    /// How often files were tried.
    tries: HashMap<ChunkName, u32>,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Step {
    /// Files were merged, or it is known which cannot be.
    Done,
    /// There is nothing to merge.
    Nothing,
    /// It may succeed later.
    Later,
    /// It is to end.
    Stopped,
}

impl Merger {
    pub(in crate::journal) fn new(
        disk: Arc<dyn Disk>,
        view: Arc<View<Index>>,
        exchange: Arc<Exchange>,
        limits: Limits,
    ) -> Self {
        Self { disk, view, exchange, limits, stuck: HashSet::new(), tries: HashMap::new() }
    }

    /// Merges until it is told to stop.
    pub(in crate::journal) fn run(mut self) {
        let (mut seen, mut wait) = ((0, Load::Quiet), RETRY);
        while self.exchange.wait_for_changes(&mut seen) {
            loop {
                let exchange = Arc::clone(&self.exchange);
                match self.step(|copied| exchange.submit(copied)) {
                    Step::Done => wait = RETRY,
                    Step::Nothing => break,
                    Step::Later if self.exchange.rest(wait) => wait = (wait * 2).min(LONGEST),
                    Step::Later | Step::Stopped => return,
                }
            }
        }
    }

    /// Merges once, if anything is worth it. What was written is handed over, and then counts or is refused.
    pub(in crate::journal) fn step(
        &mut self,
        submit: impl FnOnce(Copied) -> Option<Result<(), StorageError>>,
    ) -> Step {
        let index = &self.view.packed;
        let stand = index.holdings().stand();
        let files: Vec<Stat> = stand.files.iter().map(|holding| self.stat(holding)).collect();
        let (load, rounds) = self.exchange.load();
        let totals = Totals { rows: stand.rows, latest: stand.latest, room: self.room(), load };
        let Some(window) = self.limits.choose(&files, totals) else { return Step::Nothing };
        let goes_on = |written| self.exchange.wait_to_write(&rounds, written);
        let copied = guarded(|| Ok(copy(&self.disk, index, &stand, window.clone(), &goes_on)));
        let merged = match copied {
            Ok(Ok(copied)) => match submit(copied) {
                Some(Ok(())) => return Step::Done,
                Some(Err(error)) => Err((error, None)),
                None => return Step::Stopped,
            },
            Ok(Err(Failure::Stopped)) => Ok(()),
            Ok(Err(Failure::Error(error, file))) => Err((error, file)),
            Err(panic) => Err((panic, None)),
        };
        let files = stand.files.get(window).unwrap_or_default();
        if let Some((name, _)) = ends(files, stand.edition) {
            discard(&self.disk, name);
        }
        match merged {
            Ok(()) => Step::Stopped,
            Err((error, file)) => self.fail(&error, file, files),
        }
    }

    /// What comes of a failure: what is damaged is not tried again.
    fn fail(&mut self, error: &StorageError, file: Option<ChunkName>, files: &[Holding]) -> Step {
        let given_up = file.is_some_and(|file| self.has_tried(file));
        if !given_up && !matches!(error, StorageError::Corrupt(_)) {
            tracing::warn!(%error, "chunk files could not be merged; it is tried again");
            return Step::Later;
        }
        tracing::error!(%error, "chunk files are not merged, because something in them is damaged");
        match file {
            Some(file) => drop(self.stuck.insert(file)),
            None => self.stuck.extend(files.iter().map(|holding| holding.file.footer().name)),
        }
        Step::Done
    }

    /// Whether a file was tried as often as it is. On a full disk it does not count.
    fn has_tried(&mut self, file: ChunkName) -> bool {
        if self.disk.free_bytes().is_some_and(|free| free < RESERVE) {
            return false;
        }
        let tries = self.tries.entry(file).or_default();
        *tries += 1;
        *tries >= TRIES
    }

    fn stat(&self, holding: &Holding) -> Stat {
        let footer = holding.file.footer();
        Stat {
            data: holding.file.data_bytes(),
            live: holding.live,
            rows: footer.section.len,
            as_of: footer.facts.as_of,
            stuck: self.stuck.contains(&footer.name) || !holding.file.has_facts(),
        }
    }

    /// Bytes that may be written: half of what always stays free is for this, because it makes room.
    fn room(&self) -> u64 {
        let free = self.disk.free_bytes();
        free.map_or(u64::MAX, |free| free.saturating_sub(RESERVE / 2))
    }
}
