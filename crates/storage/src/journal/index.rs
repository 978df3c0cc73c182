//! What is packed: the catalogue, and the chunk files that it leads into.
//!
//! Readers ask it while it changes. What they find is sound by itself at each moment: a place in a lineage always has a block
//! that holds it, in the file it was written to first or in one that was made of that. A file is removed only when nothing
//! leads into it, and whoever looked before looks again.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use headwater_core::record::RecordMeta;
use headwater_core::storage::{Portion, SpaceSequence, StorageError};
use headwater_core::{Lineage, StoreId};
use sled::IVec;

use super::catalogue::{Catalogue, Edit};
use super::chunks::{Block, ChunkFile, ChunkName, OrderRef, push};
use super::holdings::Holdings;
use crate::local::frame::{Damage, Verify};
use crate::local::read::rows::{Part, Parts, Start, row_of, rows_touching};
use crate::local::recent::SpaceName;
use crate::local::row::{Row, of_lineage, of_space, tag};
use crate::local::rows::{Entry, Packed, Piece, Rows};
use crate::local::stored::{Stretch, Table, decode};

/// Blocks that a page is read from at once, at most: a page of the usual size has fewer.
const BLOCKS: usize = 64;

/// The packed rows, and the files.
#[derive(Debug)]
pub(super) struct Index {
    catalogue: Arc<dyn Catalogue>,
    holdings: Arc<Holdings>,
    edits: AtomicU64,
}

/// A block, and the file that it is in.
#[derive(Debug)]
pub(super) struct Kept {
    block: Block,
    file: Arc<ChunkFile>,
}

/// Blocks that follow each other in their lineage, and the file that they are in.
type Blocks = (Arc<ChunkFile>, Vec<Block>);

impl Index {
    pub(super) fn new(catalogue: Arc<dyn Catalogue>, holdings: Arc<Holdings>) -> Self {
        Self { catalogue, holdings, edits: AtomicU64::new(0) }
    }

    /// The files.
    pub(super) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// What keeps the rows.
    pub(super) fn catalogue(&self) -> &dyn Catalogue {
        &*self.catalogue
    }

    /// Changes rows together.
    pub(super) fn write(&self, edits: Vec<Edit>) -> Result<(), StorageError> {
        self.edits.fetch_add(1, Ordering::AcqRel);
        self.catalogue.write(edits)
    }

    /// Takes files away into which nothing leads any more. Whoever read before this that something does looks again.
    pub(super) fn retire(&self, names: &[ChunkName]) {
        self.edits.fetch_add(1, Ordering::AcqRel);
        self.holdings.take(names);
    }

    fn file(&self, name: ChunkName) -> Result<Arc<ChunkFile>, StorageError> {
        let missing = || StorageError::Corrupt(format!("the chunk file {name} is missing"));
        self.holdings.get(name).ok_or_else(missing)
    }

    /// Looks at something until nothing changed meanwhile, where it cannot be had otherwise.
    fn look<T>(&self, look: impl Fn() -> Result<T, StorageError>) -> Result<T, StorageError> {
        loop {
            let edits = self.edits();
            match look() {
                Err(_) if self.edits() != edits => {}
                outcome => return outcome,
            }
        }
    }

    fn open(&self, key: &[u8], value: &[u8]) -> Result<Kept, StorageError> {
        let block = Block::of_row(key, value, Verify::Checksum)?;
        let name = block.file().ok_or_else(|| StorageError::Corrupt(Damage::Content.at(key)))?;
        Ok(Kept { block, file: self.file(name)? })
    }

    fn floor_block(&self, place: Start) -> Result<Option<Kept>, StorageError> {
        let prefix = of_lineage(tag::CHUNK, place.lineage);
        let found = self.catalogue.floor(&prefix, &place.row().key())?;
        found.map(|(key, value)| self.open(&key, &value)).transpose()
    }

    fn holding(&self, lineage: Lineage, position: u64) -> Result<Option<Kept>, StorageError> {
        // Of several blocks at one position, only the last has bytes.
        let found = self.floor_block(Start { lineage, position, sequence: u64::MAX })?;
        Ok(found.filter(|kept| position < kept.block.end()))
    }

    /// Blocks of one file that have some bytes from a position on; none when that position is not there.
    fn some_blocks(
        &self,
        lineage: Lineage,
        from: u64,
        to: u64,
    ) -> Result<Option<Blocks>, StorageError> {
        let Some(first) = self.holding(lineage, from)? else { return Ok(None) };
        let mut blocks = vec![first.block];
        let mut next = first.block.next();
        if next.position < to {
            let prefix = of_lineage(tag::CHUNK, lineage);
            let rest = self.catalogue.scan(prefix, Bound::Included(next.row().key()));
            for entry in rest.take(BLOCKS) {
                let (key, value) = entry?;
                let block = Block::of_row(&key, &value, Verify::Checksum)?;
                // What does not follow was written anew at this moment, or is not needed.
                if block.start != next || block.file() != first.block.file() || next.position >= to
                {
                    break;
                }
                next = block.next();
                blocks.push(block);
            }
        }
        Ok(Some((first.file, blocks)))
    }

    /// What there is from one position to another, up to the first byte that is not there, as it is taken from files, or until it is
    /// enough.
    fn gather<T>(
        &self,
        lineage: Lineage,
        (from, to): (u64, u64),
        take: impl Fn(&ChunkFile, &[Block], u64) -> Result<Vec<T>, StorageError>,
        len: impl Fn(&T) -> u64,
        full: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, StorageError> {
        let (mut pieces, mut position) = (Vec::new(), from);
        while position < to && !full(&pieces) {
            let some = || match self.some_blocks(lineage, position, to)? {
                Some((file, blocks)) => take(&file, &blocks, position),
                None => Ok(Vec::new()),
            };
            let more = match self.look(some) {
                // A page ends before what cannot be read; who goes on from there is told.
                Err(_) if !pieces.is_empty() => break,
                more => more?,
            };
            if more.is_empty() {
                break;
            }
            position += more.iter().map(&len).sum::<u64>();
            pieces.extend(more);
        }
        Ok(pieces)
    }
}

impl Kept {
    /// Whether a place is in the block.
    fn holds(&self, place: Start) -> bool {
        let (start, next) = (self.block.start, self.block.next());
        let (position, sequence) = (place.position, place.sequence);
        start.lineage == place.lineage
            && ((start.position, start.sequence) == (position, sequence)
                || (position, sequence) < (next.position, next.sequence))
    }
}

impl Part for Kept {
    fn start(&self) -> Start {
        self.block.start
    }

    fn next(&self) -> Start {
        self.block.next()
    }

    fn table(&self) -> Result<Table, StorageError> {
        self.file.table(&self.block)
    }
}

impl Parts for Index {
    type Part = Kept;

    fn at(&self, start: Start) -> Result<Option<Kept>, StorageError> {
        self.look(|| {
            let found = self.floor_block(start)?;
            // One that was made of the one that began there holds what begins there.
            Ok(found.filter(|kept| kept.holds(start)))
        })
    }

    fn floor(&self, place: Start) -> Result<Option<Kept>, StorageError> {
        self.look(|| self.floor_block(place))
    }

    fn first(&self, lineage: Lineage) -> Result<Option<Kept>, StorageError> {
        self.look(|| {
            let prefix = of_lineage(tag::CHUNK, lineage);
            let found = self.catalogue.scan(prefix.clone(), Bound::Included(prefix)).next();
            let found = found.transpose()?;
            found.map(|(key, value)| self.open(&key, &value)).transpose()
        })
    }
}

impl Rows for Index {
    fn verify(&self) -> Verify {
        Verify::Checksum
    }

    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError> {
        self.catalogue.get(key)
    }

    fn scan_from(&self, prefix: Vec<u8>, from: Bound<Vec<u8>>) -> impl Iterator<Item = Entry> {
        self.catalogue.scan(prefix, from)
    }

    fn edits(&self) -> u64 {
        self.edits.load(Ordering::Acquire)
    }
}

impl Packed for Index {
    fn piece(&self, lineage: Lineage, position: u64) -> Result<Option<Piece>, StorageError> {
        self.look(|| {
            let Some(kept) = self.holding(lineage, position)? else { return Ok(None) };
            let bytes = kept.file.block(&kept.block)?;
            Ok(Some(Piece { from: kept.block.start.position, bytes }))
        })
    }

    fn bytes(&self, lineage: Lineage, from: u64, to: u64) -> Result<Vec<Bytes>, StorageError> {
        let take = |file: &ChunkFile, blocks: &[Block], from| file.read_across(blocks, from, to);
        self.gather(lineage, (from, to), take, |piece| piece.len() as u64, |_| false)
    }

    fn portions(
        &self,
        lineage: Lineage,
        (from, to): (u64, u64),
        budget: u64,
    ) -> Result<Vec<Portion>, StorageError> {
        let take = |file: &ChunkFile, blocks: &[Block], from| file.leave_across(blocks, from, to);
        let full =
            |portions: &[Portion]| portions.iter().map(Portion::in_memory).sum::<u64>() >= budget;
        let portions = self.gather(lineage, (from, to), take, Portion::len, full)?;
        let (mut joined, mut left) = (Vec::with_capacity(portions.len()), budget);
        for mut portion in portions {
            if portion.in_memory() > left {
                portion.truncate(left);
                if left > 0 {
                    joined.push(portion);
                }
                break;
            }
            left -= portion.in_memory();
            push(&mut joined, portion);
        }
        Ok(joined)
    }

    fn records(
        &self,
        lineage: Lineage,
        span: (u64, u64),
        before: Option<u64>,
    ) -> Result<Vec<RecordMeta>, StorageError> {
        self.look(|| rows_touching(self, lineage, span, before))
    }

    fn record(
        &self,
        lineage: Lineage,
        position: u64,
        sequence: u64,
    ) -> Result<Option<RecordMeta>, StorageError> {
        self.look(|| row_of(self, Start { lineage, position, sequence }))
    }

    fn stretch(&self, name: &SpaceName, sequence: u64) -> Result<Option<Stretch>, StorageError> {
        self.look(|| {
            let (store, space): (StoreId, &str) = (name.store, &name.space);
            let row = Row::Order { store, space, first: SpaceSequence(sequence) };
            let found = self.catalogue.floor(&of_space(store, space), &row.key())?;
            let Some((key, value)) = found else { return Ok(None) };
            let at: OrderRef = decode(&key, &value, Verify::Checksum)?;
            if sequence >= at.to {
                return Ok(None);
            }
            let corrupt = || StorageError::Corrupt(Damage::Content.at(&key));
            let row = Row::parse(&key).ok_or_else(corrupt)?;
            self.file(at.file().ok_or_else(corrupt)?)?.order(&row, &at).map(Some)
        })
    }
}
