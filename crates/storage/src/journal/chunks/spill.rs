//! Rows that wait in a file of their own until the file that they belong to has all its payload.
//!
//! They stand in it as they will stand there. It is a draft like the other one, and as little worth after a crash; so it is never
//! synced, and mostly gone again before the operating system has written it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use super::footer::Section;
use super::name::ChunkName;
use super::out::{Failure, Out};
use super::pieces::{Cutter, RowEdit};
use crate::disk::{Disk, DiskFile};

/// What is copied at once.
const COPY_BYTES: u64 = 1 << 20;

/// The file.
#[derive(Debug)]
pub(super) struct Spill {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    out: Out,
    cutter: Cutter,
    last: Bytes,
}

impl Spill {
    pub(super) fn create(disk: &dyn Disk, name: ChunkName) -> io::Result<Self> {
        let path = name.rows_draft();
        let file = super::writer::create(disk, &path)?;
        let out = Out::new(Arc::clone(&file));
        Ok(Self { path, file, out, cutter: Cutter::new(0), last: Bytes::new() })
    }

    /// Adds a row, whose key is behind all others.
    pub(super) fn put(&mut self, row: RowEdit) -> Result<(), Failure> {
        if row.key <= self.last {
            return Err(Failure::input("rows do not come in the order of their keys"));
        }
        self.cutter.put(&mut self.out, &row)?;
        self.last = row.key;
        Ok(())
    }

    /// Copies all rows to the end of a file, and removes this one.
    pub(super) fn pour(self, disk: &dyn Disk, to: &mut Out) -> io::Result<Section> {
        let Self { path, file, mut out, cutter, .. } = self;
        let section = cutter.finish(&mut out)?;
        out.flush()?;
        let offset = to.offset();
        let mut copied = 0;
        while copied < section.len {
            let part = (section.len - copied).min(COPY_BYTES);
            to.put(&file.read(copied, part as usize)?)?;
            copied += part;
        }
        disk.remove(&path)?;
        Ok(Section { offset, ..section })
    }
}
