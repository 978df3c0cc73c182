//! Opening: which files count, whether the catalogue is theirs, and what the journal has beyond them.
//!
//! 1. The chunk files are listed, and their names made durable. Their rounds follow each other without a gap, and so do the parts
//!    of the journal in them. One whose ends are damaged is read all the same, where the catalogue is sound and says what is in it.
//! 2. Files that the catalogue has not heard of are applied to it, each as what it is: a round, or a merge. Then it must add up to what the newest file says; one that does
//!    not, that is missing, or that cannot be read, is set aside and made anew from all files.
//! 3. The journal is read from where the last round ended, and what it says becomes recent again, by the same function that
//!    decided it.
//! 4. What was found is made durable before anyone is shown it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use headwater_core::Lineage;
use headwater_core::change::{Change, Unit};
use headwater_core::storage::StorageError;

use super::apply::{self, Edition};
use super::catalogue::Catalogue;
use super::chunks::{self, ChunkFile, Found, Ledger, Listing, tidy_up};
use super::copied;
use super::holdings::Holdings;
use super::identity;
use super::index::Index;
use super::log::{self, Files, Group, Identity, ReadError, Supply, Writer};
use super::loss;
use super::merge;
use super::packer::Progress;
#[cfg(test)]
use super::planted::{Fault, planted};
use super::shared::Through;
use super::sum::{self, Sum};
use super::unit::{self, CommittedUnit};
use crate::disk::Disk;
use crate::local::pool::guarded;
use crate::local::recent::Committed;
use crate::local::row::Row;
use crate::local::rows::Rows;
use crate::local::stored::GroupUnit;
use crate::local::view::View;

/// The folder of the journal's files.
pub(super) const FOLDER: &str = "journal";

/// Where the catalogue comes from.
pub(super) trait Source {
    /// Opens it as it is.
    fn open(&self) -> Result<Arc<dyn Catalogue>, StorageError>;

    /// Gives up what is there, and begins an empty one. Nobody has the old one open any more.
    fn anew(&self) -> Result<Arc<dyn Catalogue>, StorageError>;
}

/// What was found, and is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) view: Arc<View<Index>>,
    pub(super) writer: Writer,
    pub(super) supply: Arc<Supply>,
    pub(super) progress: Progress,
    pub(super) through: Through,
    /// Whether a last group was cut off that was never whole.
    #[cfg(test)]
    pub(super) cut: bool,
}

/// Opens what is on a disk.
pub(super) fn open(
    disk: &Arc<dyn Disk>,
    source: &dyn Source,
    settings: log::Settings,
) -> Result<Opened, StorageError> {
    let identity = identity::read(&**disk)?;
    let listing = listing(&**disk)?;
    make_folder(&**disk)?;
    settle(&**disk)?;
    let chunks = Chunks::open(disk, &listing)?;
    let index = chunks.catalogue(source)?;
    tidy_up(&**disk, &listing)?;
    let files = Files::new(Arc::clone(disk), FOLDER, identity);
    let mut view = View::new(index);
    let mut replay = Replay::new(&view, chunks.progress.through);
    let recovered = log::recover(&files, replay.through.mark, |group| replay.group(&group))?;
    let found = replay.through;
    let copied = copied::read(&**disk)?;
    let floors = loss::floors((&recovered, copied), found.unit, &view)?;
    let through = Through { unit: found.unit.max(floors.unit), ..found };
    (view.lost_below, view.orders_above) = (loss::lost_below(floors), floors.space);
    loss::tell(&recovered);
    #[cfg(test)]
    let cut = recovered.cut.is_some();
    let opened = log::open(&files, recovered, settings, floors);
    let (writer, supply) = opened.map_err(|error| {
        StorageError::Unavailable(format!("the journal cannot be opened for writing: {error}"))
    })?;
    Ok(Opened {
        view: Arc::new(view),
        writer,
        supply,
        progress: chunks.progress,
        through,
        #[cfg(test)]
        cut,
    })
}

/// Makes the names of chunk files durable. A process that was killed may have given a file its name and not have synced it: the
/// catalogue must not hear of the file, and the part of the journal in it must not be given back, while the name can be lost.
fn settle(disk: &dyn Disk) -> Result<(), StorageError> {
    #[cfg(test)]
    if planted(Fault::SkipsNameSyncAtOpening) {
        return Ok(());
    }
    let folder = Path::new(chunks::FOLDER);
    disk.sync_folder(folder).map_err(|error| {
        let folder = disk.describe(folder);
        StorageError::Unavailable(format!("cannot sync {}: {error}", folder.display()))
    })
}

/// Reads everything that an opening reads, and changes nothing. What a crash left behind, if it did.
pub(super) fn look(
    disk: &Arc<dyn Disk>,
    source: &dyn Source,
) -> Result<Option<log::Cut>, StorageError> {
    let identity = identity::read(&**disk)?;
    let chunks = Chunks::open(disk, &listing(&**disk)?)?;
    let packed = chunks.catalogue(source)?;
    let files = Files::new(Arc::clone(disk), FOLDER, identity);
    let view = View::new(packed);
    let mut replay = Replay::new(&view, chunks.progress.through);
    let from = replay.through.mark;
    let recovered = log::recover(&files, from, |group| replay.group(&group))?;
    Ok(recovered.cut)
}

/// The chunk files that count, in the order of their rounds, and how far the journal reaches. Changes nothing.
pub(super) fn extent(
    disk: &Arc<dyn Disk>,
) -> Result<(Identity, Vec<Arc<ChunkFile>>, Through), StorageError> {
    let identity = identity::read(&**disk)?;
    let chunks = Chunks::open(disk, &listing(&**disk)?)?;
    let mut through = chunks.progress.through;
    let files = Files::new(Arc::clone(disk), FOLDER, identity);
    log::recover(&files, through.mark, |group| {
        through.unit = through.unit.max(group.run.floors.unit);
        if let Some(last) = group.frames.last() {
            let last = unit::decode(last)?;
            (through.unit, through.at) = (last.number, last.at);
        }
        through.mark = group.end;
        Ok::<_, StorageError>(())
    })?;
    Ok((identity, chunks.files, through))
}

/// The chunk files that there are. Where there is no journal there is nothing to go by: a store that has lost it would be
/// taken for an empty one. The other folder may be missing, because copies forget folders that are empty.
pub(super) fn listing(disk: &dyn Disk) -> Result<Listing, StorageError> {
    let journal = Path::new(FOLDER);
    match disk.list(journal) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = disk.describe(journal);
            return Err(StorageError::Corrupt(format!("{} is missing", path.display())));
        }
        // What cannot be listed is told when it is read.
        _ => {}
    }
    match disk.list(Path::new(chunks::FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Listing::default()),
        _ => Listing::read(disk),
    }
}

/// Makes the folder of chunk files where a copy has forgotten it.
fn make_folder(disk: &dyn Disk) -> Result<(), StorageError> {
    let made = disk
        .create_folder(Path::new(chunks::FOLDER))
        .and_then(|()| disk.sync_folder(Path::new("")));
    made.map_err(|error| StorageError::Unavailable(format!("cannot create a folder: {error}")))
}

/// The chunk files that count, in the order of their rounds.
struct Chunks {
    files: Vec<Arc<ChunkFile>>,
    progress: Progress,
    /// What is wrong with a file of which it is not known what it says.
    unknown: Option<StorageError>,
}

impl Chunks {
    fn open(disk: &Arc<dyn Disk>, listing: &Listing) -> Result<Self, StorageError> {
        let mut chunks = Self { files: Vec::new(), progress: Progress::default(), unknown: None };
        let mut follows = true;
        for name in &listing.files {
            let Found { file, damage } = ChunkFile::find(&**disk, *name)?;
            if let Some(damage) = &damage {
                tracing::error!(%damage, "a chunk file is damaged; what can be read of it is served");
            }
            let progress = &mut chunks.progress;
            let footer = file.footer();
            let facts = footer.facts;
            let (packed, from) = (progress.through.mark, facts.from);
            let beside = if follows { packed == from } else { packed.group <= from.group };
            if name.first() != progress.round + 1 || (file.has_facts() && !beside) {
                return Err(StorageError::Corrupt(format!(
                    "a chunk file is missing before {}, which does not follow round {}",
                    footer.name, progress.round
                )));
            }
            progress.round = name.last();
            follows = file.has_facts();
            if follows {
                progress.through = Through { mark: facts.to, unit: facts.unit, at: facts.at };
            } else {
                chunks.unknown = damage;
            }
            if facts.edition > progress.edition {
                (progress.edition, progress.ledger) = (facts.edition, facts.ledger);
            }
            chunks.files.push(Arc::new(file));
        }
        match chunks.unknown {
            // Only the last one says where the journal goes on.
            Some(damage) if !follows => Err(damage),
            _ => Ok(chunks),
        }
    }

    /// A catalogue that says what the files say.
    fn catalogue(&self, source: &dyn Source) -> Result<Index, StorageError> {
        // A database that was damaged may also panic when it is read.
        let found = guarded(|| {
            let index = self.index(source.open()?);
            self.catch_up(&index).map(|found| found.then_some(index))
        });
        match found {
            Ok(Some(index)) => {
                index.catalogue().sync()?;
                return Ok(index);
            }
            Ok(None) => {
                tracing::warn!("the catalogue is not the one of these files: it is made anew")
            }
            Err(error @ StorageError::Corrupt(_)) => {
                tracing::warn!(%error, "the catalogue is damaged: it is made anew");
            }
            Err(error) => return Err(error),
        }
        self.rebuild(source)
    }

    fn index(&self, catalogue: Arc<dyn Catalogue>) -> Index {
        Index::new(catalogue, Arc::new(Holdings::new(&self.files)))
    }

    /// Applies what a catalogue has not heard of. Whether it says what the files say then.
    fn catch_up(&self, index: &Index) -> Result<bool, StorageError> {
        let known = index.read::<Edition>(Row::Checkpoint)?.unwrap_or_default().edition;
        if known > self.progress.edition {
            return Ok(false);
        }
        let mut later: Vec<_> =
            self.files.iter().filter(|file| file.footer().facts.edition > known).collect();
        later.sort_unstable_by_key(|file| file.footer().facts.edition);
        // What lies between may have been merged into what came later, and then only all files together tell it.
        let editions = later.iter().map(|file| file.footer().facts.edition);
        if !editions.eq(known + 1..=self.progress.edition) {
            return Ok(false);
        }
        for file in later {
            let facts = file.footer().facts;
            if facts.is_merge() {
                merge::lead_into(file, index)?;
            } else {
                apply::apply(|| file.rows(), facts.edition, index)?;
            }
        }
        #[cfg(test)]
        if planted(Fault::IgnoresLedger) {
            return Ok(true);
        }
        Ok(self.sum(index)? == self.progress.ledger)
    }

    fn rebuild(&self, source: &dyn Source) -> Result<Index, StorageError> {
        // What a file says that cannot be read might be about streams that nothing else tells of.
        if let Some(damage) = &self.unknown {
            return Err(StorageError::Corrupt(format!(
                "{damage}; without a sound catalogue, what that file says is needed: `headwater repair` makes a copy of what is left"
            )));
        }
        let index = self.index(source.anew()?);
        for file in &self.files {
            apply::apply(|| file.rows(), self.progress.edition, &index)?;
        }
        let (found, said) = (self.sum(&index)?, self.progress.ledger);
        if found != said {
            return Err(StorageError::Corrupt(format!(
                "the chunk files have {} rows about {} streams where {} rows about {} streams were written, or some of \
                 them are not the last ones written",
                found.rows, found.streams, said.rows, said.streams
            )));
        }
        index.catalogue().sync()?;
        Ok(index)
    }

    /// What all rows of a catalogue add up to; and what they lead to is noted.
    fn sum(&self, index: &Index) -> Result<Ledger, StorageError> {
        let Progress { ledger, through, .. } = self.progress;
        let Sum { ledger, live } = sum::all_rows(index, ledger.rows, through.unit)?;
        // A file of which nothing is known may have taken the place of others before the catalogue heard of it.
        if let Some(name) = live.keys().find(|name| index.holdings().get(**name).is_none()) {
            let what = format!("the catalogue leads to {name}, which is not there");
            return Err(StorageError::Corrupt(what));
        }
        index.holdings().count(&live);
        self.files.iter().for_each(|file| index.holdings().applied(file));
        index.holdings().observe();
        Ok(ledger)
    }
}

/// Makes what the journal says recent again.
struct Replay<'v> {
    view: &'v View<Index>,
    through: Through,
    /// As it was for the run that is read.
    lost_below: Lineage,
}

impl<'v> Replay<'v> {
    fn new(view: &'v View<Index>, through: Through) -> Self {
        Self { view, through, lost_below: Lineage(0) }
    }

    fn group(&mut self, group: &Group<'_>) -> Result<(), StorageError> {
        self.lost_below = loss::lost_below(group.run.floors);
        self.through.unit = self.through.unit.max(group.run.floors.unit);
        for frame in group.frames {
            let CommittedUnit { number, at, unit } = unit::decode(frame)?;
            if number != self.through.unit + 1 || at < self.through.at {
                return Err(StorageError::Corrupt(format!(
                    "the frame at {} has unit {number} where unit {} is expected",
                    frame.place,
                    self.through.unit + 1
                )));
            }
            let GroupUnit { unit: Unit { changes }, first } = &unit;
            for (change, first) in changes.iter().zip(first) {
                let committed = (group.end.group, number, at);
                self.change(committed, change, *first).map_err(|error| match error {
                    StorageError::Corrupt(what) => {
                        StorageError::Corrupt(format!("the frame at {} {what}", frame.place))
                    }
                    other => other,
                })?;
            }
            (self.through.unit, self.through.at) = (number, at);
        }
        self.through.mark = group.end;
        Ok(())
    }

    fn change(
        &mut self,
        (group, unit, at): (u64, u64, u64),
        change: &Change,
        first: Option<crate::local::stored::Place>,
    ) -> Result<(), StorageError> {
        let before = self.view.slot(&change.key)?.after_loss(self.lost_below);
        if before.version() != change.basis || !change.fits(&before) {
            let (key, basis, stands) = (&change.key, change.basis, before.version());
            let what = format!("changes the stream `{key}` at {basis:?}, and it is at {stands:?}");
            return Err(StorageError::Corrupt(what));
        }
        let after = change.apply(&before, Lineage(unit));
        let committed = Committed { group, unit, at, change, after: &after, first };
        self.view.recent.write().active.publish(&committed);
        Ok(())
    }
}

impl From<ReadError> for StorageError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt { .. } => Self::Corrupt(error.to_string()),
            ReadError::Io { .. } => Self::Unavailable(error.to_string()),
        }
    }
}
