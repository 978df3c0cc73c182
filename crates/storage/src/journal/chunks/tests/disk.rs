//! A disk in memory that can be told to fail, and whose files can be changed behind its back.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::OpenFile;
use parking_lot::Mutex;

use crate::disk::{Disk, DiskFile};

/// What was done to a disk, and when it fails.
#[derive(Debug, Default)]
struct Log {
    /// Operations so far.
    count: u64,
    /// The operation that fails, and all after it.
    fails: Option<u64>,
    /// Most bytes that one write takes.
    most: Option<usize>,
    reads: Vec<(u64, usize)>,
    bad: Option<(u64, u64)>,
}

impl Log {
    fn step(&mut self) -> io::Result<()> {
        self.count += 1;
        match self.fails {
            Some(fails) if self.count >= fails => Err(io::Error::other("the test says so")),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct MemDisk {
    files: Arc<Mutex<BTreeMap<PathBuf, Arc<MemFile>>>>,
    log: Arc<Mutex<Log>>,
}

#[derive(Debug)]
pub(super) struct MemFile {
    bytes: Mutex<Vec<u8>>,
    log: Arc<Mutex<Log>>,
}

impl MemDisk {
    /// From the operation with this number on, counted from now, everything fails.
    pub(super) fn fail_at(&self, number: u64) {
        let mut log = self.log.lock();
        log.fails = Some(log.count + number);
    }

    pub(super) fn heal(&self) {
        let mut log = self.log.lock();
        (log.fails, log.bad) = (None, None);
    }

    /// Writes take no more than so many bytes at a time.
    pub(super) fn short_writes(&self, most: usize) {
        self.log.lock().most = Some(most);
    }

    /// Reads of any byte in this range fail.
    pub(super) fn bad(&self, from: u64, to: u64) {
        self.log.lock().bad = Some((from, to));
    }

    /// Offsets and lengths of the reads since this was last asked.
    pub(super) fn reads(&self) -> Vec<(u64, usize)> {
        std::mem::take(&mut self.log.lock().reads)
    }

    pub(super) fn operations(&self) -> u64 {
        self.log.lock().count
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.files.lock().keys().map(|path| path.display().to_string()).collect()
    }

    pub(super) fn content(&self, path: &Path) -> Vec<u8> {
        self.files.lock()[path].bytes.lock().clone()
    }

    /// Puts a file there with this content.
    pub(super) fn plant(&self, path: &Path, content: &[u8]) {
        let file = MemFile { bytes: Mutex::new(content.to_vec()), log: Arc::clone(&self.log) };
        self.files.lock().insert(path.to_owned(), Arc::new(file));
    }

    /// Cuts a file off that may be open.
    pub(super) fn cut(&self, path: &Path, len: usize) {
        self.files.lock()[path].bytes.lock().truncate(len);
    }

    /// Changes a byte of a file that may be open.
    pub(super) fn flip(&self, path: &Path, at: u64, bits: u8) {
        self.files.lock()[path].bytes.lock()[at as usize] ^= bits;
    }
}

impl Disk for MemDisk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        self.log.lock().step()
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.log.lock().step()?;
        let files = self.files.lock();
        let inside = files.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.log.lock().step()?;
        if self.files.lock().contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.plant(path, &[]);
        Ok(self.files.lock()[path].clone())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.log.lock().step()?;
        match self.files.lock().get(path) {
            Some(file) => Ok(file.clone()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.log.lock().step()?;
        let mut files = self.files.lock();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.log.lock().step()?;
        self.files.lock().remove(path).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.log.lock().step()
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }

    fn describe(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

impl DiskFile for MemFile {
    fn size(&self) -> io::Result<u64> {
        self.log.lock().step()?;
        Ok(self.bytes.lock().len() as u64)
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let mut log = self.log.lock();
        log.step()?;
        log.reads.push((offset, len));
        let end = offset + len as u64;
        if log.bad.is_some_and(|(from, to)| offset < to && from < end) {
            return Err(io::Error::other("a bad sector"));
        }
        let bytes = self.bytes.lock();
        let read = bytes.get(offset as usize..end as usize);
        read.map(Bytes::copy_from_slice).ok_or(io::ErrorKind::UnexpectedEof.into())
    }

    fn write(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut log = self.log.lock();
        log.step()?;
        let mut bytes = self.bytes.lock();
        assert_eq!(offset, bytes.len() as u64, "written in order");
        let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let len = all.len().min(log.most.unwrap_or(usize::MAX));
        bytes.extend_from_slice(&all[..len]);
        Ok(len)
    }

    fn shared(&self) -> Option<Arc<dyn OpenFile>> {
        None
    }

    fn sync_data(&self) -> io::Result<()> {
        self.log.lock().step()
    }
}
