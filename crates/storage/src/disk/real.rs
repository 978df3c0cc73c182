//! The operating system's files.

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::OpenFile;
use rustix::buffer::spare_capacity;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Disk, DiskFile};

/// Bytes that a read asks memory for without having looked at the size of the file: a length that it takes from a damaged
/// file may be anything, and to ask for the size each time would cost a system call for each small read.
const UNCHECKED: u64 = 64 << 10;

/// A directory of the operating system.
#[derive(Clone, Debug)]
pub struct RealDisk(PathBuf);

impl RealDisk {
    /// This directory, which exists.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }
}

impl Disk for RealDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let path = self.0.join(folder);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            other => other,
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let name = |entry: io::Result<fs::DirEntry>| {
            entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
        };
        fs::read_dir(self.0.join(folder))?.map(name).collect()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file =
            File::options().create_new(true).read(true).write(true).open(self.0.join(path))?;
        Ok(Arc::new(RealFile(Arc::new(file))))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = File::options().read(true).write(true).open(self.0.join(path))?;
        Ok(Arc::new(RealFile(Arc::new(file))))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if from.parent() != to.parent() {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.0.join(path))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let only_folders = OFlags::DIRECTORY.bits().cast_signed();
        let folder =
            File::options().read(true).custom_flags(only_folders).open(self.0.join(folder))?;
        folder.sync_all()
    }

    fn free_bytes(&self) -> Option<u64> {
        let volume = rustix::fs::statvfs(&self.0).ok()?;
        Some(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    fn describe(&self, path: &Path) -> PathBuf {
        self.0.join(path)
    }
}

#[derive(Debug)]
struct RealFile(Arc<File>);

impl DiskFile for RealFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let end = offset.checked_add(len as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        if len as u64 > UNCHECKED && end > self.size()? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Nothing is put into the memory but what is read: for a page that would be felt.
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let place = offset + bytes.len() as u64;
            match rustix::io::pread(&self.0, spare_capacity(&mut bytes), place) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The allocator may have given more than was asked for.
        bytes.truncate(len);
        Ok(bytes.into())
    }

    fn write(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        // Of more pieces than the system takes at once these are the first ones: a short write.
        Ok(rustix::io::pwritev(&self.0, pieces, offset)?)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn shared(&self) -> Option<Arc<dyn OpenFile>> {
        let file: Arc<File> = Arc::clone(&self.0);
        Some(file)
    }
}
