//! Bytes for who only sends them on: in memory, or left in a file, from which the operating system sends them by itself.

use std::fmt;
#[cfg(unix)]
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::{Buf, Bytes};

/// A file that is open for reading.
#[cfg(unix)]
pub trait OpenFile: AsFd + fmt::Debug + Send + Sync {}

#[cfg(unix)]
impl<F: AsFd + fmt::Debug + Send + Sync> OpenFile for F {}

/// A file that is open for reading. Where there are no descriptors no adapter leaves bytes in one.
#[cfg(not(unix))]
pub trait OpenFile: fmt::Debug + Send + Sync {}

/// Some bytes of a file, which do not change as long as it is open.
#[derive(Clone, Debug)]
pub struct FileRange {
    file: Arc<dyn OpenFile>,
    offset: u64,
    len: u64,
}

impl FileRange {
    /// So many bytes from an offset on, which are there.
    #[must_use]
    pub fn new(file: Arc<dyn OpenFile>, offset: u64, len: u64) -> Self {
        Self { file, offset, len }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &dyn OpenFile {
        &*self.file
    }

    /// Where in the file they begin.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How many they are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The same bytes and those of another range, where that one goes on in the same file where this one ends.
    #[must_use]
    pub fn join(&self, next: &Self) -> Option<Self> {
        let goes_on = Arc::ptr_eq(&self.file, &next.file)
            && self.offset.checked_add(self.len) == Some(next.offset);
        goes_on.then(|| Self { len: self.len.saturating_add(next.len), ..self.clone() })
    }
}

/// Bytes that lie together; where they are makes no difference to what they are.
#[derive(Clone, Debug)]
pub enum Portion {
    /// In memory.
    Memory(Bytes),
    /// In a file.
    File(FileRange),
}

impl Portion {
    /// How many.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(range) => range.len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them are in memory.
    #[must_use]
    pub fn in_memory(&self) -> u64 {
        self.memory().map_or(0, |bytes| bytes.len() as u64)
    }

    /// The bytes, where they are in memory.
    #[must_use]
    pub fn memory(&self) -> Option<&Bytes> {
        match self {
            Self::Memory(bytes) => Some(bytes),
            Self::File(_) => None,
        }
    }

    /// Leaves the first so many, if there are more.
    pub fn truncate(&mut self, len: u64) {
        match self {
            // More than memory holds is not less than what there is.
            Self::Memory(bytes) => bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX)),
            Self::File(range) => range.len = range.len.min(len),
        }
    }

    /// Leaves out the first so many, or all.
    pub fn advance(&mut self, count: u64) {
        let count = count.min(self.len());
        match self {
            // It is at most the length of the bytes.
            Self::Memory(bytes) => bytes.advance(count as usize),
            Self::File(range) => {
                range.offset = range.offset.saturating_add(count);
                range.len -= count;
            }
        }
    }
}

impl From<Bytes> for Portion {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}
