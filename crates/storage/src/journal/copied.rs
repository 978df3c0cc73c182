//! The mark of a directory that was made of another one, by restoring a backup or by repair: what it was made of may have gone on.
//!
//! So numbers that come behind its last one may have been given already, and clients may hold them. The first start jumps over them
//! ([`loss`](super::loss)); from then on the mark says nothing any more, because the numbers are above it. It is never removed.

use std::io::{self, IoSlice};
use std::path::Path;

use headwater_core::storage::StorageError;

use crate::disk::{Disk, write_all};

/// The file's name.
pub(super) const NAME: &str = "COPIED";

/// The version of the content: version u8, unit u64, CRC-32C of both u32, little-endian.
const VERSION: u8 = 1;

const SAID: usize = 9;
const SIZE: usize = SAID + 4;

/// What the mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// The last unit that is known to have been counted in what this was made of.
    pub(super) unit: u64,
}

/// Marks a directory. Durable when the folder is synced.
pub(super) fn write(disk: &dyn Disk, copied: Copied) -> io::Result<()> {
    let file = disk.create(Path::new(NAME))?;
    write_all(&*file, &mut [IoSlice::new(&encode(copied))], 0)?;
    file.sync_data()
}

/// The mark, if there is one.
pub(super) fn read(disk: &dyn Disk) -> Result<Option<Copied>, StorageError> {
    let path = disk.describe(Path::new(NAME));
    let read = || {
        let file = disk.open(Path::new(NAME))?;
        if file.size()? == SIZE as u64 { file.read(0, SIZE).map(Some) } else { Ok(None) }
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let path = path.display();
            Err(StorageError::Unavailable(format!("cannot read {path}: {error}")))
        }
        Ok(content) => match content.as_deref().and_then(decode) {
            Some(copied) => Ok(Some(copied)),
            None => {
                let path = path.display();
                Err(StorageError::Corrupt(format!("{path} does not match its checksum")))
            }
        },
    }
}

fn encode(copied: Copied) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let (said, sum) = bytes.split_at_mut(SAID);
    let (version, unit) = said.split_at_mut(1);
    version.copy_from_slice(&[VERSION]);
    unit.copy_from_slice(&copied.unit.to_le_bytes());
    sum.copy_from_slice(&crc32c::crc32c(said).to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Copied> {
    let [VERSION, unit @ .., _, _, _, _] = bytes else { return None };
    let copied = Copied { unit: u64::from_le_bytes(unit.try_into().ok()?) };
    (encode(copied) == *bytes).then_some(copied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_these_bytes_and_every_flipped_bit_is_noticed() {
        let copied = Copied { unit: 0x0102_0304_0506_0708 };
        let bytes = encode(copied);
        assert_eq!(bytes[..SAID], [1, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(bytes[SAID..], crc32c::crc32c(&bytes[..SAID]).to_le_bytes());
        assert_eq!(decode(&bytes), Some(copied));
        for bit in 0..SIZE * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
        assert_eq!((decode(&bytes[1..]), decode(&[])), (None, None));
    }
}
