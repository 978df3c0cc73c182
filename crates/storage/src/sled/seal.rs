//! The seal of a clean stop: the length and the checksum of every file of the database.
//!
//! sled changes its files when it opens them, also where they are damaged. With a seal, damage that happened while nothing
//! ran is found before sled is asked, and everything stays as it is. The seal is removed before sled opens the files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use crate::directory::{OpenError, sync_directory, write_atomically};
use crate::local::frame::Verify;
use crate::local::stored::{StoredSeal, decode, encode};

/// The file's name.
pub(super) const NAME: &str = "SEAL";

/// The name under which the seal is checksummed; it is a file and has no key.
const KEY: &[u8] = b"SEAL";

/// How much of a file is read at once.
const READ_BYTES: usize = 256 * 1024;

/// Seals the database's folder. Durable when it returns.
pub(super) fn close(directory: &Path, database: &Path) -> Result<(), OpenError> {
    let seal = StoredSeal { files: survey(database)? };
    let encoded = encode(KEY, &seal).map_err(|error| OpenError::Corrupt(error.to_string()))?;
    write_atomically(directory, NAME, &encoded)
}

/// Compares the database's folder with its seal, if there is one.
pub(super) fn compare(directory: &Path, database: &Path) -> Result<(), OpenError> {
    let path = directory.join(NAME);
    let content = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(OpenError::io("cannot read", &path))?,
    };
    let seal: StoredSeal = decode(KEY, &content, Verify::Checksum)
        .map_err(|_| OpenError::corrupt(directory, "the file SEAL does not match its checksum"))?;
    let found = survey(database)?;
    let differing = seal.files.iter().find(|file| !found.contains(file));
    let strange = found.iter().find(|file| !seal.files.contains(file));
    match differing.or(strange) {
        None => Ok(()),
        Some((name, ..)) => {
            let place = format!("the file {name} of its database changed since it was closed");
            Err(OpenError::corrupt(directory, &place))
        }
    }
}

/// Removes the seal, durably: from now on the database may change.
pub(super) fn open(directory: &Path) -> Result<(), OpenError> {
    let path = directory.join(NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => {
            other.map_err(OpenError::io("cannot remove", &path))?;
            sync_directory(directory)
        }
    }
}

/// Path, length and checksum of every file in a folder and the folders in it.
fn survey(folder: &Path) -> Result<Vec<(String, u64, u32)>, OpenError> {
    let mut files = Vec::new();
    visit(folder, "", &mut files)?;
    files.sort_unstable();
    Ok(files)
}

fn visit(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<(String, u64, u32)>,
) -> Result<(), OpenError> {
    let entries = fs::read_dir(folder).map_err(OpenError::io("cannot list", folder))?;
    for entry in entries {
        let path = entry.map_err(OpenError::io("cannot list", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            visit(&path, &format!("{name}/"), files)?;
        } else {
            let (len, sum) = checksum(&path).map_err(OpenError::io("cannot read", &path))?;
            files.push((name, len, sum));
        }
    }
    Ok(())
}

fn checksum(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; READ_BYTES];
    let (mut len, mut sum) = (0, 0);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((len, sum));
        };
        len += read as u64;
        sum = crc32c::crc32c_append(sum, bytes);
    }
}
