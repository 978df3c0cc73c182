//! The names of chunk files, and which of those in a folder count.
//!
//! A name says which rounds are in the file, and how often these rounds alone were written anew. A file replaces every other one
//! whose rounds lie within its own, because it was made of them; those are left over when the program ends before it has
//! removed them.

use std::cmp::Reverse;
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

/// Digits of how often rounds were written anew. Each time a file loses half of what was in it, so no file comes to its tenth.
const TURN_DIGITS: usize = 4;

/// The largest turn that a name can tell.
const MOST_TURNS: u32 = 9_999;

/// The largest round that a name can tell.
const MOST: u64 = 9_999_999_999_999_999;

/// Which rounds are in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChunkName {
    first: u64,
    last: u64,
    turn: u32,
}

impl ChunkName {
    /// Rounds from the first to the last one; `None` where that is none, or a name cannot tell it.
    pub(crate) fn new(first: u64, last: u64) -> Option<Self> {
        Self::with_turn(first, last, 0)
    }

    /// The same, written anew so many times.
    pub(crate) fn with_turn(first: u64, last: u64, turn: u32) -> Option<Self> {
        let fits = 0 < first && first <= last && last <= MOST && turn <= MOST_TURNS;
        fits.then_some(Self { first, last, turn })
    }

    /// The name of a file that is made of this one alone.
    pub(crate) fn again(self) -> Option<Self> {
        Self::with_turn(self.first, self.last, self.turn.checked_add(1)?)
    }

    /// Reads a name; `None` when it is none of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (first, last) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        let (last, turn) = match last.split_once('-') {
            Some((last, turn)) => (last, number(turn, TURN_DIGITS).filter(|turn| *turn > 0)?),
            None => (last, 0),
        };
        let turn = u32::try_from(turn).ok()?;
        Self::with_turn(number(first, DIGITS)?, number(last, DIGITS)?, turn)
    }

    /// The first round in it.
    pub(crate) fn first(self) -> u64 {
        self.first
    }

    /// The last round in it.
    pub(crate) fn last(self) -> u64 {
        self.last
    }

    /// How often these rounds were written anew.
    pub(crate) fn turn(self) -> u32 {
        self.turn
    }

    /// Whether this file was made of another one.
    pub(crate) fn replaces(self, other: Self) -> bool {
        let within = self.first <= other.first && other.last <= self.last;
        let alike = (self.first, self.last) == (other.first, other.last);
        within && (!alike || other.turn < self.turn)
    }

    /// Its place in the data directory.
    pub(crate) fn path(self) -> PathBuf {
        Path::new(FOLDER).join(self.to_string())
    }

    /// Where it is until it is complete.
    pub(crate) fn draft(self) -> PathBuf {
        Path::new(FOLDER).join(format!("{self}{DRAFT}"))
    }

    /// Where its rows are until all else is written.
    pub(crate) fn rows_draft(self) -> PathBuf {
        Path::new(FOLDER).join(format!("{self}.rows{DRAFT}"))
    }
}

impl fmt::Display for ChunkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016}-{:016}", self.first, self.last)?;
        if self.turn > 0 {
            write!(f, "-{:04}", self.turn)?;
        }
        f.write_str(SUFFIX)
    }
}

/// A number that stands in a name with so many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    let sound = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| text.parse().ok()).flatten()
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
        // The widest of those that begin alike comes first, and of these the newest, so whatever replaces a file stands before it.
        all.sort_unstable_by_key(|name| (name.first, Reverse(name.last), Reverse(name.turn)));
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
