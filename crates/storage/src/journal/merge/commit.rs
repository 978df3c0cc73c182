//! Letting a file that was written count, between two rounds.

use std::sync::Arc;

use headwater_core::storage::StorageError;

use super::super::chunks::{ChunkFile, ChunkName, ChunkWriter, Facts, Ledger};
use super::super::holdings::PerFile;
use super::super::index::Index;
use super::super::packer::Progress;
use super::copy::Copied;
use super::edit::{self, After};
use super::keep::Missing;
use crate::disk::Disk;

/// What came of it.
#[derive(Debug)]
pub(in crate::journal) enum Merging {
    /// The file counts. The catalogue is to be led into it before anything else is written.
    Named(Named),
    /// Nothing has changed, and the draft is gone.
    Refused(StorageError),
}

/// A file that counts, and what it takes the place of.
#[derive(Debug)]
pub(in crate::journal) struct Named {
    file: Arc<ChunkFile>,
    inputs: Vec<ChunkName>,
    freed: PerFile,
}

/// Gives the file its name.
///
/// # Errors
/// When it is not certain which files count: nothing may be written any more.
pub(in crate::journal) fn commit(
    disk: &Arc<dyn Disk>,
    index: &Index,
    progress: &mut Progress,
    copied: Copied,
) -> Result<Merging, StorageError> {
    let Copied { writer, name, inputs, facts, missing } = copied;
    let after = match after(index, progress.ledger, &writer, &missing) {
        Ok(after) => after,
        Err(error) => return Ok(refused(disk, name, error)),
    };
    let edition = progress.edition + 1;
    match writer.finish(Facts { edition, ledger: after.ledger, ..facts }) {
        Ok(_) => {}
        // With its name it may count at the next start.
        Err(error) if disk.open(&name.path()).is_ok() => return Err(error),
        Err(error) => return Ok(refused(disk, name, error)),
    }
    (progress.edition, progress.ledger) = (edition, after.ledger);
    let file = Arc::new(ChunkFile::open(&**disk, name)?);
    let live = after.gained.get(&name).copied().unwrap_or_default();
    index.holdings().add(Arc::clone(&file), live);
    Ok(Merging::Named(Named { file, inputs, freed: after.freed }))
}

/// Leads the catalogue into the file, and removes what it was made of.
///
/// # Errors
/// Those of the catalogue. It can be done again, and must be before anything else is written.
pub(in crate::journal) fn enter(
    disk: &Arc<dyn Disk>,
    index: &Index,
    named: &Named,
) -> Result<(), StorageError> {
    let Named { file, inputs, freed } = named;
    edit::lead_into(file, index)?;
    index.catalogue().sync()?;
    let holdings = index.holdings();
    holdings.free(freed);
    holdings.applied(file);
    index.retire(inputs);
    holdings.metrics().merges.increment(1);
    holdings.metrics().merged_bytes.increment(file.size());
    holdings.observe();
    inputs.iter().for_each(|name| remove(disk, *name));
    Ok(())
}

/// What becomes different, if nothing is missing.
fn after(
    index: &Index,
    ledger: Ledger,
    writer: &ChunkWriter,
    missing: &Missing,
) -> Result<After, StorageError> {
    missing.explain(index)?;
    let unsettled = || StorageError::Corrupt("a merged file is not settled".to_owned());
    let draft = writer.settled().ok_or_else(unsettled)?;
    edit::after(ledger, draft.rows(), index)
}

fn refused(disk: &Arc<dyn Disk>, name: ChunkName, error: StorageError) -> Merging {
    discard(disk, name);
    Merging::Refused(error)
}

/// Removes drafts. One that stays is removed at the next start.
pub(super) fn discard(disk: &Arc<dyn Disk>, name: ChunkName) {
    for path in [name.draft(), name.rows_draft()] {
        if let Err(error) = disk.remove(&path) {
            let path = disk.describe(&path);
            tracing::debug!(%error, path = %path.display(), "a draft could not be removed");
        }
    }
}

/// Removes a file that was replaced. One that stays, or comes back, is removed at the next start.
fn remove(disk: &Arc<dyn Disk>, name: ChunkName) {
    let path = name.path();
    if let Err(error) = disk.remove(&path) {
        let path = disk.describe(&path);
        tracing::warn!(%error, path = %path.display(), "a chunk file that was replaced could not be removed");
    }
}
