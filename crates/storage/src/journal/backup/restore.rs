//! A directory is made of a backup.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::super::chunks::{self, ChunkName};
use super::super::copied::{self, Copied};
use super::super::handle::LAYOUT;
use super::super::open::FOLDER;
use super::super::{identity, log};
use super::archive::{self, Sink, Summary, walk};
use super::error::{BackupError, RestoreError};
use crate::directory::{Vacant, sync_directory};
use crate::disk::RealDisk;

/// Makes a data directory of a backup, which is verified while it is read. Durable when it returns. Blocks.
///
/// The directory must be empty, or not be there. It becomes one that can be opened when all of it has been verified and written;
/// until then, and where this process is killed, a start on it is refused.
///
/// # Errors
/// [`RestoreError`]. What had been written is removed.
pub fn restore(backup: impl Read, directory: &Path) -> Result<Summary, RestoreError> {
    let vacant = match Vacant::occupy(directory, LAYOUT)? {
        Ok(vacant) => vacant,
        Err(found) => {
            return Err(RestoreError::Occupied { directory: directory.to_owned(), found });
        }
    };
    let mut writing = Writing { root: directory.to_owned(), written: Vec::new(), current: None };
    let outcome = writing.all(backup).and_then(|summary| {
        vacant.finish()?;
        Ok(summary)
    });
    if outcome.is_err() {
        writing.undo();
        vacant.leave();
    }
    outcome
}

/// The folders that a data directory has.
const FOLDERS: [&str; 2] = [FOLDER, chunks::FOLDER];

struct Writing {
    root: PathBuf,
    written: Vec<PathBuf>,
    current: Option<Current>,
}

struct Current {
    file: File,
    path: PathBuf,
    size: u64,
}

impl Writing {
    fn all(&mut self, backup: impl Read) -> Result<Summary, RestoreError> {
        for folder in FOLDERS {
            let path = self.root.join(folder);
            fs::create_dir(&path).map_err(RestoreError::io("cannot create", &path))?;
        }
        let summary = walk(backup, LAYOUT.format, self)?;
        let mark = self.root.join(copied::NAME);
        self.written.push(mark.clone());
        let marked = copied::write(&RealDisk::new(&self.root), Copied { unit: summary.unit });
        marked.map_err(RestoreError::io("cannot write", &mark))?;
        for folder in FOLDERS {
            sync_directory(&self.root.join(folder))?;
        }
        Ok(summary)
    }

    /// Removes what was written. What cannot be removed stays, and keeps the directory from being taken for a good one.
    fn undo(&self) {
        for path in &self.written {
            drop(fs::remove_file(path));
        }
        for folder in FOLDERS {
            drop(fs::remove_dir(self.root.join(folder)));
        }
    }
}

impl Sink for Writing {
    type Error = RestoreError;

    fn file(&mut self, file: &archive::File) -> Result<(), RestoreError> {
        if !is_ours(&file.path) {
            let (file, what) = (Some(file.path.clone()), "that is no file of a data directory");
            return Err(BackupError::Damaged { at: 0, file, what }.into());
        }
        let path = self.root.join(&file.path);
        let created = File::options().write(true).create_new(true).open(&path);
        let created = created.map_err(RestoreError::io("cannot create", &path))?;
        self.written.push(path.clone());
        self.current = Some(Current { file: created, path, size: file.size });
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), RestoreError> {
        match &mut self.current {
            Some(Current { file, path, .. }) => {
                file.write_all(bytes).map_err(RestoreError::io("cannot write", path))
            }
            None => Ok(()),
        }
    }

    fn file_end(&mut self) -> Result<(), RestoreError> {
        match self.current.take() {
            Some(Current { file, path, size }) => {
                let synced = file.set_len(size).and_then(|()| file.sync_all());
                synced.map_err(RestoreError::io("cannot write", &path))
            }
            None => Ok(()),
        }
    }
}

/// Whether a backup may have a file with this name: one that leads elsewhere is never written.
fn is_ours(path: &str) -> bool {
    match path.split_once('/') {
        None => [identity::NAME, log::SEAL].contains(&path),
        Some((FOLDER, name)) => log::is_file(name),
        Some((chunks::FOLDER, name)) => ChunkName::parse(name).is_some(),
        Some(_) => false,
    }
}
