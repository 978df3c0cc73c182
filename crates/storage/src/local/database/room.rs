//! Room for sled's file, held before it grows: of a write that finds the disk full sled never recovers, and it writes by itself, too.
//!
//! What is held lies behind the end of the file, where nobody else can take it and where the file grows into it. It is not part of the
//! file's length, and given back when the file is cut or removed. sled cuts its file when what is at its end has been moved, in a thread of
//! its own; between that and the next [`hold`](Room::hold) there is only what nobody else has taken.

use std::fs::{File, Metadata, OpenOptions};
use std::path::Path;

use super::DATA_FILE;
use crate::directory::OpenError;

/// Whether there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is the file's.
    Yes,
    /// The disk is full.
    No,
    /// This file system holds nothing for anybody.
    Unknown,
}

/// The room behind a database's file.
#[derive(Debug)]
pub(crate) struct Room {
    data: File,
}

impl Room {
    /// For the database in a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(DATA_FILE);
        let data = OpenOptions::new().write(true).open(&path);
        let data = data.map_err(OpenError::io("cannot open", &path))?;
        Ok(Self { data })
    }

    /// Holds at least so much behind the present end. Half as much again is tried first, so that not every write has to ask.
    pub(crate) fn hold(&self, bytes: u64) -> Held {
        let Ok(found) = self.data.metadata() else { return Held::Unknown };
        // What was held before says nothing: the file may have been cut, and have grown again.
        if taken(&found).is_some_and(|taken| taken >= found.len().saturating_add(bytes)) {
            return Held::Yes;
        }
        match allocate(&self.data, found.len(), bytes.saturating_add(bytes / 2)) {
            Held::No => allocate(&self.data, found.len(), bytes),
            held => held,
        }
    }
}

/// Bytes of the disk that are a file's. A file system that keeps holes, or packs what it keeps, tells fewer than are held; then more is asked for.
#[cfg(target_os = "linux")]
fn taken(file: &Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    // Whatever the blocks of the file system are, these are of 512 bytes.
    Some(file.blocks().saturating_mul(512))
}

#[cfg(not(target_os = "linux"))]
fn taken(_: &Metadata) -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, from: u64, bytes: u64) -> Held {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    loop {
        match fallocate(file, FallocateFlags::KEEP_SIZE, from, bytes) {
            Ok(()) => return Held::Yes,
            Err(Errno::INTR) => {}
            Err(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => return Held::No,
            Err(_) => return Held::Unknown,
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate(_: &File, _: u64, _: u64) -> Held {
    Held::Unknown
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const BLOCK: u64 = 512;

    #[test]
    fn room_is_the_files_and_follows_its_end() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join(DATA_FILE);
        fs::write(&path, "data").unwrap();
        let room = Room::open(folder.path()).unwrap();
        let taken = || fs::metadata(&path).unwrap().blocks() * BLOCK;
        assert_eq!(room.hold(1 << 20), Held::Yes);
        assert!((1 << 20..2 << 20).contains(&taken()), "{}", taken());
        assert_eq!(fs::read(&path).unwrap(), b"data", "nothing can be seen of it");
        fs::write(&path, vec![1; 3 << 20]).unwrap();
        assert_eq!(room.hold(1 << 20), Held::Yes);
        assert!(taken() >= 4 << 20, "{}", taken());
        room.data.set_len(1).unwrap();
        assert!(taken() < 1 << 20, "cutting gives it back");
        assert_eq!(room.hold(1 << 20), Held::Yes);
        assert!(taken() >= 1 << 20, "and it is held anew: {}", taken());
        assert_eq!(room.hold(1 << 60), Held::No);
    }

    /// sled had cut its file and filled it again between two groups. The length was what it had been, so the room was taken to be there
    /// still; on a disk that somebody else had filled the next write broke the store.
    #[test]
    fn room_is_missed_when_the_file_was_cut_and_grew_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join(DATA_FILE);
        let data = vec![1; 3 << 20];
        fs::write(&path, &data).unwrap();
        let room = Room::open(folder.path()).unwrap();
        assert_eq!(room.hold(1 << 20), Held::Yes);
        fs::write(&path, &data).unwrap();
        let taken = || fs::metadata(&path).unwrap().blocks() * BLOCK;
        assert!(taken() < 4 << 20, "cutting has given it back: {}", taken());
        assert_eq!(room.hold(1 << 20), Held::Yes);
        assert!(taken() >= 4 << 20, "{}", taken());
    }
}
