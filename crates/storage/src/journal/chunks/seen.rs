//! Which blocks of a file were verified since it was opened.
//!
//! One bit for each [`GRAIN`] bytes of the file: 32 KiB of memory for each GiB, and nothing before the first block is
//! verified. No two blocks that are at least as long as a grain begin in the same one, so a block is known by where it
//! begins. A shorter block is not remembered: reading it whole, each time, costs the disk no more than reading a part of it.
//! That two blocks are never said to be in one place is what the checksum of the rows that say it is for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::refs::Extent;

/// What a disk reads at least.
const GRAIN: u64 = 4096;

/// Blocks that were verified.
#[derive(Debug)]
pub(super) struct Seen {
    grains: u64,
    // Atomics, because readers of different blocks must not wait for each other, and a bit that is seen late only means
    // that a block is verified twice.
    bits: OnceLock<Box<[AtomicU64]>>,
}

impl Seen {
    /// Nothing was verified in a file of so many bytes.
    pub(super) fn new(size: u64) -> Self {
        Self { grains: size.div_ceil(GRAIN), bits: OnceLock::new() }
    }

    /// Whether a block was.
    pub(super) fn contains(&self, block: &Extent) -> bool {
        let Some((word, bit)) = Self::place(block) else { return false };
        let word = self.bits.get().and_then(|bits| bits.get(word));
        word.is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0)
    }

    /// Notes that a block was.
    pub(super) fn insert(&self, block: &Extent) {
        let Some((word, bit)) = Self::place(block) else { return };
        let words = self.grains.div_ceil(64);
        let bits = self.bits.get_or_init(|| (0..words).map(|_| AtomicU64::new(0)).collect());
        if let Some(word) = bits.get(word) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Bytes of memory that the bits take.
    #[cfg(test)]
    pub(super) fn weight(&self) -> usize {
        self.bits.get().map_or(0, |bits| size_of_val(&**bits))
    }

    /// Whether a block is long enough to be remembered.
    pub(super) fn remembers(block: &Extent) -> bool {
        u64::from(block.len) >= GRAIN
    }

    fn place(block: &Extent) -> Option<(usize, u64)> {
        let grain = block.offset / GRAIN;
        Self::remembers(block).then_some(((grain / 64) as usize, 1 << (grain % 64)))
    }
}
