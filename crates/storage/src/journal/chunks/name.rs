//! The names of chunk files, and which of those in a folder count.
//!
//! A name says which rounds are in the file. A file replaces every other one whose rounds lie within its own, because it
//! was made of them; those are left over when the program ends before it has removed them.

use std::fmt;
use std::path::{Path, PathBuf};

use headwater_core::storage::StorageError;

use crate::disk::Disk;

/// Where chunk files are, in the data directory.
pub(crate) const FOLDER: &str = "chunks";

const SUFFIX: &str = ".chunk";

/// What is being written, and does not count.
const DRAFT: &str = ".draft";

const DIGITS: usize = 16;

/// The largest round that a name can tell.
const MOST: u64 = 9_999_999_999_999_999;

/// Which rounds are in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChunkName {
    first: u64,
    last: u64,
}

impl ChunkName {
    /// Rounds from the first to the last one; `None` where that is none, or a name cannot tell it.
    pub(crate) fn new(first: u64, last: u64) -> Option<Self> {
        (0 < first && first <= last && last <= MOST).then_some(Self { first, last })
    }

    /// Reads a name; `None` when it is none of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (first, last) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let number = |text: &str| {
            let digits = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        Self::new(number(first)?, number(last)?)
    }

    /// The first round in it.
    pub(crate) fn first(self) -> u64 {
        self.first
    }

    /// The last round in it.
    pub(crate) fn last(self) -> u64 {
        self.last
    }

    /// Whether this file was made of another one.
    pub(crate) fn replaces(self, other: Self) -> bool {
        self != other && self.first <= other.first && other.last <= self.last
    }

    /// Its place in the data directory.
    pub(crate) fn path(self) -> PathBuf {
        Path::new(FOLDER).join(self.to_string())
    }

    /// Where it is until it is complete.
    pub(super) fn draft(self) -> PathBuf {
        Path::new(FOLDER).join(format!("{self}{DRAFT}"))
    }
}

impl fmt::Display for ChunkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016}-{:016}{SUFFIX}", self.first, self.last)
    }
}

/// What is in the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The files that count, by their rounds. No two have one in common.
    pub(crate) files: Vec<ChunkName>,
    /// Files that wider ones replace.
    pub(crate) replaced: Vec<ChunkName>,
    /// Files that were not completed.
    pub(crate) drafts: Vec<String>,
    /// What is none of ours.
    pub(crate) strange: Vec<String>,
}

impl Listing {
    /// Lists the folder.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read; `Corrupt` as [`Self::of`].
    pub(crate) fn read(disk: &dyn Disk) -> Result<Self, StorageError> {
        let names = disk.list(Path::new(FOLDER)).map_err(|error| {
            let folder = disk.describe(Path::new(FOLDER));
            StorageError::Unavailable(format!("cannot list {}: {error}", folder.display()))
        })?;
        Self::of(names)
    }

    /// Sorts out what is listed.
    ///
    /// # Errors
    /// `Corrupt` where two files have rounds in common and neither replaces the other.
    pub(crate) fn of(names: impl IntoIterator<Item = String>) -> Result<Self, StorageError> {
        let mut listing = Self::default();
        let mut all = Vec::new();
        for name in names {
            match ChunkName::parse(&name) {
                Some(chunk) => all.push(chunk),
                None if name.ends_with(DRAFT) => listing.drafts.push(name),
                None => listing.strange.push(name),
            }
        }
        // The widest of those that begin alike comes first, so whatever replaces a file stands before it.
        all.sort_unstable_by_key(|name| (name.first, std::cmp::Reverse(name.last)));
        for name in all {
            match listing.files.last() {
                Some(before) if before.replaces(name) => listing.replaced.push(name),
                Some(before) if before.last >= name.first => {
                    return Err(StorageError::Corrupt(format!(
                        "the chunk files {before} and {name} have rounds in common, and neither replaces the other"
                    )));
                }
                _ => listing.files.push(name),
            }
        }
        Ok(listing)
    }
}

/// Removes drafts and files that are replaced.
///
/// The catalogue has the rows of all files that count by now: those of a file that is replaced may still lead into it.
/// Whether that is durable does not matter: what comes back is removed at the next start.
///
/// # Errors
/// `Unavailable` when one cannot be removed.
pub(crate) fn tidy_up(disk: &dyn Disk, listing: &Listing) -> Result<(), StorageError> {
    let drafts = listing.drafts.iter().map(|name| Path::new(FOLDER).join(name));
    for path in drafts.chain(listing.replaced.iter().map(|name| name.path())) {
        disk.remove(&path).map_err(|error| {
            let path = disk.describe(&path);
            StorageError::Unavailable(format!("cannot remove {}: {error}", path.display()))
        })?;
    }
    Ok(())
}
