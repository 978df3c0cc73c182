//! Room on the disk, asked for before it is needed: a commit that meets a full disk would poison the store.

use std::path::Path;

use headwater_core::change::Unit;

use crate::local::database::tuning::SEGMENT_BYTES;
use crate::local::decide::DiskSpace;

/// What always stays free: some segments for packing, and for sled's own moving about.
const RESERVE: u64 = 16 * SEGMENT_BYTES as u64;

/// How many times what is committed may be written before it lies where it stays: as a group, packed, and moved.
const COPIES: u64 = 4;

/// Whether there is room for a group, beside what is not packed yet.
pub(super) fn look(directory: &Path, group: &[Unit], unpacked: usize) -> DiskSpace {
    let Ok(volume) = rustix::fs::statvfs(directory) else {
        // A file system that does not tell has to be tried.
        return DiskSpace::Enough;
    };
    let payload: u64 = group.iter().map(Unit::payload_len).sum();
    let needed = payload.saturating_add(unpacked as u64).saturating_mul(COPIES);
    let free = volume.f_bavail.saturating_mul(volume.f_frsize);
    if free >= needed.saturating_add(RESERVE) { DiskSpace::Enough } else { DiskSpace::Short }
}
