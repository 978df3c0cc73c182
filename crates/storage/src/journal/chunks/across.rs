//! Reading the bytes of blocks.
//!
//! The first time after the file was opened, a block is read and verified whole; afterwards, only what is asked for is read.

use bytes::Bytes;
use headwater_core::storage::StorageError;

use super::file::ChunkFile;
use super::place::Block;

/// What one read of several blocks takes at most: larger ones are not faster, and wait in memory for whoever asked.
const READ_BYTES: u64 = 1 << 20;

impl ChunkFile {
    /// All bytes of a block.
    pub(crate) fn block(&self, block: &Block) -> Result<Bytes, StorageError> {
        self.payload(block, block.start.position, block.end())
    }

    /// The bytes of a block at the positions `from..to`, as far as it has them.
    ///
    /// The first time, all of it is read and verified, and afterwards only what is asked for.
    pub(crate) fn payload(&self, block: &Block, from: u64, to: u64) -> Result<Bytes, StorageError> {
        let extent = &block.at.payload;
        self.check(block.file(), extent, &block.start.row())?;
        let (from, to) = within(block, from, to);
        if from == to {
            return Ok(Bytes::new());
        }
        if self.seen.contains(extent) {
            return self.read(extent.offset + from as u64, to - from);
        }
        let bytes = self.read(extent.offset, extent.len as usize)?;
        self.verify(extent, &bytes, &block.start.row())?;
        self.seen.insert(extent);
        Ok(bytes.slice(from..to))
    }

    /// The bytes at the positions `from..to` of some blocks that follow each other in their lineage: a first part of them, at
    /// least one where there is any. Blocks that follow each other in the file are read at once, and each piece keeps what was
    /// read with it in memory.
    ///
    /// # Errors
    /// When the first byte that is asked for cannot be had. Damage behind it ends the part.
    pub(crate) fn read_across(
        &self,
        blocks: &[Block],
        from: u64,
        to: u64,
    ) -> Result<Vec<Bytes>, StorageError> {
        let wanted = |block: &&Block| {
            let (from, to) = within(block, from, to);
            from < to
        };
        let blocks: Vec<&Block> = blocks.iter().filter(wanted).collect();
        let mut pieces = Vec::new();
        let joined = |a: &&Block, b: &&Block| follows(a, b);
        for group in blocks.chunk_by(joined) {
            for group in bounded(group) {
                match self.read_group(group, from, to) {
                    Ok((read, part)) => {
                        pieces.push(read);
                        if part == Part::Some {
                            return Ok(pieces);
                        }
                    }
                    Err(error) if pieces.is_empty() => return Err(error),
                    Err(_) => return Ok(pieces),
                }
            }
        }
        Ok(pieces)
    }

    /// Blocks that follow each other in the file, in one piece, up to the first one that is damaged.
    pub(super) fn read_group(
        &self,
        group: &[&Block],
        from: u64,
        to: u64,
    ) -> Result<(Bytes, Part), StorageError> {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            return Ok((Bytes::new(), Part::All));
        };
        let known = |block: &Block| self.seen.contains(&block.at.payload);
        let (head, _) = if known(first) { within(first, from, to) } else { (0, 0) };
        let (_, tail) = if known(last) { within(last, from, to) } else { (0, len(last)) };
        for block in group {
            self.check(block.file(), &block.at.payload, &block.start.row())?;
        }
        let begin = first.at.payload.offset + head as u64;
        let end = last.at.payload.offset + tail as u64;
        let Ok(bytes) = self.read(begin, (end - begin) as usize) else {
            // Perhaps only one of them cannot be read.
            return self.payload(first, from, to).map(|bytes| (bytes, Part::Some));
        };
        let start = within(first, from, to).0 - head;
        let (mut sound, mut part) = (start, Part::All);
        for block in group {
            // Where it begins in what was read. Only the first one may begin before that, and has been verified then.
            let base = block.at.payload.offset.saturating_sub(begin) as usize;
            if !known(block) {
                let whole = bytes.slice(base..base + len(block));
                match self.verify(&block.at.payload, &whole, &block.start.row()) {
                    Ok(()) => self.seen.insert(&block.at.payload),
                    Err(error) if sound == start => return Err(error),
                    Err(_) => {
                        part = Part::Some;
                        break;
                    }
                }
            }
            let cut = begin.saturating_sub(block.at.payload.offset) as usize;
            sound = base + within(block, from, to).1 - cut;
        }
        Ok((bytes.slice(start..sound), part))
    }
}

/// How much of some blocks was had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    All,
    Some,
}

fn len(block: &Block) -> usize {
    block.at.payload.len as usize
}

/// What a block has of the positions `from..to`, counted from its own beginning.
pub(super) fn within(block: &Block, from: u64, to: u64) -> (usize, usize) {
    let (begin, end) = (block.start.position, block.end());
    // Both differences are at most the length of the block.
    let (from, to) = (from.clamp(begin, end) - begin, to.clamp(begin, end) - begin);
    (from as usize, (to as usize).max(from as usize))
}

/// Whether a block follows another one in the file.
pub(super) fn follows(a: &Block, b: &Block) -> bool {
    a.file() == b.file() && a.at.payload.end() == Some(b.at.payload.offset)
}

/// Divides blocks so that none of the parts is read at too great a length.
pub(super) fn bounded<'g>(mut group: &'g [&'g Block]) -> impl Iterator<Item = &'g [&'g Block]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |block: &&&Block| {
            bytes += u64::from(block.at.payload.len);
            bytes <= READ_BYTES
        };
        let count = group.iter().take_while(fits).count().max(1);
        let (now, later) = group.split_at_checked(count).unwrap_or((group, &[]));
        group = later;
        (!now.is_empty()).then_some(now)
    })
}
