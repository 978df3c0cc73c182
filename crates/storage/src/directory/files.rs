//! Small files that are replaced as a whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::OpenError;

/// Replaces a file: a crash leaves the old content or the new one. Durable when it returns.
#[cfg(feature = "sled")]
pub(crate) fn write_atomically(
    directory: &Path,
    name: &str,
    content: &[u8],
) -> Result<(), OpenError> {
    let draft = directory.join(format!("{name}.new"));
    write_synced(&draft, content)?;
    rename(directory, &draft, name)
}

/// Writes a file and syncs it, though not its name.
pub(super) fn write_synced(path: &Path, content: &[u8]) -> Result<(), OpenError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(OpenError::io("cannot write", path))
}

/// Gives a file its final name in the same directory. Durable when it returns.
pub(super) fn rename(directory: &Path, from: &Path, name: &str) -> Result<(), OpenError> {
    fs::rename(from, directory.join(name)).map_err(OpenError::io("cannot rename", from))?;
    sync_directory(directory)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), OpenError> {
    let sync = || File::open(directory)?.sync_all();
    sync().map_err(OpenError::io("cannot sync", directory))
}
