//! The seal of a clean stop: where the log ends, so that nothing that was durable can be missing unnoticed.
//!
//! It is removed, durably, before anything is written, so that it never speaks of a log that went on.

use std::io;
use std::path::Path;

use bytes::{Buf, BufMut, Bytes};

use super::{Files, Flaw, Identity, Mark, Place, ReadError};
use crate::disk::write_all;

/// The file's name, in the disk's root.
pub(crate) const NAME: &str = "SEAL";

/// The name it has until it is complete.
const DRAFT: &str = "SEAL.new";

/// The version of the content: version u8, generation u64, offset u32, group u64, then the checksum of these u32.
const VERSION: u8 = 1;

/// Bytes of the content without the checksum.
const SAID: usize = 21;

/// Bytes of the content.
const SIZE: usize = SAID + 4;

/// Seals the log. Durable when it returns.
pub(super) fn write(files: &Files, end: Mark) -> io::Result<()> {
    let disk = files.disk();
    remove_if_there(files, DRAFT)?;
    let file = disk.create(Path::new(DRAFT))?;
    write_all(&*file, &mut [io::IoSlice::new(&encode(files.identity(), end))], 0)?;
    file.sync_data()?;
    disk.rename(Path::new(DRAFT), Path::new(NAME))?;
    disk.sync_folder(Path::new(""))
}

/// The end that the log was sealed with, if it was.
pub(super) fn read(files: &Files) -> Result<Option<Mark>, ReadError> {
    let path = files.disk().describe(Path::new(NAME));
    let read = || {
        let file = files.disk().open(Path::new(NAME))?;
        let size = file.size()?;
        // A seal of another size is damaged; one that pretends to be huge is not read at all.
        if size == SIZE as u64 { file.read(0, SIZE).map(Some) } else { Ok(None) }
    };
    let content = match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        content => content.map_err(ReadError::io("read", &path))?,
    };
    let sealed = content.and_then(|content| {
        let end = decode(&content)?;
        (encode(files.identity(), end) == *content).then_some(end)
    });
    let damaged = ReadError::Corrupt { path, offset: 0, flaw: Flaw::Seal, later: None };
    sealed.ok_or(damaged).map(Some)
}

/// Removes the seal durably.
pub(super) fn remove(files: &Files) -> io::Result<()> {
    remove_if_there(files, NAME)?;
    remove_if_there(files, DRAFT)?;
    files.disk().sync_folder(Path::new(""))
}

fn remove_if_there(files: &Files, name: &str) -> io::Result<()> {
    match files.disk().remove(Path::new(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The content of the seal of a log that ends there.
pub(crate) fn content(identity: Identity, end: Mark) -> Bytes {
    Bytes::copy_from_slice(&encode(identity, end))
}

fn encode(identity: Identity, end: Mark) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    let (said, mut sum) = bytes.split_at_mut(SAID);
    let mut out = &mut *said;
    out.put_u8(VERSION);
    out.put_u64_le(end.place.generation);
    out.put_u32_le(end.place.offset);
    out.put_u64_le(end.group);
    sum.put_u32_le(identity.checksum(said));
    bytes
}

/// What the content says, whether or not that is true.
fn decode(mut content: &[u8]) -> Option<Mark> {
    let version = content.try_get_u8().ok()?;
    let generation = content.try_get_u64_le().ok()?;
    let offset = content.try_get_u32_le().ok()?;
    let group = content.try_get_u64_le().ok()?;
    (version == VERSION).then_some(Mark { place: Place { generation, offset }, group })
}
