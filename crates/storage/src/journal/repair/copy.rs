//! The chunk files that can be understood, up to the first that cannot.

use std::fs;
use std::io::IoSlice;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::StorageError;

use super::super::apply::{self, is_counted};
use super::super::check::memory::InMemory;
use super::super::chunks::{ChunkFile, ChunkName, Ledger, header};
use super::super::holdings::Holdings;
use super::super::index::Index;
use super::super::open::{self, Source};
use super::super::shared::Through;
use super::report::Losses;
use super::unwritable;
use crate::disk::{Disk, write_all};
use crate::local::rows::Rows;
use crate::local::view::View;

/// What was copied.
pub(super) struct Kept {
    pub(super) files: Vec<Arc<ChunkFile>>,
    pub(super) round: u64,
    pub(super) edition: u64,
    /// What the catalogue is said to add up to with them.
    ledger: Option<Ledger>,
    /// Whether no file was left out.
    is_all: bool,
    pub(super) through: Through,
    /// How far everything went that can still be seen, what was not kept included.
    pub(super) seen: Through,
}

impl Kept {
    /// Copies files. What is damaged in their payload, tables and orders is copied as it is.
    pub(super) fn copy(
        (from, source): (&Arc<dyn Disk>, &Path),
        (into, target): (&Arc<dyn Disk>, &Path),
        losses: &mut Losses,
    ) -> Result<Self, StorageError> {
        let mut kept = Self {
            files: Vec::new(),
            round: 0,
            edition: 0,
            ledger: None,
            is_all: true,
            through: Through::default(),
            seen: Through::default(),
        };
        let listing = match open::listing(&**from) {
            Ok(listing) => listing,
            Err(StorageError::Corrupt(what)) => {
                losses.damage(what);
                // Chunk files without a journal are as good as with one.
                super::super::chunks::Listing::read(&**from)?
            }
            Err(error) => return Err(error),
        };
        let mut names = listing.files.iter();
        for name in names.by_ref() {
            let path = name.path();
            let copied = fs::copy(source.join(&path), target.join(&path));
            copied.map_err(unwritable)?;
            if let Some(file) = sound(into, *name, losses)?
                && kept.add(file, losses)
            {
                continue;
            }
            into.remove(&path).map_err(unwritable)?;
            kept.is_all = false;
            let after = kept.through.unit;
            losses.units(format!(
                "what came after commit {after} is lost, save what is told otherwise: it builds on {}, which cannot be \
                 understood, or on what is missing before it",
                path.display()
            ));
            break;
        }
        for name in names {
            // Not kept; but what was counted is not counted again.
            if let Ok(file) = ChunkFile::open(&**from, *name) {
                kept.see(&file);
            }
        }
        Ok(kept)
    }

    /// Takes a file that follows those before.
    fn add(&mut self, file: ChunkFile, losses: &mut Losses) -> bool {
        let footer = *file.footer();
        let facts = footer.facts;
        self.see(&file);
        if footer.name.first() != self.round + 1 || facts.from != self.through.mark {
            losses.damage(format!("a chunk file is missing before {}", footer.name));
            return false;
        }
        self.round = footer.name.last();
        self.through = Through { mark: facts.to, unit: facts.unit, at: facts.at };
        if facts.edition > self.edition {
            (self.edition, self.ledger) = (facts.edition, Some(facts.ledger));
        }
        self.files.push(Arc::new(file));
        true
    }

    fn see(&mut self, file: &ChunkFile) {
        let facts = file.footer().facts;
        self.seen.unit = self.seen.unit.max(facts.unit);
        self.seen.at = self.seen.at.max(facts.at);
    }

    /// A catalogue of them, in memory.
    pub(super) fn view(&self) -> Result<View<Index>, StorageError> {
        let index = Index::new(InMemory.anew()?, Arc::new(Holdings::new(&self.files)));
        for file in &self.files {
            apply::apply(|| file.rows(), self.edition, &index)?;
        }
        Ok(View::new(index))
    }

    /// What the catalogue adds up to.
    pub(super) fn sum(&self, index: &Index, losses: &mut Losses) -> Result<Ledger, StorageError> {
        let mut sum = Ledger::default();
        for entry in index.scan_from(Vec::new(), Bound::Unbounded) {
            let (key, value) = entry?;
            if is_counted(&key) {
                sum.add(&key, &value);
            }
        }
        // With files left out, the last sum may be of what was in those too.
        if self.is_all && self.ledger.is_some_and(|ledger| ledger != sum) {
            losses.units("the chunk files do not have all the rows that they had: one of them is not the last one written");
        }
        Ok(sum)
    }
}

/// A copied file, if its footer and its rows are sound. What its header says is known otherwise.
fn sound(
    disk: &Arc<dyn Disk>,
    name: ChunkName,
    losses: &mut Losses,
) -> Result<Option<ChunkFile>, StorageError> {
    let copied = disk.open(&name.path()).map_err(unwritable)?;
    let opened = match ChunkFile::open(&**disk, name) {
        Err(StorageError::Corrupt(what)) => {
            losses.damage(what);
            write_all(&*copied, &mut [IoSlice::new(&header(name))], 0).map_err(unwritable)?;
            ChunkFile::open(&**disk, name)
        }
        opened => opened,
    };
    let file = match opened {
        Ok(file) => file,
        Err(StorageError::Corrupt(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    for row in file.rows() {
        match row.and_then(|row| match &row.value {
            Some(value) => apply::verify(&row.key, value),
            None => Ok(()),
        }) {
            Ok(()) => {}
            Err(StorageError::Corrupt(what)) => {
                losses.damage(what);
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    copied.sync_data().map_err(unwritable)?;
    Ok(Some(file))
}
