//! What is killed: the storage, and what a kill takes with it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use headwater_tests::{Launch, Storage};

use super::tally::{Tally, below};

/// Memory of the journal before it packs: so little that it packs several times under the load of a round, and merges what it has packed.
const RECENT_BYTES: &str = "65536";

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Sled,
    Journal,
    /// The journal, whose catalogue is lost at each kill: the files alone must tell everything.
    JournalWithoutCatalogue,
}

impl Setting {
    pub(super) const ALL: [Self; 3] = [Self::Sled, Self::Journal, Self::JournalWithoutCatalogue];

    /// A server that is to be killed.
    pub(super) fn launch(self) -> Launch {
        match self {
            Self::Sled => Launch::new(Storage::Sled),
            Self::Journal | Self::JournalWithoutCatalogue => {
                Launch::new(Storage::Journal).flags(&["--recent-bytes", RECENT_BYTES])
            }
        }
    }

    /// Takes away what is lost at a kill; whether there was something.
    pub(super) fn take_away(self, data_dir: &Path) -> bool {
        if self != Self::JournalWithoutCatalogue {
            return false;
        }
        match fs::remove_dir_all(data_dir.join("catalogue")) {
            // A start that was killed may not have come so far.
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            removed => removed.map(|()| true).expect("a folder of a dead server can be removed"),
        }
    }

    /// How often a journal was packed: the last round that a chunk file names.
    pub(super) fn rounds(self, data_dir: &Path) -> usize {
        rounds_in(data_dir).map(|(_, last)| last).max().unwrap_or(0)
    }

    /// How many rounds of a journal have no file of their own any more.
    pub(super) fn merged(self, data_dir: &Path) -> usize {
        rounds_in(data_dir).map(|(first, last)| last - first).sum()
    }

    /// What so many kills should have reached beside what every setting reaches, as in [`Tally::missing`].
    pub(super) fn missing(self, tally: Tally, kills: usize) -> Vec<String> {
        let mut minimums = Vec::new();
        if self != Self::Sled {
            minimums.push(("rounds packed", tally.rounds, 10));
            minimums.push(("rounds merged", tally.merged, 10));
        }
        if self == Self::JournalWithoutCatalogue {
            minimums.push(("catalogues taken away", tally.taken_away, 10));
        }
        below(&minimums, kills)
    }
}

/// The first and the last round of each chunk file.
fn rounds_in(data_dir: &Path) -> impl Iterator<Item = (usize, usize)> {
    let entries = fs::read_dir(data_dir.join("chunks")).into_iter().flatten();
    entries.filter_map(|entry| {
        let name = entry.expect("an entry").file_name().into_string().ok()?;
        let (first, last) = name.strip_suffix(".chunk")?.split_once('-')?;
        Some((first.parse().ok()?, last.get(..16)?.parse().ok()?))
    })
}
