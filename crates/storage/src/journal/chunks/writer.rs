//! Writing a chunk file.
//!
//! Payload and orders go out as they come. Rows are kept until all of them are there, because the file has them sorted; those that come
//! sorted, and may be many, wait in a file of their own.
//! Until the file has its name it is a draft, which counts for nothing, and which whoever comes next may remove.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::{SpaceSequence, StorageError};
use headwater_core::{BatchRecord, StoreId};

use super::cut::Filling;
use super::file::ChunkFile;
use super::footer::{Facts, Footer, Section, header};
use super::name::{ChunkName, FOLDER};
use super::order::{self, Open};
use super::out::{Failure, Out};
use super::pieces::{RowEdit, put_rows};
use super::place::{Block, Start};
use super::refs::{Extent, OrderRef};
use super::spill::Spill;
use crate::disk::{Disk, DiskFile};
#[cfg(test)]
use crate::journal::planted::{Fault, planted};
use crate::local::row::{Row, describe};
use crate::local::run::Head;
use crate::local::stored::{Stored, encode};

/// A chunk file that is being written. After an error it cannot be finished.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    disk: Arc<dyn Disk>,
    name: ChunkName,
    draft: PathBuf,
    out: Out,
    filling: Option<Filling>,
    rows: Vec<RowEdit>,
    /// Where rows are instead that come in the order of their keys.
    spill: Option<Spill>,
    /// Where the rows are, when they are written and nothing but the footer is missing.
    settled: Option<Section>,
}

impl ChunkWriter {
    /// Begins a file, in the folder for such files, which exists. A draft of the same name is removed.
    pub(crate) fn create(disk: Arc<dyn Disk>, name: ChunkName) -> Result<Self, StorageError> {
        let path = name.draft();
        let draft = disk.describe(&path);
        let file = create(&*disk, &path).map_err(|error| Failure::Disk(error).at(&draft))?;
        let (out, rows) = (Out::new(file), Vec::new());
        let (filling, spill, settled) = (None, None, None);
        let mut writer = Self { disk, name, draft, out, filling, rows, spill, settled };
        writer.out.put(&header(name)).map_err(|error| writer.failed(error))?;
        Ok(writer)
    }

    /// Begins a file whose rows all come in the order of their keys, those that lead into it included. Few of them are in memory
    /// at a time.
    pub(crate) fn create_sorted(
        disk: Arc<dyn Disk>,
        name: ChunkName,
    ) -> Result<Self, StorageError> {
        let mut writer = Self::create(Arc::clone(&disk), name)?;
        let spill = Spill::create(&*disk, name).map_err(|error| writer.failed(error))?;
        writer.spill = Some(spill);
        Ok(writer)
    }

    /// Begins a lineage, whose first record is to be at this place.
    pub(crate) fn stream(&mut self, start: Start) -> Result<(), StorageError> {
        self.end_stream()?;
        self.filling = Some(Filling::new(self.name, start));
        Ok(())
    }

    /// Adds records of the lineage that were appended together, and their bytes. They follow those before.
    pub(crate) fn push(
        &mut self,
        head: Head,
        records: &[BatchRecord],
        payload: &[Bytes],
    ) -> Result<(), StorageError> {
        let pushed = match &mut self.filling {
            Some(filling) => filling.push(&mut self.out, head, records, payload),
            None => Err(Failure::input("records come before their lineage")),
        };
        pushed.map_err(|failure| self.failed(failure))
    }

    /// Adds a block of the lineage as it stands in another file, with its bytes and its table as they are stored. It follows what
    /// was added before.
    pub(crate) fn adopt(
        &mut self,
        block: &Block,
        payload: &[u8],
        table: &[u8],
    ) -> Result<(), StorageError> {
        let adopted = match &mut self.filling {
            Some(filling) => filling.adopt(&mut self.out, block, payload, table),
            None => Err(Failure::input("a block comes before its lineage")),
        };
        adopted.map_err(|failure| self.failed(failure))
    }

    /// Adds the part `first..to` of the order of a space, given the runs in it: in their order, none reaching out of it.
    pub(crate) fn order<'r>(
        &mut self,
        (store, space): (StoreId, &str),
        (first, to): (u64, u64),
        runs: impl IntoIterator<Item = (Head, &'r [BatchRecord])>,
    ) -> Result<(), StorageError> {
        self.end_stream()?;
        if first > to {
            return Err(self.refused("an order ends before it begins"));
        }
        let (mut begins, mut next, mut open) = (first, first, Open::default());
        for (mut head, mut records) in runs {
            let end = head.space.checked_add(records.len() as u64);
            if head.space < next || end.is_none_or(|end| end > to) {
                return Err(self.refused("an order has runs that do not follow each other"));
            }
            while !records.is_empty() {
                let (now, later) =
                    records.split_at_checked(open.take(head, records)).unwrap_or((records, &[]));
                if !later.is_empty() {
                    let ends = head.after(now).space;
                    let runs = std::mem::take(&mut open).runs;
                    self.put_stretch((store, space), (begins, ends), &runs)?;
                    begins = ends;
                }
                (head, records) = (head.after(now), later);
            }
            next = head.space;
        }
        if begins < to {
            self.put_stretch((store, space), (begins, to), &open.runs)
        } else {
            Ok(())
        }
    }

    /// Adds a row that changes, or is deleted.
    pub(crate) fn row(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), StorageError> {
        let row = RowEdit { key: key.into(), value: value.map(Bytes::from) };
        if !row.is_sound() {
            return Err(self.refused(&format!("{} cannot be a row", describe(&row.key))));
        }
        self.end_stream()?;
        match &mut self.spill {
            Some(spill) => {
                let put = spill.put(row);
                put.map_err(|failure| self.failed(failure))
            }
            None => {
                self.rows.push(row);
                Ok(())
            }
        }
    }

    /// All rows that are in memory, those included that lead into this file, in the order of their keys.
    ///
    /// # Errors
    /// `Corrupt` when a row is there twice.
    pub(crate) fn rows(&mut self) -> Result<&[RowEdit], StorageError> {
        self.end_stream()?;
        // Nothing is moved when they are sorted already.
        self.rows.sort_by(|a, b| a.key.cmp(&b.key));
        let twice = self.rows.array_windows().find(|[a, b]| a.key == b.key);
        let twice = twice.map(|[row, _]| format!("{} changes twice", describe(&row.key)));
        match twice {
            Some(what) => Err(self.refused(&what)),
            None => Ok(&self.rows),
        }
    }

    /// Bytes that were added, but for rows.
    pub(crate) fn written(&self) -> u64 {
        self.out.offset()
    }

    /// Writes everything but the footer, and makes it durable, so that [`finish`](Self::finish) takes no longer than a small file does.
    /// Nothing can be added any more.
    pub(crate) fn settle(&mut self) -> Result<(), StorageError> {
        self.rows()?;
        let section = self.put_section();
        let settled = section.and_then(|section| self.out.sync().map(|()| section));
        self.settled = Some(settled.map_err(|error| self.failed(error))?);
        Ok(())
    }

    fn put_section(&mut self) -> io::Result<Section> {
        match self.spill.take() {
            Some(spill) => spill.pour(&*self.disk, &mut self.out),
            None => put_rows(&mut self.out, &self.rows),
        }
    }

    /// What is written, when it is settled.
    pub(crate) fn settled(&self) -> Option<ChunkFile> {
        let footer = Footer { name: self.name, facts: Facts::default(), section: self.settled? };
        Some(ChunkFile::unfinished(Arc::clone(&self.out.file), self.draft.clone(), footer))
    }

    /// Completes the file: when this returns, it is durable, and has its name.
    ///
    /// # Errors
    /// `Unavailable` when that is not certain. Where only the folder could not be synced, the file is removed again; after a crash
    /// it may be there all the same, whole and with its name.
    pub(crate) fn finish(mut self, facts: Facts) -> Result<Footer, StorageError> {
        self.rows()?;
        self.complete(facts).map_err(|error| self.failed(error))
    }

    fn complete(&mut self, facts: Facts) -> io::Result<Footer> {
        let section = match self.settled {
            Some(section) => section,
            None => self.put_section()?,
        };
        let footer = Footer { name: self.name, facts, section };
        self.out.put(&footer.encode())?;
        self.out.sync()?;
        self.disk.rename(&self.name.draft(), &self.name.path())?;
        #[cfg(test)]
        if planted(Fault::SkipsNameSync) {
            return Ok(footer);
        }
        self.disk.sync_folder(Path::new(FOLDER)).inspect_err(|_| self.take_name_back())?;
        Ok(footer)
    }

    /// Removes the file, whose name is not durable. A later sync that succeeds would say nothing about the name, so nobody may
    /// find the file and take it for one that lasts.
    fn take_name_back(&self) {
        #[cfg(test)]
        if planted(Fault::KeepsUncertainNames) {
            return;
        }
        // The error that led here is the one to tell.
        drop(self.disk.remove(&self.name.path()));
    }

    /// Completes the lineage, if there is one, and the rows that lead to its blocks.
    fn end_stream(&mut self) -> Result<(), StorageError> {
        let Some(filling) = self.filling.take() else { return Ok(()) };
        let blocks = filling.finish(&mut self.out).map_err(|failure| self.failed(failure))?;
        for block in blocks {
            let key = block.start.row().key();
            self.reference(key, &block.at)?;
        }
        Ok(())
    }

    fn put_stretch(
        &mut self,
        (store, space): (StoreId, &str),
        (first, to): (u64, u64),
        runs: &[crate::local::run::Run],
    ) -> Result<(), StorageError> {
        let bytes = order::encode(first, runs);
        let len = u32::try_from(bytes.len());
        let len = len.map_err(|error| self.failed(Failure::input(error)))?;
        let stretch = Extent::new(self.out.offset(), len, crc32c::crc32c(&bytes));
        self.out.put(&bytes).map_err(|error| self.failed(error))?;
        let key = Row::Order { store, space, first: SpaceSequence(first) }.key();
        self.reference(key, &OrderRef::new(self.name, stretch, to))
    }

    /// Adds a row that leads into this file.
    fn reference(&mut self, key: Vec<u8>, at: &impl Stored) -> Result<(), StorageError> {
        let value = encode(&key, at).inspect_err(|_| self.out.give_up())?;
        self.row(key, Some(value))
    }

    fn failed(&mut self, failure: impl Into<Failure>) -> StorageError {
        self.out.give_up();
        failure.into().at(&self.draft)
    }

    fn refused(&mut self, what: &str) -> StorageError {
        self.failed(Failure::input(what))
    }
}

pub(super) fn create(disk: &dyn Disk, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    match disk.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(path)?;
            disk.create(path)
        }
        other => other,
    }
}
