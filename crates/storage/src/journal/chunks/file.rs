//! Reading a chunk file.
//!
//! A file never changes once it has its name, so what was verified stays verified. What leads into it comes from the
//! catalogue, and is believed no more than the file: every place is compared with the size of the file before it is read.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::{FileRange, StorageError};

use super::footer::{FOOTER, Facts, Fault, Footer, HEADER, Section, parse_header};
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

/// A chunk file that is open. Shared by threads.
#[derive(Debug)]
pub(crate) struct ChunkFile {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    footer: Footer,
    has_facts: bool,
    pub(super) seen: Seen,
}

/// A file that was opened, whatever its ends are like.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) file: ChunkFile,
    /// What is damaged of its ends.
    pub(crate) damage: Option<StorageError>,
}

impl ChunkFile {
    /// Opens a file, and verifies both its ends.
    ///
    /// # Errors
    /// `Corrupt` when it is not what its name says, or is not all there; `Unavailable` when it cannot be read.
    pub(crate) fn open(disk: &dyn Disk, name: ChunkName) -> Result<Self, StorageError> {
        let Found { file, damage } = Self::find(disk, name)?;
        damage.map_or(Ok(file), Err)
    }

    /// The same, where damaged ends do not matter: what the catalogue leads to is verified by itself.
    ///
    /// # Errors
    /// `Corrupt` when it is sound and of another version, or is another file than its name says; `Unavailable` when it cannot be read.
    pub(crate) fn find(disk: &dyn Disk, name: ChunkName) -> Result<Found, StorageError> {
        let path = disk.describe(&name.path());
        let unreadable = |error: io::Error| {
            StorageError::Unavailable(format!("cannot open {}: {error}", path.display()))
        };
        let file = disk.open(&name.path()).map_err(unreadable)?;
        let size = file.size().map_err(unreadable)?;
        let damage = |what: &str| StorageError::Corrupt(format!("{} {what}", path.display()));
        let faulty = |end: &str, at: u64, fault: Fault| {
            damage(&format!("is damaged at byte {at}: its {end} {fault}"))
        };
        let read = |offset, len| file.read(offset, len).map_err(unreadable);
        let end = size.checked_sub(FOOTER as u64).filter(|end| *end >= HEADER as u64);
        let (mut footer, mut first) = (None, None);
        if let Some(end) = end {
            match Footer::parse(&read(end, FOOTER)?) {
                Ok(found) => footer = Some(found),
                Err(Fault::Checksum) => first = Some(faulty("footer", end, Fault::Checksum)),
                Err(fault) => return Err(faulty("footer", end, fault)),
            }
            match parse_header(&read(0, HEADER)?) {
                Ok(begun) if begun == name => {}
                Ok(_) => return Err(damage("is another file than its name says")),
                Err(Fault::Checksum) => {
                    first = first.or(Some(faulty("header", 0, Fault::Checksum)))
                }
                Err(fault) => return Err(faulty("header", 0, fault)),
            }
        } else {
            first = Some(damage(&format!(
                "is damaged at byte {size}: it is too short for a chunk file"
            )));
        }
        if let Some(Footer { name: said, section: rows, .. }) = footer {
            if said != name {
                return Err(damage("is another file than its name says"));
            }
            if rows.offset < HEADER as u64 || rows.offset.checked_add(rows.len) != end {
                return Err(damage("is not as long as its footer says"));
            }
        }
        let (seen, has_facts) = (Seen::new(size), footer.is_some());
        let unknown = || {
            let section = Section { offset: end.unwrap_or_default(), ..Section::default() };
            // Any lineage may be in it.
            let facts = Facts { unit: u64::MAX, ..Facts::default() };
            Footer { name, facts, section }
        };
        let footer = footer.unwrap_or_else(unknown);
        Ok(Found { file: Self { file, path, footer, has_facts, seen }, damage: first })
    }

    /// What is written of a file that has no footer yet.
    pub(super) fn unfinished(file: Arc<dyn DiskFile>, path: PathBuf, footer: Footer) -> Self {
        let seen = Seen::new(footer.section.offset);
        Self { file, path, footer, has_facts: true, seen }
    }

    /// Whether it is known what the footer says. Where it is not, all that can be read is what the catalogue leads to.
    pub(crate) fn has_facts(&self) -> bool {
        self.has_facts
    }

    /// What the footer says.
    pub(crate) fn footer(&self) -> &Footer {
        &self.footer
    }

    /// Bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        let section = self.footer.section;
        section.offset.saturating_add(section.len).saturating_add(FOOTER as u64)
    }

    /// Bytes of its payload, tables and orders.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.data_end().saturating_sub(HEADER as u64)
    }

    /// Where they end.
    pub(super) fn data_end(&self) -> u64 {
        self.footer.section.offset
    }

    /// The rows by which this file changes the catalogue.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::new(self)
    }

    /// The table of a block.
    pub(crate) fn table(&self, block: &Block) -> Result<Table, StorageError> {
        let bytes = self.verified(block.file(), &block.at.table, &block.start.row())?;
        self.decode_table(block, &bytes)
    }

    pub(super) fn decode_table(&self, block: &Block, bytes: &[u8]) -> Result<Table, StorageError> {
        let (extent, row) = (&block.at.table, block.start.row());
        let unlike = || self.wrong(extent, &row, "has a table that does not fit");
        let table =
            table::decode(bytes, block.start, block.at.records as usize).map_err(|_| unlike())?;
        let covered = match table.runs.last().map(Run::end) {
            Some(end) => end.position >= block.end(),
            None => table.lead == u64::from(block.at.payload.len),
        };
        if covered { Ok(table) } else { Err(unlike()) }
    }

    /// The stretch of an order that a row leads to.
    pub(crate) fn order(&self, row: &Row<'_>, at: &OrderRef) -> Result<Stretch, StorageError> {
        let bytes = self.verified(at.file(), &at.stretch, row)?;
        self.decode_order(row, at, &bytes)
    }

    pub(super) fn decode_order(
        &self,
        row: &Row<'_>,
        at: &OrderRef,
        bytes: &[u8],
    ) -> Result<Stretch, StorageError> {
        let unlike = || self.wrong(&at.stretch, row, "cannot be understood");
        let Row::Order { first, .. } = row else { return Err(unlike()) };
        order::decode(bytes, first.0, at.to).map_err(|_| unlike())
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
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Bytes, StorageError> {
        let read = self.file.read(offset, len).and_then(|bytes| {
            let whole = bytes.len() == len;
            whole.then_some(bytes).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        });
        read.map_err(|error| {
            let path = self.path.display();
            StorageError::Unavailable(format!("cannot read {path} at byte {offset}: {error}"))
        })
    }

    /// Bytes that are inside of the file, for who only sends them on; `None` where they have to be read.
    pub(super) fn range(&self, offset: u64, len: u64) -> Option<FileRange> {
        Some(FileRange::new(self.file.shared()?, offset, len))
    }

    /// Damage at a place.
    pub(super) fn damage(&self, offset: u64, what: impl fmt::Display) -> StorageError {
        let path = self.path.display();
        StorageError::Corrupt(format!("{path} is damaged at byte {offset}: {what}"))
    }

    /// Whether a row leads to a place that there is.
    pub(super) fn check(
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

    pub(super) fn verify(
        &self,
        extent: &Extent,
        bytes: &[u8],
        row: &Row<'_>,
    ) -> Result<(), StorageError> {
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
