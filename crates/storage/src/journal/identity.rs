//! A number by which the log of this directory is told from every other, drawn when the directory is created.
//!
//! The checksums of the log begin with it. Clients do not know it, so no payload of theirs can pass for a frame.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, IoSlice};
use std::path::Path;

use bytes::Bytes;
use headwater_core::storage::StorageError;

use super::log::Identity;
use crate::disk::{Disk, write_all};

/// The file's name.
pub(super) const NAME: &str = "IDENTITY";

/// The version of the content: version u8, number u64, CRC-32C of both u32, little-endian.
const VERSION: u8 = 1;

const SAID: usize = 9;
const SIZE: usize = SAID + 4;

/// Draws a number, and writes it. Durable when the folder is synced.
pub(super) fn create(disk: &dyn Disk) -> io::Result<()> {
    // The standard library seeds it from the operating system's randomness.
    write(disk, RandomState::new().hash_one(NAME))
}

/// Writes a number.
pub(super) fn write(disk: &dyn Disk, number: u64) -> io::Result<()> {
    let file = disk.create(Path::new(NAME))?;
    write_all(&*file, &mut [IoSlice::new(&encode(number))], 0)?;
    file.sync_data()
}

/// Reads the number.
pub(super) fn read(disk: &dyn Disk) -> Result<Identity, StorageError> {
    let path = disk.describe(Path::new(NAME));
    let read = || {
        let file = disk.open(Path::new(NAME))?;
        if file.size()? == SIZE as u64 { file.read(0, SIZE).map(Some) } else { Ok(None) }
    };
    let damaged = |what: &str| StorageError::Corrupt(format!("{} {what}", path.display()));
    let content = match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(damaged("is missing")),
        Err(error) => {
            let path = path.display();
            return Err(StorageError::Unavailable(format!("cannot read {path}: {error}")));
        }
        Ok(content) => content,
    };
    let number = content.as_deref().and_then(decode);
    number.map(Identity::new).ok_or_else(|| damaged("does not match its checksum"))
}

/// The file's content, after [`read`] has found it sound.
pub(super) fn content(disk: &dyn Disk) -> Result<Bytes, StorageError> {
    let content = disk.open(Path::new(NAME)).and_then(|file| file.read(0, SIZE));
    content.map_err(|error| StorageError::Unavailable(format!("cannot read {NAME}: {error}")))
}

fn encode(number: u64) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let (said, sum) = bytes.split_at_mut(SAID);
    let (version, place) = said.split_at_mut(1);
    version.copy_from_slice(&[VERSION]);
    place.copy_from_slice(&number.to_le_bytes());
    sum.copy_from_slice(&crc32c::crc32c(said).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let [VERSION, number @ .., _, _, _, _] = bytes else { return None };
    let number = u64::from_le_bytes(number.try_into().ok()?);
    (encode(number) == *bytes).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_these_bytes_and_every_flipped_bit_is_noticed() {
        let bytes = encode(0x0102_0304_0506_0708);
        assert_eq!(
            bytes,
            [1, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0].map(|byte| byte).as_slice()[..9]
                .iter()
                .copied()
                .chain(crc32c::crc32c(&bytes[..9]).to_le_bytes())
                .collect::<Vec<u8>>()[..]
        );
        assert_eq!(decode(&bytes), Some(0x0102_0304_0506_0708));
        for bit in 0..SIZE * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
        assert_eq!((decode(&bytes[1..]), decode(&[])), (None, None));
    }
}
