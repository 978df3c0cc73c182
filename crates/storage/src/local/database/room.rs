//! Room for sled's file, held before it grows: of a write that finds the disk full sled never recovers, and it writes by itself, too.
//!
//! What is held lies behind the end of the file, where nobody else can take it and where the file grows into it. It is not part of the
//! file's length, and given back when the file is cut or removed.

use std::fs::{File, OpenOptions};
use std::path::Path;

use parking_lot::Mutex;

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
    // A lock only because whoever asks shares the room; there is one thread that does.
    held: Mutex<Extent>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    /// The length of the file when it was last looked at.
    length: u64,
    /// Up to where room is held.
    until: u64,
}

impl Room {
    /// For the database in a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(DATA_FILE);
        let data = OpenOptions::new().write(true).open(&path);
        let data = data.map_err(OpenError::io("cannot open", &path))?;
        Ok(Self { data, held: Mutex::default() })
    }

    /// Holds at least so much behind the present end. Half as much again is tried first, so that not every write has to ask.
    pub(crate) fn hold(&self, bytes: u64) -> Held {
        let Ok(found) = self.data.metadata() else { return Held::Unknown };
        let mut held = self.held.lock();
        if found.len() < held.length {
            // sled cut the end off, and with it what was held behind.
            held.until = 0;
        }
        held.length = found.len();
        if found.len().saturating_add(bytes) <= held.until {
            return Held::Yes;
        }
        let generous = bytes.saturating_add(bytes / 2);
        let mut outcome = Held::No;
        for bytes in [generous, bytes] {
            outcome = allocate(&self.data, found.len(), bytes);
            if outcome == Held::Yes {
                held.until = found.len().saturating_add(bytes);
            }
            if outcome != Held::No {
                break;
            }
        }
        outcome
    }
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
}
