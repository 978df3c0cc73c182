//! Leaving the bytes of blocks where they are, for who only sends them on.
//!
//! They are read all the same the first time after the file was opened, and verified. A file never changes, so what is sent of it
//! afterwards is what was verified.

use headwater_core::storage::{Portion, StorageError};

use super::across::{Part, bounded, follows, within};
use super::file::ChunkFile;
use super::place::Block;
use super::seen::Seen;

/// Fewer bytes than this that lie together are read: to send them takes a system call of their own, which is dearer than a copy.
const LEAST_BYTES: u64 = 32 << 10;

impl ChunkFile {
    /// As [`read_across`](ChunkFile::read_across), with the bytes left in the file where they are many.
    ///
    /// # Errors
    /// As [`read_across`](ChunkFile::read_across).
    pub(crate) fn leave_across(
        &self,
        blocks: &[Block],
        from: u64,
        to: u64,
    ) -> Result<Vec<Portion>, StorageError> {
        let wanted = |block: &Block| {
            let (from, to) = within(block, from, to);
            (to - from) as u64
        };
        let blocks: Vec<&Block> = blocks.iter().filter(|block| wanted(block) > 0).collect();
        let mut portions = Vec::new();
        for group in blocks.chunk_by(|a, b| follows(a, b)) {
            let many = group.iter().map(|block| wanted(block)).sum::<u64>() >= LEAST_BYTES;
            // Short blocks are never known to be sound: they are read, and those around them are not.
            let alike = |a: &&Block, b: &&Block| is_remembered(a) == is_remembered(b);
            for group in group.chunk_by(alike).flat_map(bounded) {
                let left = if many {
                    self.leave_group(group, from, to)
                } else {
                    self.read_group(group, from, to).map(|(read, part)| (read.into(), part))
                };
                match left {
                    Ok((portion, part)) => {
                        push(&mut portions, portion);
                        if part == Part::Some {
                            return Ok(portions);
                        }
                    }
                    Err(error) if portions.is_empty() => return Err(error),
                    Err(_) => return Ok(portions),
                }
            }
        }
        Ok(portions)
    }

    /// Blocks that follow each other in the file, verified if that was not done, up to the first one that is damaged. They are in memory
    /// where that is not remembered.
    fn leave_group(
        &self,
        group: &[&Block],
        from: u64,
        to: u64,
    ) -> Result<(Portion, Part), StorageError> {
        let known = || group.iter().all(|block| self.seen.contains(&block.at.payload));
        if !known() {
            let (read, part) = self.read_group(group, from, to)?;
            if part == Part::Some || !known() {
                return Ok((read.into(), part));
            }
        }
        for block in group {
            self.check(block.file(), &block.at.payload, &block.start.row())?;
        }
        let wanted = |block: &Block| within(block, from, to);
        let len = group.iter().map(|block| wanted(block)).map(|(from, to)| (to - from) as u64);
        let begin = group.first().map(|block| block.at.payload.offset + wanted(block).0 as u64);
        match begin.and_then(|begin| self.range(begin, len.sum())) {
            Some(range) => Ok((Portion::File(range), Part::All)),
            None => self.read_group(group, from, to).map(|(read, part)| (read.into(), part)),
        }
    }
}

/// Whether it is known once it was verified.
fn is_remembered(block: &Block) -> bool {
    Seen::remembers(&block.at.payload)
}

/// Adds a portion, to the last one where it goes on there.
pub(crate) fn push(portions: &mut Vec<Portion>, next: Portion) {
    if let (Some(Portion::File(last)), Portion::File(next)) = (portions.last_mut(), &next)
        && let Some(joined) = last.join(next)
    {
        *last = joined;
    } else {
        portions.push(next);
    }
}
