//! What goes into a backup: of a store that is open, and of a directory that nobody has open.

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use headwater_core::storage::StorageError;

use super::super::chunks::ChunkFile;
use super::super::handle::LAYOUT;
use super::super::index::Index;
use super::super::log::{self, Files, Hold, Identity, Supply};
use super::super::open::{self, FOLDER};
use super::super::shared::{Exchange, Through};
use super::super::{holdings, identity};
use super::archive::{Begin, DATA_BYTES, Encoder, End, File, FileEnd, Piece};
use crate::directory::{OpenError, hold};
use crate::disk::{Disk, DiskFile, RealDisk};
use crate::local::view::View;

/// Makes backups of a store while it is open. Cheap to clone; keeps nothing open.
#[derive(Clone)]
pub struct Backups {
    pub(in crate::journal) disk: Arc<dyn Disk>,
    /// Gone when the store is closed.
    pub(in crate::journal) view: Weak<View<Index>>,
    pub(in crate::journal) supply: Arc<Supply>,
    pub(in crate::journal) exchange: Arc<Exchange>,
}

impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backups").finish_non_exhaustive()
    }
}

impl Backups {
    /// Begins a backup: everything that was reported as committed before this call is in it. Opens files, and blocks for as
    /// long as that takes.
    ///
    /// While the value lives, the files that it still has to read keep their space on the disk.
    ///
    /// # Errors
    /// When the store is closed, or its files cannot be opened.
    pub fn begin(&self) -> Result<Backup, StorageError> {
        // First: from here on no journal file is written anew that is needed for what is seen below.
        let held = self.supply.hold();
        let view = self.view.upgrade().ok_or(StorageError::Closed)?;
        let chunks = counting(view.packed.holdings().stand());
        let identity = identity::read(&*self.disk)?;
        let keep = Keep::Running { exchange: Arc::clone(&self.exchange), held: Some(held) };
        // After the chunk files: what is packed is a part of what is committed.
        let backup =
            Backup::new(Arc::clone(&self.disk), identity, chunks, self.exchange.through(), keep)?;
        backup.lives()?;
        Ok(backup)
    }
}

/// The files that count: a merge that is entered just now is there beside what it was made of.
fn counting(stand: holdings::Stand) -> Vec<Arc<ChunkFile>> {
    let names: Vec<_> = stand.files.iter().map(|holding| holding.file.footer().name).collect();
    let counts = |file: &Arc<ChunkFile>| {
        let name = file.footer().name;
        !names.iter().any(|other| other.replaces(name))
    };
    stand.files.into_iter().map(|holding| holding.file).filter(counts).collect()
}

/// Begins a backup of a data directory that nobody has open. It stays locked until the value is dropped; nothing in it is changed.
///
/// Reads all of the journal. Blocks.
///
/// # Errors
/// [`OpenError`], when it is in use, is no such directory, or damaged where a start would be refused.
pub fn backup(directory: &Path) -> Result<Backup, OpenError> {
    let held = hold(directory, LAYOUT)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory));
    let found = open::extent(&disk).and_then(|(identity, chunks, through)| {
        Backup::new(disk, identity, chunks, through, Keep::Stopped { _held: held })
    });
    found.map_err(|error| match error {
        StorageError::Corrupt(place) => OpenError::corrupt(directory, &place),
        other => OpenError::io("cannot read", directory)(std::io::Error::other(other)),
    })
}

/// The bytes of a backup, in frames; to be written one behind the other. It is complete when this ends without an error.
///
/// Asking for the next one reads from the disk, and blocks.
#[derive(Debug)]
pub struct Backup {
    begin: Option<Begin>,
    items: VecDeque<Item>,
    /// The file that is read, and what has been read of it.
    current: Option<(Item, FileEnd)>,
    sum: End,
    over: bool,
    frames: Encoder,
    keep: Keep,
}

/// What keeps the files as they are.
#[derive(Debug)]
enum Keep {
    /// The store is open.
    Running { exchange: Arc<Exchange>, held: Option<Hold> },
    /// Nobody else has it open.
    Stopped { _held: Option<fs::File> },
}

/// A file that goes into it.
#[derive(Debug)]
struct Item {
    path: PathBuf,
    size: u64,
    /// So many bytes of it are sent; what follows is not the log's.
    sent: u64,
    from: Source,
}

#[derive(Debug)]
enum Source {
    Bytes(Bytes),
    Journal(Arc<dyn DiskFile>),
    Chunk(Arc<ChunkFile>),
}

impl Source {
    fn read(&self, offset: u64, len: usize) -> Result<Bytes, StorageError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Chunk(file) => file.read(offset, len),
            Self::Journal(file) => file.read(offset, len).map_err(|error| {
                StorageError::Unavailable(format!("a journal file cannot be read: {error}"))
            }),
        }
    }
}

impl Backup {
    fn new(
        disk: Arc<dyn Disk>,
        identity: Identity,
        chunks: Vec<Arc<ChunkFile>>,
        through: Through,
        keep: Keep,
    ) -> Result<Self, StorageError> {
        let end = through.mark;
        let packed = chunks.last().map(|file| file.footer().facts.to).unwrap_or_default();
        let known = identity::content(&*disk)?;
        let mut items = VecDeque::from([
            Item::of_bytes(identity::NAME, known),
            Item::of_bytes(log::SEAL, log::seal(identity, end)),
        ]);
        let files = Files::new(Arc::clone(&disk), FOLDER, identity);
        for generation in packed.place.generation.max(1)..=end.place.generation {
            let (path, file, size) = files.open_whole(generation)?;
            let last = generation == end.place.generation;
            let sent = if last { u64::from(end.place.offset) } else { size };
            items.push_back(Item { path, size, sent, from: Source::Journal(file) });
        }
        for file in chunks {
            let (path, size) = (file.footer().name.path(), file.size());
            items.push_back(Item { path, size, sent: size, from: Source::Chunk(file) });
        }
        let begin = Begin::new(LAYOUT.format, end.group, (through.unit, through.at));
        Ok(Self {
            begin: Some(begin),
            items,
            current: None,
            sum: End::default(),
            over: false,
            frames: Encoder::default(),
            keep,
        })
    }

    /// Whether the files are still those that were opened: when the store is closed, another process may have the directory.
    fn lives(&self) -> Result<(), StorageError> {
        match &self.keep {
            Keep::Running { exchange, .. } if exchange.is_stopped() => Err(StorageError::Closed),
            Keep::Running { .. } | Keep::Stopped { .. } => Ok(()),
        }
    }

    fn piece(&mut self) -> Result<Piece, StorageError> {
        if let Some(begin) = self.begin.take() {
            return Ok(Piece::Begin(begin));
        }
        if let Some((item, done)) = &mut self.current {
            let left = item.sent.saturating_sub(done.bytes);
            if left > 0 {
                let len = left.min(DATA_BYTES as u64) as usize;
                let bytes = item.from.read(done.bytes, len)?;
                done.add(&bytes);
                // Looked at behind the read: so nothing was written over before it.
                self.lives()?;
                return Ok(Piece::Data(bytes));
            }
            let done = *done;
            self.sum.add(done);
            self.current = None;
            return Ok(Piece::FileEnd(done));
        }
        let Some(item) = self.items.pop_front() else {
            self.over = true;
            return Ok(Piece::End(self.sum));
        };
        if let (Source::Chunk(_), Keep::Running { held, .. }) = (&item.from, &mut self.keep) {
            *held = None;
        }
        let path = item.path.display().to_string();
        let file = File { path, size: item.size };
        self.current = Some((item, FileEnd::default()));
        Ok(Piece::File(file))
    }
}

impl Item {
    fn of_bytes(name: &str, bytes: Bytes) -> Self {
        let size = bytes.len() as u64;
        Self { path: name.into(), size, sent: size, from: Source::Bytes(bytes) }
    }
}

impl Iterator for Backup {
    type Item = Result<Bytes, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let frame = self.piece().and_then(|piece| {
            let frame = self.frames.frame(&piece);
            frame.map_err(|error| StorageError::Unavailable(error.to_string()))
        });
        self.over |= frame.is_err();
        Some(frame)
    }
}
