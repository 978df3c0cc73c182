//! Writing one file of several that lie beside each other.
//!
//! The rows of all of them are gone through together, in the order of their keys, in which payload and orders lie too. So each file is read
//! from its beginning to its end, and next to nothing of them is in memory. Blocks that are nearly full are taken over as they are; small ones that follow each other are filled
//! up. What is written here goes to a draft; it comes to count in `commit`.

use std::sync::Arc;

use headwater_core::storage::StorageError;

use super::super::chunks::{
    Ahead, BLOCK_BYTES, BLOCK_RECORDS, Block, ChunkName, ChunkRows, ChunkWriter, Facts, RowEdit,
    Start,
};
use super::super::holdings::{Holding, Stand};
use super::super::index::Index;
use super::keep::{Keeping, Missing, Older};
use super::order::Orders;
use crate::disk::Disk;
use crate::local::frame::Verify;
use crate::local::row::tag;
use crate::local::rows::Rows;
use crate::local::run::bytes;

/// Part of a full block that is enough to take it over as it is: with less in each, small blocks would stay many.
const FULL: (usize, usize) = (3, 4);

/// A file that is written and synced, save that it does not count.
#[derive(Debug)]
pub(in crate::journal) struct Copied {
    pub(super) writer: ChunkWriter,
    pub(super) name: ChunkName,
    pub(super) inputs: Vec<ChunkName>,
    /// What the footer is to say, without edition and ledger.
    pub(super) facts: Facts,
    pub(super) missing: Missing,
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) enum Failure {
    /// It is to end.
    Stopped,
    /// It cannot be read, or not be written; and what of which file that was, if it was about one.
    Error(StorageError, Option<ChunkName>),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Error(error, None)
    }
}

/// One of the files that are merged.
struct Source<'f> {
    name: ChunkName,
    rows: ChunkRows<'f>,
    next: Option<RowEdit>,
    ahead: Ahead<'f>,
    latest: u64,
}

impl<'f> Source<'f> {
    fn new(holding: &'f Holding) -> Result<Self, Failure> {
        let file = &*holding.file;
        let (name, latest) = (file.footer().name, file.footer().facts.latest);
        let (rows, ahead) = (file.rows(), Ahead::new(file));
        let mut source = Self { name, rows, next: None, ahead, latest };
        source.advance()?;
        Ok(source)
    }

    fn advance(&mut self) -> Result<Option<RowEdit>, Failure> {
        let next = self.rows.next().transpose();
        let next = next.map_err(|error| Failure::Error(error, Some(self.name)))?;
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// The file that is being written.
struct Copy<'i> {
    index: &'i Index,
    writer: ChunkWriter,
    /// Where the block has to begin that follows the ones before in its lineage.
    next: Option<Start>,
    orders: Orders<'i>,
    keeping: Keeping<'i>,
}

/// Writes the file of a window. It asks whether to go on again and again, and says how many bytes it has written.
pub(super) fn copy(
    disk: &Arc<dyn Disk>,
    index: &Index,
    stand: &Stand,
    window: std::ops::Range<usize>,
    goes_on: &dyn Fn(u64) -> bool,
) -> Result<Copied, Failure> {
    let empty = || StorageError::Corrupt("there is nothing to merge".to_owned());
    let files = stand.files.get(window.clone()).ok_or_else(empty)?;
    let older = Older::of(stand.files.get(..window.start).unwrap_or_default());
    let (name, facts) = ends(files, stand.edition).ok_or_else(empty)?;
    let mut copy = Copy {
        index,
        writer: ChunkWriter::create_sorted(Arc::clone(disk), name)?,
        next: None,
        orders: Orders::new(index),
        keeping: Keeping { index, older, missing: Missing::default() },
    };
    let mut sources = files.iter().map(Source::new).collect::<Result<Vec<_>, _>>()?;
    while let Some((row, newest)) = next_row(&mut sources)? {
        if !goes_on(copy.writer.written()) {
            return Err(Failure::Stopped);
        }
        if let Some(source) = sources.get_mut(newest) {
            let row = copy.row(row, source);
            row.map_err(|error| Failure::Error(error, Some(source.name)))?;
        }
    }
    copy.orders.flush(&mut copy.writer)?;
    let Copy { mut writer, keeping, .. } = copy;
    writer.settle()?;
    let inputs = files.iter().map(|holding| holding.file.footer().name).collect();
    Ok(Copied { writer, name, inputs, facts, missing: keeping.missing })
}

/// The name of what is made of some files, and what its footer says, given the edition that is looked at.
pub(super) fn ends(files: &[Holding], as_of: u64) -> Option<(ChunkName, Facts)> {
    let (first, last) = (files.first()?.file.footer(), files.last()?.file.footer());
    let name = match files {
        [_] => first.name.again()?,
        _ => ChunkName::new(first.name.first(), last.name.last())?,
    };
    let latest = files.iter().map(|holding| holding.file.footer().facts.latest).max()?;
    Some((name, Facts { as_of, latest, from: first.facts.from, ..last.facts }))
}

/// The row with the least key, as the newest file has it, and which file that is.
fn next_row(sources: &mut [Source<'_>]) -> Result<Option<(RowEdit, usize)>, Failure> {
    let next = |source: &Source<'_>| source.next.as_ref().map(|row| row.key.clone());
    let Some(key) = sources.iter().filter_map(next).min() else { return Ok(None) };
    let mut newest = None;
    for (number, source) in sources.iter_mut().enumerate() {
        if source.next.as_ref().is_some_and(|row| row.key == key) {
            newest = source.advance()?.map(|row| (row, number));
        }
    }
    Ok(newest)
}

impl Copy<'_> {
    fn row(&mut self, row: RowEdit, source: &mut Source<'_>) -> Result<(), StorageError> {
        match row.key.first() {
            Some(&tag::CHUNK) => self.block(&row, &mut source.ahead),
            Some(&tag::ORDER) if self.is_live(&row)? => {
                self.orders.take(&mut self.writer, &row, &mut source.ahead)
            }
            Some(&tag::ORDER) => {
                Err(StorageError::Corrupt("a part of the order of a space is missing".to_owned()))
            }
            _ if self.keeping.keeps(&row, source.latest)? => {
                // What is left of an order comes before rows behind it.
                self.orders.flush(&mut self.writer)?;
                self.writer.row(row.key.to_vec(), row.value.map(|value| value.to_vec()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the catalogue leads to where a row does.
    fn is_live(&self, row: &RowEdit) -> Result<bool, StorageError> {
        let now = self.index.get(&row.key)?;
        Ok(now.as_deref() == row.value.as_deref())
    }

    fn block(&mut self, row: &RowEdit, ahead: &mut Ahead<'_>) -> Result<(), StorageError> {
        let block =
            Block::of_row(&row.key, row.value.as_deref().unwrap_or_default(), Verify::Checksum)?;
        if !self.is_live(row)? {
            self.keeping.missing.block(&block, &row.key);
            return Ok(());
        }
        if self.next != Some(block.start) {
            self.writer.stream(block.start)?;
        }
        self.next = Some(block.next());
        let payload = ahead.payload(&block)?;
        let (stored, table) = ahead.table(&block)?;
        let enough = |whole: usize| whole / FULL.1 * FULL.0;
        let full = payload.len() >= enough(BLOCK_BYTES)
            || block.at.records as usize >= enough(BLOCK_RECORDS);
        // A block that begins or ends in the middle of a record stays as it is.
        let ends = table.runs.last().map(|run| run.end().position);
        if full || table.lead > 0 || ends != Some(block.end()) {
            return self.writer.adopt(&block, &payload, &stored);
        }
        let mut rest = payload;
        for run in &table.runs {
            let len = usize::try_from(bytes(&run.records)).unwrap_or(usize::MAX);
            let piece = rest.split_to(len.min(rest.len()));
            self.writer.push(run.head, &run.records, &[piece])?;
        }
        Ok(())
    }
}
