//! Opening sled.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::super::pool::panic_text;
use super::barrier::DATA_FILE;
use super::tuning::{FLUSH_EVERY_MS, SEGMENT_BYTES};
use crate::directory::{OpenError, sync_directory, with_patience};

/// How the name of a file ends in which sled writes down what it has recovered, before it takes the place of the last such one.
const UNFINISHED: &str = ".generating";

/// Opens sled's folder, or creates it.
///
/// This process holds the directory's lock. But sled releases its own a moment after a database was dropped, so a lock
/// that is held is waited for.
pub(crate) fn open(
    directory: &Path,
    folder: &Path,
    cache_bytes: u64,
) -> Result<sled::Db, OpenError> {
    let config = || {
        sled::Config::new()
            .path(folder)
            .cache_capacity(cache_bytes)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
    };
    let attempt = || {
        // Where its files are damaged, sled may also panic.
        match catch_unwind(AssertUnwindSafe(|| config().open())) {
            Ok(Ok(db)) => Ok(Some(db)),
            Ok(Err(error)) if is_locked(&error) => Ok(None),
            Ok(Err(error)) => Err(refused(directory, folder, error)),
            Err(panic) => {
                let reason = panic_text(panic.as_ref());
                let place = format!("its database cannot be opened ({reason})");
                Err(OpenError::corrupt(directory, &place))
            }
        }
    };
    remove_unfinished(folder)?;
    match with_patience(attempt)? {
        Some(db) => Ok(db),
        None => Err(OpenError::InUse { directory: directory.to_owned() }),
    }
}

/// Removes what sled had not finished writing when it ended: it would read that, and find it damaged. The one before is still there,
/// or sled does without.
fn remove_unfinished(folder: &Path) -> Result<(), OpenError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.map_err(OpenError::io("cannot list", folder))?,
    };
    for entry in entries {
        let path = entry.map_err(OpenError::io("cannot list", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(UNFINISHED) {
            fs::remove_file(&path).map_err(OpenError::io("cannot remove", &path))?;
        }
    }
    Ok(())
}

/// sled tells by text alone that a lock was held.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}

fn refused(directory: &Path, folder: &Path, error: sled::Error) -> OpenError {
    match error {
        sled::Error::Io(error) => OpenError::io("cannot open", folder)(error),
        other => OpenError::corrupt(directory, &format!("its database cannot be opened ({other})")),
    }
}

/// Makes the files of a new database durable, which sled leaves to the operating system.
pub(crate) fn sync_files(folder: &Path) -> Result<(), OpenError> {
    let entries = fs::read_dir(folder).map_err(OpenError::io("cannot list", folder))?;
    for entry in entries {
        let path = entry.map_err(OpenError::io("cannot list", folder))?.path();
        if path.is_dir() {
            sync_directory(&path)?;
        } else {
            File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(OpenError::io("cannot sync", &path))?;
        }
    }
    sync_directory(folder)
}

/// Whether sled has let go of its file.
pub(crate) fn is_released(folder: &Path) -> bool {
    let released = with_patience(|| {
        let file = File::open(folder.join(DATA_FILE))?;
        // The lock goes with the file.
        Ok::<_, std::io::Error>(file.try_lock().is_ok().then_some(()))
    });
    matches!(released, Ok(Some(())))
}
