//! The number of the last group that was reported as committed, beside the database.
//!
//! sled ends its log where a checksum fails, and so forgets what came after without a word. This file, written after each
//! sync and before anyone is told, is how that is noticed. It is not synced itself: after a loss of power it may be behind,
//! which makes it weaker, and never ahead.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::directory::OpenError;

/// The file's name.
pub(super) const NAME: &str = "COMMITTED";

/// There are two slots, used in turn, so that a torn write leaves the other. They lie in different sectors.
const SLOT_DISTANCE: u64 = 512;

/// Version, three bytes of zero, CRC-32C of the number, the number.
const SLOT_BYTES: usize = 16;

const VERSION: u8 = 1;

/// The open file.
#[derive(Debug)]
pub(super) struct CommittedFile(File);

impl CommittedFile {
    /// Creates the file, durably.
    pub(super) fn create(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(NAME);
        let create = || {
            let file =
                File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
            let file = Self(file);
            file.write_slot(0, 0)?;
            file.write_slot(1, 0)?;
            file.0.sync_all()?;
            Ok(file)
        };
        create().map_err(OpenError::io("cannot create", &path))
    }

    /// Opens the file, and reads what it says.
    pub(super) fn open(directory: &Path) -> Result<(Self, u64), OpenError> {
        let path = directory.join(NAME);
        let file = match File::options().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(OpenError::corrupt(directory, "the file COMMITTED is missing"));
            }
            other => other.map_err(OpenError::io("cannot open", &path))?,
        };
        let slot = |number| read_slot(&file, number).map_err(OpenError::io("cannot read", &path));
        match slot(0)?.max(slot(1)?) {
            Some(group) => Ok((Self(file), group)),
            None => Err(OpenError::corrupt(
                directory,
                "the file COMMITTED does not match its checksums",
            )),
        }
    }

    /// Notes a group.
    pub(super) fn write(&self, group: u64) -> io::Result<()> {
        self.write_slot(group % 2, group)
    }

    fn write_slot(&self, slot_number: u64, group: u64) -> io::Result<()> {
        let number = group.to_le_bytes();
        let mut slot = [0; SLOT_BYTES];
        let (head, tail) = slot.split_at_mut(8);
        tail.copy_from_slice(&number);
        let (tag, sum) = head.split_at_mut(4);
        tag.copy_from_slice(&[VERSION, 0, 0, 0]);
        sum.copy_from_slice(&crc32c::crc32c(&number).to_le_bytes());
        self.0.write_all_at(&slot, slot_number * SLOT_DISTANCE)
    }
}

/// What a slot says; `None` where it cannot be read for its checksum or its length.
fn read_slot(file: &File, slot: u64) -> io::Result<Option<u64>> {
    let mut bytes = [0; SLOT_BYTES];
    match file.read_exact_at(&mut bytes, slot * SLOT_DISTANCE) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let [VERSION, 0, 0, 0, sum @ .., _, _, _, _, _, _, _, _] = bytes else { return Ok(None) };
    let [_, _, _, _, _, _, _, _, number @ ..] = bytes;
    let intact = sum == crc32c::crc32c(&number).to_le_bytes();
    Ok(intact.then(|| u64::from_le_bytes(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(groups: &[u64]) -> (tempfile::TempDir, Vec<u8>) {
        let directory = tempfile::TempDir::new().unwrap();
        let file = CommittedFile::create(directory.path()).unwrap();
        groups.iter().for_each(|group| file.write(*group).unwrap());
        let bytes = std::fs::read(directory.path().join(NAME)).unwrap();
        (directory, bytes)
    }

    fn reread(directory: &Path, bytes: &[u8]) -> Result<u64, OpenError> {
        std::fs::write(directory.join(NAME), bytes).unwrap();
        CommittedFile::open(directory).map(|(_, group)| group)
    }

    #[test]
    fn the_file_is_these_bytes() {
        let (_directory, bytes) = written(&[6, 7]);
        assert_eq!(bytes.len(), 528);
        assert_eq!(bytes[..16], [1, 0, 0, 0, 169, 202, 77, 63, 6, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[512..], [1, 0, 0, 0, 142, 183, 113, 118, 7, 0, 0, 0, 0, 0, 0, 0]);
        assert!(bytes[16..512].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_last_group_is_found_and_damage_never_makes_it_later() {
        let (directory, bytes) = written(&[]);
        assert_eq!(reread(directory.path(), &bytes).unwrap(), 0);
        let (directory, bytes) = written(&[1, 2, 3]);
        assert_eq!(reread(directory.path(), &bytes).unwrap(), 3);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let group = reread(directory.path(), &flipped).unwrap();
            assert!(group == 3 || group == 2, "bit {bit}: {group}");
        }
        for len in 0..bytes.len() {
            let outcome = reread(directory.path(), &bytes[..len]).ok();
            assert_eq!(outcome, (len >= 16).then_some(2), "cut to {len}");
        }
    }
}
