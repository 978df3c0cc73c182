//! Writing a file from its beginning to its end.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::StorageError;

use crate::disk::{DiskFile, write_all};
#[cfg(test)]
use crate::journal::planted::{Fault, planted};

/// What is gathered before it is written: large enough that a write costs little beside its bytes, and small beside the
/// memory of everything else that packing holds.
const BUFFER_BYTES: usize = 1 << 20;

/// What is at least this large is written from where it is: copying it would cost more than another piece in a write.
const LARGE_BYTES: usize = 32 * 1024;

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The disk refused.
    #[error("{0}")]
    Disk(#[from] io::Error),
    /// It does not fit together.
    #[error("{0}")]
    Input(String),
}

impl Failure {
    /// What the caller of the writer is told.
    pub(super) fn at(self, path: &Path) -> StorageError {
        let text = format!("cannot write {}: {self}", path.display());
        match self {
            Self::Disk(_) => StorageError::Unavailable(text),
            Self::Input(_) => StorageError::Corrupt(text),
        }
    }

    pub(super) fn input(what: impl ToString) -> Self {
        Self::Input(what.to_string())
    }
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Out {
    pub(super) file: Arc<dyn DiskFile>,
    written: u64,
    buffer: Vec<u8>,
    /// Set when something failed: what is in the file is not known any more, or not all that should be, so nothing may follow.
    broken: bool,
}

impl Out {
    pub(super) fn new(file: Arc<dyn DiskFile>) -> Self {
        Self { file, written: 0, buffer: Vec::with_capacity(BUFFER_BYTES), broken: false }
    }

    /// Where the next byte will stand.
    pub(super) fn offset(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Lets everything fail from now on.
    pub(super) fn give_up(&mut self) {
        self.broken = true;
    }

    /// Adds some bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() >= LARGE_BYTES {
            return self.flush_with(bytes);
        }
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush_with(&[])?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes what was gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.flush_with(&[])
    }

    /// Makes all of it durable.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush_with(&[])?;
        #[cfg(test)]
        if planted(Fault::SkipsChunkSync) {
            return Ok(());
        }
        self.file.sync_data()
    }

    /// Writes what was gathered, and then these bytes.
    fn flush_with(&mut self, bytes: &[u8]) -> io::Result<()> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(io::Error::other("something failed before"));
        }
        let mut pieces = [IoSlice::new(&self.buffer), IoSlice::new(bytes)];
        write_all(&*self.file, &mut pieces, self.written)?;
        self.written += (self.buffer.len() + bytes.len()) as u64;
        self.buffer.clear();
        self.broken = false;
        Ok(())
    }
}
