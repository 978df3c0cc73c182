//! The port, as the fake disk does it.

use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::OpenFile;

use super::FakeDisk;
use super::content::PAGE;
use super::names::{FileId, Node};
use super::op::{Op, Outcome, Place};
use super::plan::{Call, Fate};
use super::shared::{Inner, Shared};
use super::state::plain;
use crate::disk::{Disk, DiskFile};

/// What a file can hold: far more than any test writes, and no gap can take memory without bound.
const LARGEST: u64 = 1 << 30;

#[derive(Debug)]
struct FakeFile {
    shared: Arc<Shared>,
    file: FileId,
}

impl FakeDisk {
    fn handle(&self, file: FileId) -> Arc<dyn DiskFile> {
        Arc::new(FakeFile { shared: self.shared.clone(), file })
    }
}

impl Disk for FakeDisk {
    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        let mut inner = self.shared.lock();
        if inner.state.names(&plain(folder)?).is_ok() {
            return Ok(());
        }
        let place = Place::of(folder)?;
        inner.state.names(&place.folder)?;
        match inner.state.node(&place) {
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
            None => {
                inner.record(Op::CreateFolder(place));
                Ok(())
            }
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let folder = plain(folder)?;
        let inner = self.shared.lock();
        Ok(inner.state.names(&folder)?.keys().map(|name| name.to_string()).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let place = Place::of(path)?;
        let (mut inner, _, fate) = self.shared.enter(Call::Create);
        fate.check()?;
        inner.state.names(&place.folder)?;
        if inner.state.node(&place).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = inner.state.unused();
        inner.record(Op::Create(place, file));
        Ok(self.handle(file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.shared.lock().state.find(path)?;
        Ok(self.handle(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (source, target) = (Place::of(from)?, Place::of(to)?);
        if source.folder != target.folder {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let (mut inner, _, fate) = self.shared.enter(Call::Rename);
        fate.check()?;
        inner.state.find(from)?;
        if inner.state.node(&target) == Some(Node::Folder) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if source != target {
            inner.record(Op::Rename(source, target.name));
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (mut inner, _, fate) = self.shared.enter(Call::Remove);
        fate.check()?;
        inner.state.find(path)?;
        inner.record(Op::Remove(Place::of(path)?));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let folder = plain(folder)?;
        let (mut inner, began, fate) = self.shared.enter(Call::SyncFolder);
        inner.state.names(&folder)?;
        let outcome = fate.into();
        inner.record(Op::SyncFolder { folder, began, outcome });
        fate.check()
    }

    fn free_bytes(&self) -> Option<u64> {
        Some(self.shared.lock().free())
    }

    fn describe(&self, path: &Path) -> PathBuf {
        path.into()
    }
}

impl From<Fate> for Outcome {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Good => Self::Done,
            Fate::Fails => Self::Failed,
        }
    }
}

impl DiskFile for FakeFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.shared.lock().state.file(self.file)?.live().size())
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Bytes> {
        let (inner, _, fate) = self.shared.enter(Call::Read);
        fate.check()?;
        let end = offset.checked_add(len as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        let content = inner.state.file(self.file)?.live();
        let bytes = content.read(offset..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        inner.plan.readable(self.file, &(offset..end))?;
        Ok(bytes.into())
    }

    fn write(&self, pieces: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut bytes = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
        pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        let (mut inner, _, fate) = self.shared.enter(Call::Write);
        bytes.truncate(inner.plan.longest_write);
        let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= LARGEST);
        let fitting = self.fitting(&inner, offset..end.ok_or(io::ErrorKind::FileTooLarge)?)?;
        if fate == Fate::Fails {
            // A write that fails has written some of it.
            bytes.truncate(fitting.min(bytes.len() / 2));
        } else {
            bytes.truncate(fitting);
        }
        let written = bytes.len();
        if written > 0 {
            inner.record(Op::Write { file: self.file, offset, bytes: bytes.into() });
        }
        fate.check()?;
        Ok(written)
    }

    fn shared(&self) -> Option<Arc<dyn OpenFile>> {
        None
    }

    fn sync_data(&self) -> io::Result<()> {
        let (mut inner, began, fate) = self.shared.enter(Call::SyncData);
        inner.record(Op::SyncData { file: self.file, began, outcome: fate.into() });
        fate.check()
    }
}

impl FakeFile {
    /// How many bytes of a range there is room for.
    fn fitting(&self, inner: &Inner, range: Range<u64>) -> io::Result<usize> {
        let content = inner.state.file(self.file)?.live();
        let mut free = inner.free();
        let mut next = range.start;
        while next < range.end {
            let end = ((next / PAGE as u64 + 1) * PAGE as u64).min(range.end);
            match free.checked_sub(content.cost(next..end)) {
                Some(rest) => free = rest,
                None if next == range.start => return Err(io::ErrorKind::StorageFull.into()),
                None => break,
            }
            next = end;
        }
        Ok((next - range.start) as usize)
    }
}
