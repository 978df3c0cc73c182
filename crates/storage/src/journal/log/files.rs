//! The log's files: their names, and what is done with them.
//!
//! A file is named after its generation. A name counts when its folder was synced.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::{BEGIN, Begin};
use super::{Identity, Mark, Place, ReadError, Run, seal};
use crate::disk::{Disk, DiskFile, write_all};

/// Digits of a generation in a name, so that the names sort as the generations do.
const DIGITS: usize = 16;

/// The largest generation: a frame has four bytes for it. With files of 8 MiB that is 32 EiB written.
pub(super) const MOST: u64 = u32::MAX as u64;

/// A name that a file has until it is complete.
const DRAFT: &str = "draft.new";

/// The folder of a log's files, on a disk whose root is the data directory.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    identity: Identity,
}

impl Files {
    /// The files in a folder of the root.
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: &str, identity: Identity) -> Self {
        Self { disk, folder: folder.into(), identity }
    }

    /// With what the log's checksums begin.
    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// The disk.
    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Creates the folder durably, unless it is there.
    pub(super) fn create(&self) -> io::Result<()> {
        self.disk.create_folder(&self.folder)?;
        self.disk.sync_folder(Path::new(""))
    }

    /// The generations on the disk, in order; none where there is no folder.
    pub(super) fn list(&self) -> Result<Vec<u64>, ReadError> {
        let names = match self.disk.list(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names.map_err(ReadError::io("list", &self.disk.describe(&self.folder)))?,
        };
        let mut generations: Vec<u64> = names.iter().filter_map(|name| generation(name)).collect();
        generations.sort_unstable();
        Ok(generations)
    }

    /// What a file is called in messages.
    pub(super) fn describe(&self, generation: u64) -> PathBuf {
        self.disk.describe(&self.path(generation))
    }

    /// Opens a file.
    pub(super) fn open(&self, generation: u64) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(&self.path(generation))
    }

    /// Opens a file to read it.
    pub(super) fn open_to_read(&self, generation: u64) -> Result<Arc<dyn DiskFile>, ReadError> {
        self.open(generation).map_err(ReadError::io("open", &self.describe(generation)))
    }

    /// Opens a file with its path, and says how long it is.
    pub(crate) fn open_whole(
        &self,
        generation: u64,
    ) -> Result<(PathBuf, Arc<dyn DiskFile>, u64), ReadError> {
        let file = self.open_to_read(generation)?;
        let size = file.size().map_err(ReadError::io("measure", &self.describe(generation)))?;
        Ok((self.path(generation), file, size))
    }

    /// Makes a log of one file of so many bytes, in which stands nothing but its first frame, as a group behind that one, and seals
    /// it. Returns where it ends.
    pub(crate) fn begin_blank(&self, after: Mark, bytes: u32) -> io::Result<Mark> {
        self.create()?;
        let generation = after.place.generation + 1;
        let file = self.disk.create(&self.path(generation))?;
        write_all(&*file, &mut [io::IoSlice::new(&vec![0; bytes as usize])], 0)?;
        let begin = Begin { after, capacity: bytes, run: Run::default() };
        let frame = begin.encode(self.identity, generation, (1, 1));
        write_all(&*file, &mut [io::IoSlice::new(&frame)], 0)?;
        file.sync_data()?;
        self.sync_names()?;
        let place = Place { generation, offset: BEGIN as u32 };
        let end = Mark { place, group: after.group + 1 };
        seal::write(self, end)?;
        Ok(end)
    }

    /// Begins a file that has no generation yet, in place of one that a crash left behind.
    pub(super) fn create_draft(&self) -> io::Result<Arc<dyn DiskFile>> {
        self.remove_draft()?;
        self.disk.create(&self.folder.join(DRAFT))
    }

    /// Removes what a crash or a full disk left of a new file.
    pub(super) fn remove_draft(&self) -> io::Result<()> {
        match self.disk.remove(&self.folder.join(DRAFT)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Gives the new file a generation. Not durable yet.
    pub(super) fn name_draft(&self, generation: u64) -> io::Result<()> {
        self.disk.rename(&self.folder.join(DRAFT), &self.path(generation))
    }

    /// Gives a file another generation. Not durable yet.
    pub(super) fn rename(&self, from: u64, to: u64) -> io::Result<()> {
        self.disk.rename(&self.path(from), &self.path(to))
    }

    /// Removes a file, if it is there. Not durable yet.
    pub(super) fn remove(&self, generation: u64) -> io::Result<()> {
        match self.disk.remove(&self.path(generation)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Makes the names durable.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_folder(&self.folder)
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.folder.join(format!("{generation:0DIGITS$}.log"))
    }
}

/// Whether a name is that of a file of a log.
pub(crate) fn is_file(name: &str) -> bool {
    generation(name).is_some()
}

/// The generation that a name means; one spelling only.
fn generation(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log").filter(|digits| digits.len() == DIGITS)?;
    let generation = digits.parse().ok().filter(|number| (1..=MOST).contains(number))?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then_some(generation)
}
