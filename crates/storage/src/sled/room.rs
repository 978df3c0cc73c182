//! Room on the disk, held before it is needed: a commit that meets a full disk would poison the store.

use std::path::Path;

use headwater_core::change::Unit;

use crate::local::database::tuning::SEGMENT_BYTES;
use crate::local::database::{Held, Room};
use crate::local::decide::DiskSpace;

/// What is always held: some segments for packing, and for sled's own moving about.
const RESERVE: u64 = 16 * SEGMENT_BYTES as u64;

/// How many times what is committed may be written before it lies where it stays: as a group, packed, and moved.
const COPIES: u64 = 4;

/// Whether there is room for a group, beside what is not packed yet.
pub(super) fn look(room: &Room, directory: &Path, group: &[Unit], unpacked: usize) -> DiskSpace {
    let payload: u64 = group.iter().map(Unit::payload_len).sum();
    let needed = payload.saturating_add(unpacked as u64).saturating_mul(COPIES);
    let needed = needed.saturating_add(RESERVE);
    match room.hold(needed) {
        Held::Yes => DiskSpace::Enough,
        Held::No => DiskSpace::Short,
        Held::Unknown => seen(directory, needed),
    }
}

/// Whether so much is free.
fn seen(directory: &Path, needed: u64) -> DiskSpace {
    // A file system that does not tell has to be tried.
    let Ok(volume) = rustix::fs::statvfs(directory) else { return DiskSpace::Enough };
    let free = volume.f_bavail.saturating_mul(volume.f_frsize);
    if free >= needed { DiskSpace::Enough } else { DiskSpace::Short }
}
