//! Room on the disk, asked for before it is needed: a commit that meets a full disk would poison the store.

use headwater_core::change::Unit;

use crate::disk::Disk;
use crate::local::decide::DiskSpace;

/// What always stays free: a journal file, and chunk files that take the place of others before these go.
pub(super) const RESERVE: u64 = 16 << 20;

/// How many times what is committed may be written before it lies where it stays: in the journal, and packed.
const COPIES: u64 = 2;

/// Whether there is room for a group, beside what is not packed yet.
pub(super) fn look(disk: &dyn Disk, group: &[Unit], unpacked: usize) -> DiskSpace {
    // A file system that does not tell has to be tried.
    let Some(free) = disk.free_bytes() else { return DiskSpace::Enough };
    let payload: u64 = group.iter().map(Unit::payload_len).sum();
    let needed = payload.saturating_add(unpacked as u64).saturating_mul(COPIES);
    if free >= needed.saturating_add(RESERVE) { DiskSpace::Enough } else { DiskSpace::Short }
}
