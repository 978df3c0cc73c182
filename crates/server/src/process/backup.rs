//! `headwater backup` and `headwater restore`.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use headwater_core::Timestamp;
use headwater_storage::journal::{self, Backup, BackupError, RestoreError, Summary};
use http::{Method, Request, StatusCode};

use super::check;
use super::cli::Of;
use super::exit::{Exit, Failed};
use super::remote::{Remote, refused};
use crate::rfc3339;
use crate::storage::{self, StorageFailure};

/// Where a server is asked.
const TARGET: &str = "/v1/admin/backup";

/// Makes a backup, verifies it on its way, and syncs it. It gets its name last.
pub(super) fn backup(
    of: &Of,
    to: &Path,
    rate: Option<u64>,
    out: &mut impl Write,
) -> Result<(), Failed> {
    let draft = not_there(to)?;
    let written = match of {
        Of::Directory(directory) => {
            let backup = storage::backup(directory);
            let backup = backup.map_err(|error| Failed::new(error.exit(), error.to_string()))?;
            let frames = Frames { backup, rest: Bytes::new() };
            write(frames, &draft, rate)?
        }
        Of::Server(address) => {
            let mut server = Remote::new(address)?;
            let request = Request::builder().method(Method::POST).uri(TARGET).body(Bytes::new());
            let request =
                request.map_err(|error| Failed::new(Exit::Internal, error.to_string()))?;
            let answer = server.send(request)?;
            if answer.status() != StatusCode::OK {
                return Err(refused("no backup was begun", answer));
            }
            write(answer.into_body(), &draft, rate)?
        }
    };
    take_name(&draft, to)?;
    tell(out, "complete", &written)
}

/// Requires that a file is not there yet. What it is called until it is complete.
pub(super) fn not_there(file: &Path) -> Result<PathBuf, Failed> {
    let mut draft = file.as_os_str().to_owned();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    for (path, advice) in
        [(file, "it was not changed"), (&*draft, "it was not completed; remove it first")]
    {
        if path.exists() {
            let path = path.display();
            return Err(Failed::new(Exit::Usage, format!("{path} is there; {advice}")));
        }
    }
    Ok(draft)
}

/// Gives a file that is complete its name, durably.
pub(super) fn take_name(draft: &Path, file: &Path) -> Result<(), Failed> {
    let named = fs::rename(draft, file).and_then(|()| sync_folder_of(file));
    named.map_err(|error| failed("cannot rename", draft, &error))
}

/// Writes what is read to a file that was not there, and verifies it. What does not come to its end is removed.
fn write(input: impl Read, to: &Path, rate: Option<u64>) -> Result<Summary, Failed> {
    let file = File::options().write(true).create_new(true).open(to);
    let file = file.map_err(|error| failed("cannot create", to, &error))?;
    let mut passing = Passing { input, file, begun: Instant::now(), bytes: 0, rate };
    let verified = journal::verify(&mut passing).map_err(|error| {
        Failed::new(Exit::Internal, format!("the backup was not completed: {error}"))
    });
    let synced = verified.and_then(|summary| {
        let synced = passing.file.sync_all().map_err(|error| failed("cannot sync", to, &error));
        synced.map(|()| summary)
    });
    synced.inspect_err(|_| drop(fs::remove_file(to)))
}

/// Makes a data directory of a backup, and says what is damaged in it.
pub(super) fn restore(from: &Path, directory: &Path, out: &mut impl Write) -> Result<(), Failed> {
    let backup = File::open(from).map_err(|error| {
        let exit =
            if error.kind() == io::ErrorKind::NotFound { Exit::Usage } else { Exit::Internal };
        Failed::new(exit, format!("cannot open {}: {error}", from.display()))
    })?;
    let restored = journal::restore(BufReader::new(backup), directory);
    let summary = restored.map_err(|error| not_made(error, from))?;
    tell(out, "restored", &summary)?;
    // What was damaged when the backup was made is so now.
    check::run(directory, out)
}

/// Why there is no new directory.
pub(super) fn not_made(error: RestoreError, from: &Path) -> Failed {
    match error {
        RestoreError::Backup(error) => {
            let exit = match error {
                BackupError::Damaged { .. } | BackupError::Incomplete { .. } => Exit::Corrupt,
                BackupError::Foreign | BackupError::Newer => Exit::Foreign,
                _ => Exit::Internal,
            };
            Failed::new(exit, format!("{} was not restored: {error}", from.display()))
        }
        RestoreError::Directory(error) => {
            let error = StorageFailure::Open(error);
            Failed::new(error.exit(), error.to_string())
        }
        error => Failed::new(Exit::Usage, error.to_string()),
    }
}

fn tell(out: &mut impl Write, what: &str, summary: &Summary) -> Result<(), Failed> {
    let Summary { files, bytes, unit, at, .. } = summary;
    let at = rfc3339::format(Timestamp(*at)).unwrap_or_default();
    writeln!(out, "{what}: {files} files with {bytes} bytes, up to commit {unit} of {at}")
        .map_err(|error| Failed::new(Exit::Internal, format!("standard output: {error}")))
}

fn failed(action: &str, path: &Path, error: &io::Error) -> Failed {
    Failed::new(Exit::Internal, format!("{action} {}: {error}", path.display()))
}

/// Makes the name of a file durable.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The frames of a backup, one behind the other.
struct Frames {
    backup: Backup,
    rest: Bytes,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.backup.next() {
                Some(frame) => self.rest = frame.map_err(io::Error::other)?,
                None => return Ok(0),
            }
        }
        let len = buffer.len().min(self.rest.len());
        buffer.get_mut(..len).unwrap_or_default().copy_from_slice(&self.rest.split_to(len));
        Ok(len)
    }
}

/// What is read is written to a file, no faster than it may.
struct Passing<R> {
    input: R,
    file: File,
    begun: Instant,
    bytes: u64,
    rate: Option<u64>,
}

impl<R: Read> Read for Passing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.file.write_all(buffer.get(..read).unwrap_or_default())?;
        self.bytes += read as u64;
        if let Some(rate) = self.rate {
            let due = Duration::try_from_secs_f64(self.bytes as f64 / rate as f64);
            thread::sleep(due.unwrap_or_default().saturating_sub(self.begun.elapsed()));
        }
        Ok(read)
    }
}
