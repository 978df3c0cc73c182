//! Reading a chunk file.
//!
//! A file never changes once it has its name, so what was verified stays verified. What leads into it comes from the
//! catalogue, and is believed no more than the file: every place is compared with the size of the file before it is read.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::StorageError;

use super::footer::{FOOTER, Fault, Footer, HEADER, parse_header};
use super::name::ChunkName;
use super::order;
use super::pieces::Rows;
use super::place::Block;
use super::refs::{Extent, OrderRef};
use super::seen::Seen;
use super::table;
use crate::disk::{Disk, DiskFile};
use crate::local::row::Row;
use crate::local::run::Run;
use crate::local::stored::{Stretch, Table};

/// What one read of several blocks takes at most: larger ones are not faster, and wait in memory for whoever asked.
const READ_BYTES: u64 = 1 << 20;

/// A chunk file that is open. Shared by threads.
#[derive(Debug)]
pub(crate) struct ChunkFile {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    footer: Footer,
    seen: Seen,
}

impl ChunkFile {
    /// Opens a file, and verifies both its ends.
    ///
    /// # Errors
    /// `Corrupt` when it is not what its name says, or is not all there; `Unavailable` when it cannot be read.
    pub(crate) fn open(disk: &dyn Disk, name: ChunkName) -> Result<Self, StorageError> {
        let path = disk.describe(&name.path());
        let unreadable = |error: io::Error| {
            StorageError::Unavailable(format!("cannot open {}: {error}", path.display()))
        };
        let file = disk.open(&name.path()).map_err(unreadable)?;
        let size = file.size().map_err(unreadable)?;
        let damage = |what: &str| StorageError::Corrupt(format!("{} {what}", path.display()));
        let Some(end) = size.checked_sub(FOOTER as u64).filter(|end| *end >= HEADER as u64) else {
            return Err(damage("is too short for a chunk file"));
        };
        let read = |offset, len| file.read(offset, len).map_err(unreadable);
        let faulty = |end: &'static str| {
            move |fault: Fault| damage(&format!("is damaged: its {end} {fault}"))
        };
        let footer = Footer::parse(&read(end, FOOTER)?).map_err(faulty("footer"))?;
        let begun = parse_header(&read(0, HEADER)?).map_err(faulty("header"))?;
        if footer.name != name || begun != name {
            return Err(damage("is another file than its name says"));
        }
        let rows = footer.section;
        if rows.offset < HEADER as u64 || rows.offset.checked_add(rows.len) != Some(end) {
            return Err(damage("is not as long as its footer says"));
        }
        let seen = Seen::new(size);
        Ok(Self { file, path, footer, seen })
    }

    /// What the footer says.
    pub(crate) fn footer(&self) -> &Footer {
        &self.footer
    }

    /// The rows by which this file changes the catalogue.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::new(self)
    }

    /// All bytes of a block.
    pub(crate) fn block(&self, block: &Block) -> Result<Bytes, StorageError> {
        self.payload(block, block.start.position, block.end())
    }

    /// The bytes of a block at the positions `from..to`, as far as it has them.
    ///
    /// The first time, all of it is read and verified, and afterwards only what is asked for.
    pub(crate) fn payload(&self, block: &Block, from: u64, to: u64) -> Result<Bytes, StorageError> {
        let extent = &block.at.payload;
        self.check(block.file(), extent, &block.start.row())?;
        let (from, to) = within(block, from, to);
        if from == to {
            return Ok(Bytes::new());
        }
        if self.seen.contains(extent) {
            return self.read(extent.offset + from as u64, to - from);
        }
        let bytes = self.read(extent.offset, extent.len as usize)?;
        self.verify(extent, &bytes, &block.start.row())?;
        self.seen.insert(extent);
        Ok(bytes.slice(from..to))
    }

    /// The bytes at the positions `from..to` of some blocks that follow each other in their lineage: a first part of them, at
    /// least one where there is any. Blocks that follow each other in the file are read at once.
    ///
    /// # Errors
    /// When the first byte that is asked for cannot be had. Damage behind it ends the part.
    pub(crate) fn read_across(
        &self,
        blocks: &[Block],
        from: u64,
        to: u64,
    ) -> Result<Vec<Bytes>, StorageError> {
        let wanted = |block: &&Block| {
            let (from, to) = within(block, from, to);
            from < to
        };
        let blocks: Vec<&Block> = blocks.iter().filter(wanted).collect();
        let mut pieces = Vec::new();
        let joined = |a: &&Block, b: &&Block| follows(a, b);
        for group in blocks.chunk_by(joined) {
            for group in bounded(group) {
                match self.read_group(group, from, to) {
                    Ok(mut read) => {
                        let all = read.len() == group.len();
                        pieces.append(&mut read);
                        if !all {
                            return Ok(pieces);
                        }
                    }
                    Err(error) if pieces.is_empty() => return Err(error),
                    Err(_) => return Ok(pieces),
                }
            }
        }
        Ok(pieces)
    }

    /// Blocks that follow each other in the file, up to the first one that is damaged.
    fn read_group(&self, group: &[&Block], from: u64, to: u64) -> Result<Vec<Bytes>, StorageError> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return Ok(Vec::new());
        };
        let known = |block: &Block| self.seen.contains(&block.at.payload);
        let (head, _) = if known(first) { within(first, from, to) } else { (0, 0) };
        let (_, tail) = if known(last) { within(last, from, to) } else { (0, len(last)) };
        for block in group {
            self.check(block.file(), &block.at.payload, &block.start.row())?;
        }
        let begin = first.at.payload.offset + head as u64;
        let end = last.at.payload.offset + tail as u64;
        let Ok(bytes) = self.read(begin, (end - begin) as usize) else {
            // Perhaps only one of them cannot be read.
            return self.payload(first, from, to).map(|bytes| vec![bytes]);
        };
        let mut pieces = Vec::new();
        for block in group {
            // What was read of it, from the beginning of the block and of what was read.
            let base = block.at.payload.offset.saturating_sub(begin) as usize;
            let cut = begin.saturating_sub(block.at.payload.offset) as usize;
            if !known(block) {
                let whole = bytes.slice(base..base + len(block));
                match self.verify(&block.at.payload, &whole, &block.start.row()) {
                    Ok(()) => self.seen.insert(&block.at.payload),
                    Err(error) if pieces.is_empty() => return Err(error),
                    Err(_) => return Ok(pieces),
                }
            }
            let (from, to) = within(block, from, to);
            pieces.push(bytes.slice(base + from - cut..base + to - cut));
        }
        Ok(pieces)
    }

    /// The table of a block.
    pub(crate) fn table(&self, block: &Block) -> Result<Table, StorageError> {
        let (extent, row) = (&block.at.table, block.start.row());
        let bytes = self.verified(block.file(), extent, &row)?;
        let unlike = || self.wrong(extent, &row, "has a table that does not fit");
        let table =
            table::decode(&bytes, block.start, block.at.records as usize).map_err(|_| unlike())?;
        let covered = match table.runs.last().map(Run::end) {
            Some(end) => end.position >= block.end(),
            None => table.lead == u64::from(block.at.payload.len),
        };
        if covered { Ok(table) } else { Err(unlike()) }
    }

    /// The stretch of an order that a row leads to.
    pub(crate) fn order(&self, row: &Row<'_>, at: &OrderRef) -> Result<Stretch, StorageError> {
        let extent = &at.stretch;
        let bytes = self.verified(at.file(), extent, row)?;
        let unlike = || self.wrong(extent, row, "cannot be understood");
        let Row::Order { first, .. } = row else { return Err(unlike()) };
        order::decode(&bytes, first.0, at.to).map_err(|_| unlike())
    }

    /// Reads some bytes whole, and verifies them.
    pub(super) fn verified(
        &self,
        file: Option<ChunkName>,
        extent: &Extent,
        row: &Row<'_>,
    ) -> Result<Bytes, StorageError> {
        self.check(file, extent, row)?;
        let bytes = self.read(extent.offset, extent.len as usize)?;
        self.verify(extent, &bytes, row)?;
        Ok(bytes)
    }

    /// Reads some bytes that are inside of the file.
    pub(super) fn read(&self, offset: u64, len: usize) -> Result<Bytes, StorageError> {
        let read = self.file.read(offset, len).and_then(|bytes| {
            let whole = bytes.len() == len;
            whole.then_some(bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        });
        read.map_err(|error| {
            let path = self.path.display();
            StorageError::Unavailable(format!("cannot read {path} at byte {offset}: {error}"))
        })
    }

    /// Damage at a place.
    pub(super) fn damage(&self, offset: u64, what: impl fmt::Display) -> StorageError {
        let path = self.path.display();
        StorageError::Corrupt(format!("{path} is damaged at byte {offset}: {what}"))
    }

    /// Whether a row leads to a place that there is.
    fn check(
        &self,
        file: Option<ChunkName>,
        extent: &Extent,
        row: &Row<'_>,
    ) -> Result<(), StorageError> {
        let data = HEADER as u64..=self.footer.section.offset;
        let inside =
            data.contains(&extent.offset) && extent.end().is_some_and(|end| data.contains(&end));
        if file == Some(self.footer.name) && inside {
            Ok(())
        } else {
            Err(self.wrong(extent, row, "leads to a place that is not there"))
        }
    }

    fn verify(&self, extent: &Extent, bytes: &[u8], row: &Row<'_>) -> Result<(), StorageError> {
        if extent.holds(bytes) {
            Ok(())
        } else {
            Err(self.wrong(extent, row, "does not match its checksum"))
        }
    }

    fn wrong(&self, extent: &Extent, row: &Row<'_>, what: &str) -> StorageError {
        self.damage(extent.offset, format_args!("{row} {what}"))
    }
}

fn len(block: &Block) -> usize {
    block.at.payload.len as usize
}

/// What a block has of the positions `from..to`, counted from its own beginning.
fn within(block: &Block, from: u64, to: u64) -> (usize, usize) {
    let (begin, end) = (block.start.position, block.end());
    // Both differences are at most the length of the block.
    let (from, to) = (from.clamp(begin, end) - begin, to.clamp(begin, end) - begin);
    (from as usize, (to as usize).max(from as usize))
}

/// Whether a block follows another one in the file.
fn follows(a: &Block, b: &Block) -> bool {
    a.file() == b.file() && a.at.payload.end() == Some(b.at.payload.offset)
}

/// Divides blocks so that none of the parts is read at too great a length.
fn bounded<'g>(mut group: &'g [&'g Block]) -> impl Iterator<Item = &'g [&'g Block]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |block: &&&Block| {
            bytes += u64::from(block.at.payload.len);
            bytes <= READ_BYTES
        };
        let count = group.iter().take_while(fits).count().max(1);
        let (now, later) = group.split_at_checked(count).unwrap_or((group, &[]));
        group = later;
        (!now.is_empty()).then_some(now)
    })
}
