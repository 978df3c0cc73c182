//! Reading all of a directory, to see whether it is sound. Nothing in it is changed.
//!
//! 1. Every chunk file is read: both ends, all rows, and everything that rows lead to. Damage in one place does not keep the
//!    rest from being read.
//! 2. Where all rows are sound, everything else is read as an opening does: a catalogue is made of them in memory and compared
//!    with what they should add up to, and the journal is replayed on top of it. Otherwise the journal's frames are read alone.
//!
//! sled's own files are not looked at: they hold nothing that cannot be made anew, and sled cannot read without writing.

pub(super) mod memory;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use headwater_core::{Lineage, StreamKey};

use self::memory::InMemory;
use super::chunks::{Block, ChunkFile, OrderRef};
use super::handle::LAYOUT;
use super::log::{self, Cut, Files, Group, Mark};
use super::open::{self, FOLDER};
use super::{identity, log::ReadError};
use crate::directory::{OpenError, hold};
use crate::disk::{Disk, RealDisk};
use crate::local::frame::{Damage as Unsound, Verify};
use crate::local::row::{Row, tag};
use crate::local::stored::{StoredLineage, decode};

/// Something that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, the place in it, and what is wrong there.
    pub what: String,
    /// The stream whose bytes are there, if they are those of one stream, and it can be told which.
    pub stream: Option<StreamKey>,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.stream {
            Some(stream) => write!(f, "; stream `{stream}`"),
            None => Ok(()),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Chunk files that were read.
    pub chunk_files: usize,
    /// Rows in them.
    pub rows: u64,
    /// Everything that is damaged.
    pub damage: Vec<Damage>,
    /// What is no damage, and worth knowing.
    pub notes: Vec<String>,
}

/// Reads all of a data directory that nobody has open. Blocks the calling thread.
///
/// Takes memory for all rows of the catalogue, some hundred bytes for a stream.
///
/// # Errors
/// [`OpenError`] when it is in use, or cannot be read. Damage is no error.
pub fn check(directory: &Path) -> Result<Report, OpenError> {
    let _held = hold(directory, LAYOUT)?;
    let mut checking = Checking {
        disk: Arc::new(RealDisk::new(directory)),
        report: Report::default(),
        of_lineages: Vec::new(),
    };
    let outcome = checking.everything();
    outcome
        .map_err(|error| OpenError::io("cannot read", directory)(std::io::Error::other(error)))?;
    Ok(checking.report)
}

struct Checking {
    disk: Arc<dyn Disk>,
    report: Report,
    /// Damage, by its place in the report, whose stream is to be found.
    of_lineages: Vec<(usize, Lineage)>,
}

impl Checking {
    fn everything(&mut self) -> Result<(), StorageError> {
        let listing = open::listing(&*self.disk);
        let Some(listing) = self.note(None, listing)? else { return Ok(()) };
        let mut files = Vec::new();
        for name in &listing.files {
            let file = ChunkFile::open(&*self.disk, *name);
            files.push(self.note(None, file)?);
        }
        let mut sound = files.iter().all(Option::is_some);
        for file in files.iter().flatten() {
            sound &= self.chunk_file(file)?;
        }
        self.name_streams(files.iter().flatten());
        let cut = if sound {
            let cut = open::look(&self.disk, &InMemory);
            self.note(None, cut)?.flatten()
        } else {
            let last = files.last().map_or(Some(Mark::default()), |last| {
                last.as_ref().map(|file| file.footer().facts.to)
            });
            self.frames(last)?
        };
        if let Some(Cut { place, bytes, .. }) = cut {
            let note = format!(
                "the last {bytes} bytes, at {place}, were never whole, as after a crash: a start cuts them off"
            );
            self.report.notes.push(note);
        }
        Ok(())
    }

    /// Reads a chunk file; whether all its rows are sound.
    fn chunk_file(&mut self, file: &ChunkFile) -> Result<bool, StorageError> {
        self.report.chunk_files += 1;
        for row in file.rows() {
            let Some(row) = self.note(None, row)? else { return Ok(false) };
            self.report.rows += 1;
            let Some(value) = row.value else { continue };
            let lineage = match Row::parse(&row.key) {
                Some(Row::Chunk { lineage, .. }) => Some(lineage),
                _ => None,
            };
            let read = read_behind(file, &row.key, &value);
            self.note(lineage, read)?;
        }
        Ok(true)
    }

    /// Reads the frames of the journal from a place on, without what they mean.
    fn frames(&mut self, from: Option<Mark>) -> Result<Option<Cut>, StorageError> {
        let found = identity::read(&*self.disk);
        let (Some(identity), Some(from)) = (self.note(None, found)?, from) else {
            self.report
                .notes
                .push("the journal was not read: where it begins is not known".to_owned());
            return Ok(None);
        };
        let files = Files::new(Arc::clone(&self.disk), FOLDER, identity);
        let visit = |_: Group<'_>| Ok::<_, ReadError>(());
        let read = log::recover(&files, from, visit).map_err(StorageError::from);
        Ok(self.note(None, read)?.and_then(|recovered| recovered.cut))
    }

    /// Takes note of damage. What cannot be read for another reason is an error.
    fn note<T>(
        &mut self,
        lineage: Option<Lineage>,
        found: Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(StorageError::Corrupt(what)) => {
                let number = self.report.damage.len();
                self.of_lineages.extend(lineage.map(|lineage| (number, lineage)));
                self.report.damage.push(Damage { what, stream: None });
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Finds out whose damage it is.
    fn name_streams<'f>(&mut self, files: impl Iterator<Item = &'f ChunkFile>) {
        if self.of_lineages.is_empty() {
            return;
        }
        let mut names = HashMap::new();
        // Rows that are damaged have been reported.
        for row in files.flat_map(|file| file.rows().map_while(Result::ok)) {
            let (Some(Row::Lineage(lineage)), Some(value)) = (Row::parse(&row.key), &row.value)
            else {
                continue;
            };
            let stored = decode::<StoredLineage>(&row.key, value, Verify::Checksum).ok();
            let key = stored.and_then(|stored| stored.into_key().ok());
            names.extend(key.map(|key| (lineage, key)));
        }
        for (number, lineage) in &self.of_lineages {
            if let Some(damage) = self.report.damage.get_mut(*number) {
                damage.stream = names.get(lineage).cloned();
            }
        }
    }
}

/// Reads what a row leads to.
fn read_behind(file: &ChunkFile, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
    match key.first() {
        Some(&tag::CHUNK) => {
            let block = Block::of_row(key, value, Verify::Checksum)?;
            let (payload, table) = (file.block(&block), file.table(&block));
            payload.and(table.map(drop))
        }
        Some(&tag::ORDER) => {
            let at: OrderRef = decode(key, value, Verify::Checksum)?;
            let unknown = || StorageError::Corrupt(Unsound::Content.at(key));
            file.order(&Row::parse(key).ok_or_else(unknown)?, &at).map(drop)
        }
        _ => super::apply::verify(key, value),
    }
}
