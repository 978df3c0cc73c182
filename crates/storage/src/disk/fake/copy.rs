//! The directory as a whole: to and from a directory of the operating system.

use std::fs;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use super::FakeDisk;
use crate::disk::{Disk, write_all};

impl FakeDisk {
    /// What a directory of the operating system holds, at rest: durable, and with no history.
    ///
    /// # Errors
    /// Those of the file system, and [`io::ErrorKind::InvalidInput`] for a name that is not text.
    pub fn copy_of(directory: &Path) -> io::Result<Self> {
        let disk = Self::new();
        disk.take_in(directory, Path::new(""))?;
        Ok(disk.at_rest())
    }

    fn take_in(&self, directory: &Path, inside: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = inside.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.create_folder(&path)?;
                self.take_in(&entry.path(), &path)?;
            } else {
                let file = self.create(&path)?;
                let bytes = fs::read(entry.path())?;
                write_all(&*file, &mut [IoSlice::new(&bytes)], 0)?;
            }
        }
        Ok(())
    }

    /// Puts everything into a directory of the operating system, which exists. What is there already and has other names stays.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn copy_to(&self, directory: &Path) -> io::Result<()> {
        let (folders, files) = self.everything();
        folders.iter().try_for_each(|folder| fs::create_dir_all(directory.join(folder)))?;
        files.iter().try_for_each(|(path, bytes)| fs::write(directory.join(path), bytes))
    }

    /// All folders, and all files with what they hold.
    fn everything(&self) -> (Vec<PathBuf>, Vec<(PathBuf, Vec<u8>)>) {
        let inner = self.shared.lock();
        let folders = inner.state.folders().map(Into::into).collect();
        let whole = inner
            .state
            .contents()
            .filter_map(|(path, content)| Some((path, content.read(0..content.size())?)));
        (folders, whole.collect())
    }
}
