//! The thread that packs: a frozen layer becomes a chunk file, its rows go to the catalogue, and the journal is given back.
//!
//! The order makes it safe to end anywhere. A file counts when it is whole and synced. Only then do its rows go to the
//! catalogue; only when that is synced are the layer and the journal files given up. Before, a start finds the same
//! things in the journal; after, in the file.

use std::sync::Arc;
use std::time::Duration;

use headwater_core::storage::StorageError;

use super::apply::{self, Leading};
use super::chunks::{ChunkFile, ChunkName, ChunkWriter, Facts, Ledger};
use super::index::Index;
use super::log::{Durability, Supply};
use super::merge::{self, Copied, Merging};
#[cfg(test)]
use super::planted::{Fault, planted};
use super::round;
use super::shared::{Exchange, Frozen, Task, Through};
use crate::disk::Disk;
use crate::local::metrics::unpacked_bytes;
use crate::local::pool::guarded;
use crate::local::view::View;

/// How long it waits for room on a full disk before it tries again.
const RETRY: Duration = Duration::from_secs(1);

/// How far packing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The last round.
    pub(super) round: u64,
    /// The last edition of the catalogue.
    pub(super) edition: u64,
    pub(super) ledger: Ledger,
    pub(super) through: Through,
}

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Packer {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) view: Arc<View<Index>>,
    pub(super) supply: Arc<Supply>,
    pub(super) durability: Arc<Durability>,
    pub(super) exchange: Arc<Exchange>,
    pub(super) progress: Progress,
}

impl Packer {
    /// Packs whatever is handed over, until there will be nothing more.
    pub(super) fn run(mut self) {
        // What was there before may be worth merging.
        self.exchange.note_change();
        while let Some(task) = self.exchange.next() {
            let outcome = match task {
                Task::Pack(frozen) => {
                    let packed = self.until_there_is_room(|packer| packer.pack(&frozen));
                    packed.map(|packed| packed.map(|bytes| self.exchange.done(bytes)))
                }
                Task::Merge(copied) => self.merge(*copied),
            };
            match outcome {
                Ok(Some(())) => self.exchange.note_change(),
                Ok(None) => return,
                Err(error) => return self.exchange.fail(error),
            }
        }
    }

    /// Does something, again and again while the disk is full; `None` when it is to end meanwhile.
    fn until_there_is_room<T>(
        &mut self,
        mut work: impl FnMut(&mut Self) -> Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        loop {
            let was_full = self.is_full();
            match guarded(|| work(self)) {
                Ok(done) => return Ok(Some(done)),
                // A full disk is no fault. What was written of a file is removed when it is begun anew.
                Err(StorageError::Unavailable(reason)) if was_full || self.is_full() => {
                    tracing::warn!(reason, "there is no room to pack; it is tried again");
                    if !self.exchange.pause(RETRY) {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Lets a file that was merged take the place of those that it was made of, and says what became of it.
    pub(super) fn merge(&mut self, copied: Copied) -> Result<Option<()>, StorageError> {
        let index = &self.view.packed;
        let commit = || merge::commit(&self.disk, index, &mut self.progress, copied);
        match guarded(commit)? {
            Merging::Refused(error) => self.exchange.merged(Err(error)),
            Merging::Named(named) => {
                let enter =
                    |packer: &mut Self| merge::enter(&packer.disk, &packer.view.packed, &named);
                if self.until_there_is_room(enter)?.is_none() {
                    return Ok(None);
                }
                self.exchange.merged(Ok(()));
            }
        }
        Ok(Some(()))
    }

    /// Packs a layer, and gives it up. How many bytes its file has.
    pub(super) fn pack(&mut self, frozen: &Frozen) -> Result<u64, StorageError> {
        #[cfg(test)]
        self.hurry(frozen)?;
        self.settle(frozen)?;
        let name = self.write(frozen)?;
        let index = &self.view.packed;
        let file = Arc::new(ChunkFile::open(&*self.disk, name)?);
        index.holdings().add(Arc::clone(&file), file.data_bytes());
        let freed = apply::apply(|| file.rows(), self.progress.edition, index)?;
        index.catalogue().sync()?;
        index.holdings().free(&freed);
        index.holdings().applied(&file);
        index.holdings().metrics().packed_bytes.increment(file.size());
        index.holdings().observe();
        // Dropped outside of the lock: it is large.
        let packed = self.view.recent.write().forget_frozen();
        drop(packed);
        unpacked_bytes().set(self.view.recent.read().weight() as f64);
        let released = self.supply.release(frozen.through.mark.place.generation);
        // Files that cannot be removed are tried again after the next round.
        if let Err(error) = released {
            tracing::warn!(%error, "journal files could not be given back");
        }
        Ok(file.size())
    }

    /// Waits until the journal has durably what a file is to say. Otherwise the file might know of more than the journal does.
    fn settle(&self, frozen: &Frozen) -> Result<(), StorageError> {
        #[cfg(test)]
        if planted(Fault::PacksUnsynced) {
            return Ok(());
        }
        let reached = self.durability.reach(frozen.through.mark.group);
        reached.map(drop).map_err(|error| StorageError::Unavailable(error.to_string()))
    }

    /// Writes the file of a layer, unless that was done before.
    fn write(&mut self, frozen: &Frozen) -> Result<ChunkName, StorageError> {
        let Progress { round, edition, ledger, through } = self.progress;
        let named = |round| {
            let exhausted =
                || StorageError::Unavailable("no more rounds can be counted".to_owned());
            ChunkName::new(round, round).ok_or_else(exhausted)
        };
        if through == frozen.through {
            return named(round);
        }
        let name = named(round + 1)?;
        let index = &self.view.packed;
        let mut writer = ChunkWriter::create(Arc::clone(&self.disk), name)?;
        let replaced = round::write(&mut writer, index, &frozen.layer)?;
        let ledger = apply::after(ledger, replaced, writer.rows()?, index, Leading::Anew)?;
        let (edition, round) = (edition + 1, round + 1);
        #[cfg(test)]
        if planted(Fault::RowsFirst) {
            let rows = writer.rows()?.to_vec();
            apply::apply(|| rows.iter().cloned().map(Ok), edition, index)?;
            index.catalogue().sync()?;
        }
        writer.finish(Facts {
            edition,
            as_of: edition,
            latest: edition,
            from: through.mark,
            to: frozen.through.mark,
            unit: frozen.through.unit,
            at: frozen.through.at,
            ledger,
        })?;
        self.progress = Progress { round, edition, ledger, through: frozen.through };
        Ok(name)
    }

    /// Does too early what a planted fault says.
    #[cfg(test)]
    fn hurry(&self, frozen: &Frozen) -> Result<(), StorageError> {
        if planted(Fault::ReleasesEarly) {
            let released = self.supply.release(frozen.through.mark.place.generation);
            released.map_err(|error| StorageError::Unavailable(error.to_string()))?;
        }
        if planted(Fault::ForgetsEarly) {
            drop(self.view.recent.write().forget_frozen());
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.disk.free_bytes().is_some_and(|free| free < super::room::RESERVE)
    }
}
