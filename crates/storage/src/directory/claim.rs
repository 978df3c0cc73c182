//! Claiming a directory: whose is it, is it free, and was it finished?

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::OpenError;
use super::files::{rename, sync_directory, write_synced};
use super::manifest::{Manifest, NotAManifest};

const MANIFEST: &str = "MANIFEST";

/// The manifest while the directory comes into being.
const DRAFT: &str = "MANIFEST.new";

const LOCK: &str = "LOCK";

/// What file systems put into a fresh volume by themselves.
const NOBODYS: &str = "lost+found";

/// Pauses between attempts to get hold of something that its last owner is about to let go: doubling from here …
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// … and two seconds in all, which a server that is being restarted waits without anyone noticing.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an adapter keeps in its directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Its name, as the manifest says it.
    pub(crate) adapter: &'static str,
    /// The newest version of its format.
    pub(crate) format: u32,
    /// The files and folders that it creates. Only these are removed when an unfinished creation is begun anew.
    pub(crate) owns: &'static [&'static str],
}

/// A directory that this handle alone has open.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Held, never read: closing the file is what releases the lock.
    _lock: File,
}

/// What was claimed.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// A directory that is to come into being.
    New(DataDir),
    /// One that holds data.
    Existing(DataDir),
}

/// What a look at a directory tells, without changing anything.
enum Found {
    /// There is nothing.
    Vacant,
    /// There is what an unfinished creation left.
    Unfinished(Manifest),
    /// A data directory.
    Ours(Manifest),
}

/// The name of the adapter that keeps its data in a directory, or `None` where a new one can be made.
///
/// Changes nothing.
///
/// # Errors
/// [`OpenError::Foreign`] when it holds something else, and as the reading of a manifest fails.
pub fn detect(directory: &Path) -> Result<Option<String>, OpenError> {
    match look(directory)? {
        Found::Ours(manifest) => Ok(Some(manifest.adapter)),
        Found::Vacant | Found::Unfinished(_) => Ok(None),
    }
}

/// Keeps others from opening an adapter's directory for as long as the value lives, without changing anything in it. `None`
/// where there is nothing to lock.
///
/// # Errors
/// As [`DataDir::claim`].
#[cfg(feature = "journal")]
pub(crate) fn hold(directory: &Path, layout: Layout) -> Result<Option<File>, OpenError> {
    acceptable(directory, layout)?;
    lock_if_there(directory)
}

#[cfg(feature = "journal")]
fn lock_if_there(directory: &Path) -> Result<Option<File>, OpenError> {
    let path = directory.join(LOCK);
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(OpenError::io("cannot open", &path))?,
    };
    take(file, directory, &path).map(Some)
}

/// As [`hold`], also where the manifest is damaged or missing, which is told.
///
/// # Errors
/// As [`hold`], when the manifest says that it is another's.
#[cfg(feature = "journal")]
pub(crate) fn hold_whatever_it_is(
    directory: &Path,
    layout: Layout,
    tell: impl FnOnce(String),
) -> Result<Option<File>, OpenError> {
    if names(directory)?.is_none() {
        let error = std::io::ErrorKind::NotFound.into();
        return Err(OpenError::io("cannot open", directory)(error));
    }
    let path = directory.join(MANIFEST);
    match fs::read(&path) {
        Ok(content) => match Manifest::parse(&content) {
            Ok(_) | Err(NotAManifest::Newer(_)) => drop(acceptable(directory, layout)?),
            Err(_) => tell(format!("{} does not match its checksum", path.display())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            tell(format!("{} is missing", path.display()));
        }
        Err(error) => return Err(OpenError::io("cannot read", &path)(error)),
    }
    lock_if_there(directory)
}

impl DataDir {
    /// Takes a directory for an adapter, and creates it if there is none.
    ///
    /// # Errors
    /// [`OpenError`], in all its kinds. Nothing was changed unless it was [`OpenError::Io`].
    pub(crate) fn claim(directory: &Path, layout: Layout) -> Result<Claimed, OpenError> {
        acceptable(directory, layout)?;
        create(directory)?;
        let claimed = Self { path: directory.to_owned(), _lock: lock(directory)? };
        // Looked at once more, because until now another process could have created something here.
        match acceptable(directory, layout)? {
            Found::Ours(_) => Ok(Claimed::Existing(claimed)),
            Found::Vacant | Found::Unfinished(_) => {
                claimed.begin(layout)?;
                Ok(Claimed::New(claimed))
            }
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Clears what an unfinished creation left, and says that one is under way.
    fn begin(&self, layout: Layout) -> Result<(), OpenError> {
        for name in layout.owns {
            let path = self.path.join(name);
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(OpenError::io("cannot remove", &path)(error));
                }
                _ => {}
            }
        }
        let manifest = Manifest { adapter: layout.adapter.to_owned(), format: layout.format };
        write_synced(&self.path.join(DRAFT), manifest.render().as_bytes())?;
        sync_directory(&self.path)
    }

    /// Says that all an adapter needs is there, and durable: from now on this is its data directory.
    ///
    /// # Errors
    /// [`OpenError::Io`]; the creation is then still unfinished.
    pub(crate) fn finish(&self) -> Result<(), OpenError> {
        rename(&self.path, &self.path.join(DRAFT), MANIFEST)
    }
}

/// A directory that holds nothing yet, and that this handle alone has. A start on it is refused from the first file on that is put
/// into it, until it is finished.
#[cfg(feature = "journal")]
#[derive(Debug)]
pub(crate) struct Vacant {
    path: PathBuf,
    layout: Layout,
    _lock: File,
}

#[cfg(feature = "journal")]
impl Vacant {
    /// Takes a directory, and creates it if there is none; or says what it holds.
    ///
    /// # Errors
    /// [`OpenError`], when that cannot be told, or another process has it.
    pub(crate) fn occupy(
        directory: &Path,
        layout: Layout,
    ) -> Result<Result<Self, String>, OpenError> {
        if let Some(found) = Self::holds(directory)? {
            return Ok(Err(found));
        }
        create(directory)?;
        let vacant = Self { path: directory.to_owned(), layout, _lock: lock(directory)? };
        // Looked at once more, because until now another process could have created something here.
        match Self::holds(directory)? {
            Some(found) => Ok(Err(found)),
            None => Ok(Ok(vacant)),
        }
    }

    fn holds(directory: &Path) -> Result<Option<String>, OpenError> {
        let names = match names(directory)? {
            Some(names) => names,
            None => return Ok(None),
        };
        let found = names.iter().find(|name| *name != LOCK && *name != NOBODYS);
        Ok(found.map(|name| name.display().to_string()))
    }

    /// Says that all that belongs into it is there, and synced: from now on it is a data directory. Durable when it returns.
    ///
    /// # Errors
    /// [`OpenError::Io`].
    pub(crate) fn finish(&self) -> Result<(), OpenError> {
        let Layout { adapter, format, .. } = self.layout;
        let manifest = Manifest { adapter: adapter.to_owned(), format };
        // Not the draft that a creation writes first: with that one there, a start would clear the directory.
        let draft = self.path.join("MANIFEST.restored");
        let written = write_synced(&draft, manifest.render().as_bytes())
            .and_then(|()| rename(&self.path, &draft, MANIFEST));
        written.inspect_err(|_| drop(fs::remove_file(&draft)))
    }

    /// Gives it up.
    pub(crate) fn leave(self) {
        drop(fs::remove_file(self.path.join(LOCK)));
    }
}

/// Creates a directory and those above it that are missing, durably: without its name, all that is in it is lost.
fn create(directory: &Path) -> Result<(), OpenError> {
    let changed = parents_of_missing(directory);
    fs::create_dir_all(directory).map_err(OpenError::io("cannot create", directory))?;
    changed.into_iter().try_for_each(sync_directory)
}

/// The directories that will hold a new name when a directory is created, innermost first.
pub(super) fn parents_of_missing(directory: &Path) -> Vec<&Path> {
    let missing = directory.ancestors().take_while(|path| !path.exists());
    let parents = missing.filter_map(Path::parent);
    // The parent of a relative path's first part is the working directory, whose own name is empty.
    parents.map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path }).collect()
}

/// Looks whether an adapter can have a directory.
fn acceptable(directory: &Path, layout: Layout) -> Result<Found, OpenError> {
    let found = look(directory)?;
    if let Found::Ours(manifest) | Found::Unfinished(manifest) = &found {
        if manifest.adapter != layout.adapter {
            let found = format!("its data is kept by the storage adapter `{}`", manifest.adapter);
            return Err(OpenError::Foreign { directory: directory.to_owned(), found });
        }
        if manifest.format > layout.format {
            return Err(OpenError::NewerFormat {
                directory: directory.to_owned(),
                found: manifest.format,
                known: layout.format,
            });
        }
    }
    Ok(found)
}

fn look(directory: &Path) -> Result<Found, OpenError> {
    let Some(names) = names(directory)? else { return Ok(Found::Vacant) };
    if names.iter().any(|name| name == MANIFEST) {
        return read_manifest(directory).map(Found::Ours);
    }
    if names.iter().any(|name| name == DRAFT)
        && let Some(draft) = read_draft(directory)?
    {
        // A draft that can be read stood, synced, before anything else was created: what is here is its work.
        return Ok(Found::Unfinished(draft));
    }
    match names.iter().find(|name| *name != LOCK && *name != NOBODYS && *name != DRAFT) {
        Some(name) => {
            let found = format!("it has no MANIFEST, and it contains `{}`", name.display());
            Err(OpenError::Foreign { directory: directory.to_owned(), found })
        }
        None => Ok(Found::Vacant),
    }
}

/// What is in a directory; `None` where there is none.
fn names(directory: &Path) -> Result<Option<Vec<OsString>>, OpenError> {
    match fs::read_dir(directory) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<Vec<_>, _>>()
            .map(Some)
            .map_err(OpenError::io("cannot list", directory)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            let found = "it is no directory".to_owned();
            Err(OpenError::Foreign { directory: directory.to_owned(), found })
        }
        Err(error) => Err(OpenError::io("cannot list", directory)(error)),
    }
}

fn read_manifest(directory: &Path) -> Result<Manifest, OpenError> {
    let path = directory.join(MANIFEST);
    let content = fs::read(&path).map_err(OpenError::io("cannot read", &path))?;
    let whose = || directory.to_owned();
    Manifest::parse(&content).map_err(|reason| match reason {
        NotAManifest::Foreign => {
            let found = "its MANIFEST was not written by this program".to_owned();
            OpenError::Foreign { directory: whose(), found }
        }
        NotAManifest::Newer(form) => {
            OpenError::NewerFormat { directory: whose(), found: form, known: 1 }
        }
        NotAManifest::Damaged => {
            OpenError::corrupt(directory, "the checksum of MANIFEST does not match")
        }
    })
}

fn read_draft(directory: &Path) -> Result<Option<Manifest>, OpenError> {
    let path = directory.join(DRAFT);
    let content = fs::read(&path).map_err(OpenError::io("cannot read", &path))?;
    Ok(Manifest::parse(&content).ok())
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    take(file.map_err(OpenError::io("cannot open", &path))?, directory, &path)
}

/// Locks a file that is open.
fn take(file: File, directory: &Path, path: &Path) -> Result<File, OpenError> {
    let locked = with_patience(|| match file.try_lock() {
        Ok(()) => Ok(Some(())),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(OpenError::io("cannot lock", path)(error)),
    })?;
    match locked {
        Some(()) => Ok(file),
        None => Err(OpenError::InUse { directory: directory.to_owned() }),
    }
}

/// Tries something until it gives an answer or patience is at its end, which is `None`.
pub(crate) fn with_patience<T, E>(
    mut attempt: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let (mut pause, mut waited) = (FIRST_PAUSE, Duration::ZERO);
    loop {
        if let Some(answer) = attempt()? {
            return Ok(Some(answer));
        }
        if waited >= PATIENCE {
            return Ok(None);
        }
        thread::sleep(pause);
        waited += pause;
        pause = (pause * 2).min(PATIENCE.saturating_sub(waited).max(FIRST_PAUSE));
    }
}
