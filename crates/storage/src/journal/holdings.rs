//! The chunk files that count, open, and how much of each is still needed.
//!
//! What leads into a file is counted when the catalogue is looked through at the start, and from then on as rounds and merges
//! change it. So which file is worth writing anew is known without a look at the disk.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use parking_lot::RwLock;

use super::chunks::{Block, ChunkFile, ChunkName, OrderRef};
use super::log::{Mark, Place};
use super::metrics::Metrics;
use crate::local::frame::Verify;
use crate::local::row::tag;
use crate::local::stored::decode;

/// Bytes, by the file that they are in.
pub(super) type PerFile = HashMap<ChunkName, u64>;

/// The files.
pub(super) struct Holdings {
    // Read for a look by whoever opens a block, written once or twice in a round.
    state: RwLock<State>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<ChunkName, Holding>,
    /// The last edition that is in the catalogue, and the last one of a round.
    edition: u64,
    latest: u64,
    /// Bytes of the rows of the catalogue.
    rows: u64,
    /// How far the journal is packed.
    packed: Mark,
    /// How far it goes, and the bytes of one of its files.
    end: (Place, u32),
}

/// A file, and what of it is needed.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub(super) file: Arc<ChunkFile>,
    /// Bytes of payload, tables and orders that the catalogue leads to.
    pub(super) live: u64,
}

/// All files at one moment, in the order of their rounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Stand {
    pub(super) files: Vec<Holding>,
    pub(super) edition: u64,
    pub(super) latest: u64,
    pub(super) rows: u64,
}

impl State {
    /// Bytes of the journal that are not packed.
    fn replay(&self) -> u64 {
        let (end, file_bytes) = self.end;
        if end > self.packed.place { self.packed.place.distance(end, file_bytes) } else { 0 }
    }
}

impl Holdings {
    /// These files.
    pub(super) fn new(files: &[Arc<ChunkFile>]) -> Self {
        let holdings = Self { state: RwLock::default(), metrics: Metrics::new() };
        files.iter().for_each(|file| holdings.add(Arc::clone(file), 0));
        holdings
    }

    /// A file, while it counts.
    pub(super) fn get(&self, name: ChunkName) -> Option<Arc<ChunkFile>> {
        self.state.read().files.get(&name).map(|holding| Arc::clone(&holding.file))
    }

    /// Adds a file, of which so many bytes will be needed.
    pub(super) fn add(&self, file: Arc<ChunkFile>, live: u64) {
        let name = file.footer().name;
        self.state.write().files.insert(name, Holding { file, live });
    }

    /// Takes files away. Who has one open keeps it.
    pub(super) fn take(&self, names: &[ChunkName]) {
        let mut state = self.state.write();
        names.iter().for_each(|name| drop(state.files.remove(name)));
    }

    /// Says what is needed of all files, and nothing of the others.
    pub(super) fn count(&self, live: &PerFile) {
        for (name, holding) in &mut self.state.write().files {
            holding.live = live.get(name).copied().unwrap_or_default();
        }
    }

    /// Says what is needed no more.
    pub(super) fn free(&self, freed: &PerFile) {
        let mut state = self.state.write();
        for (name, bytes) in freed {
            if let Some(holding) = state.files.get_mut(name) {
                holding.live = holding.live.saturating_sub(*bytes);
            }
        }
    }

    /// What is counted.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Says how much there is.
    pub(super) fn observe(&self) {
        let state = self.state.read();
        let files = || state.files.values();
        let bytes: u64 = files().map(|holding| holding.file.size()).sum();
        let live: u64 = files().map(|holding| holding.live).sum();
        self.metrics.chunk_files.set(state.files.len() as f64);
        self.metrics.chunk_bytes.set(bytes as f64);
        self.metrics.replay_bytes.set(state.replay() as f64);
        self.metrics.live_bytes.set(live.saturating_add(state.rows) as f64);
    }

    /// Says that the catalogue has what a file says, and what it comes to.
    pub(super) fn applied(&self, file: &ChunkFile) {
        let facts = file.footer().facts;
        let mut state = self.state.write();
        if state.edition <= facts.edition {
            (state.edition, state.rows) = (facts.edition, facts.ledger.bytes);
        }
        state.latest = state.latest.max(facts.latest);
        if state.packed.group <= facts.to.group {
            state.packed = facts.to;
        }
    }

    /// Says how far the journal goes, and how large its files are.
    pub(super) fn journal_ends(&self, place: Place, file_bytes: u32) {
        let mut state = self.state.write();
        state.end = (place, file_bytes);
        self.metrics.replay_bytes.set(state.replay() as f64);
    }

    /// All of it, at this moment.
    pub(super) fn stand(&self) -> Stand {
        let state = self.state.read();
        Stand {
            files: state.files.values().cloned().collect(),
            edition: state.edition,
            latest: state.latest,
            rows: state.rows,
        }
    }
}

impl fmt::Debug for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holdings").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Counts what a row leads to.
pub(super) fn note(per: &mut PerFile, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
    let (name, bytes) = match key.first() {
        Some(&tag::CHUNK) => {
            let at = Block::of_row(key, value, Verify::Nothing)?.at;
            (at.file(), u64::from(at.payload.len) + u64::from(at.table.len))
        }
        Some(&tag::ORDER) => {
            let at: OrderRef = decode(key, value, Verify::Nothing)?;
            (at.file(), at.stretch.len.into())
        }
        _ => return Ok(()),
    };
    if let Some(name) = name {
        *per.entry(name).or_default() += bytes;
    }
    Ok(())
}
