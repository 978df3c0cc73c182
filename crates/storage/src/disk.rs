//! The port to a directory's files: what the journal writes and reads, and nothing else.
//!
//! It is what a file system does, and promises as little: what was written is durable when [`DiskFile::sync_data`] has
//! returned, names are durable when [`Disk::sync_folder`] has, and until then either may be lost, in any order and in parts. A write
//! may be short. [`RealDisk`] is the operating system; the fake one (feature `testkit`) loses what may be lost.

#[cfg(feature = "testkit")]
pub mod fake;
mod real;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::OpenFile;

#[cfg(feature = "testkit")]
pub use fake::FakeDisk;
pub use real::RealDisk;

/// A directory. Paths are relative to it.
///
/// Methods block the calling thread.
pub trait Disk: fmt::Debug + Send + Sync + 'static {
    /// Creates a folder, unless it is there.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] where a file has the name, and those of the file system.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// The names in a folder, in no order.
    ///
    /// # Errors
    /// Those of the file system.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Creates an empty file.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`], and those of the file system.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`], and those of the file system.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name in its folder, in place of a file that may be there. Open files stay open.
    ///
    /// Either name is there at every moment, also after a crash. There are no renames to other folders: they would take
    /// two syncs to last, and be half there between.
    ///
    /// # Errors
    /// [`io::ErrorKind::CrossesDevices`] for another folder, and those of the file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Open files stay open.
    ///
    /// # Errors
    /// Those of the file system.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// When that is not certain.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Bytes that can still be written; `None` where the file system does not tell.
    fn free_bytes(&self) -> Option<u64>;

    /// What a path is called in messages.
    fn describe(&self, path: &Path) -> PathBuf;
}

/// An open file. Shared by threads; reads and writes at different places do not disturb each other.
pub trait DiskFile: fmt::Debug + Send + Sync + 'static {
    /// Bytes in it.
    ///
    /// # Errors
    /// Those of the file system.
    fn size(&self) -> io::Result<u64>;

    /// Exactly so many bytes from an offset on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] where the file ends before, for whatever length and without asking memory for it,
    /// and those of the file system.
    fn read(&self, offset: u64, len: usize) -> io::Result<Bytes>;

    /// Writes at an offset, and returns how many bytes: at least one, unless there is nothing to write.
    ///
    /// # Errors
    /// Those of the file system. Some of it may have been written.
    fn write(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;

    /// Makes what was written durable, and the size with it.
    ///
    /// # Errors
    /// When that is not certain. A later sync that succeeds says nothing about what this one was for.
    fn sync_data(&self) -> io::Result<()>;

    /// The same file for who has the operating system send what is in it; `None` where it has no such file.
    fn shared(&self) -> Option<Arc<dyn OpenFile>>;
}

/// Writes all of the pieces at an offset.
///
/// # Errors
/// As [`DiskFile::write`]; [`io::ErrorKind::WriteZero`] where it makes no progress.
pub fn write_all(
    file: &dyn DiskFile,
    mut pieces: &mut [IoSlice<'_>],
    mut offset: u64,
) -> io::Result<()> {
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match file.write(pieces, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                IoSlice::advance_slices(&mut pieces, written);
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
