//! Opening a directory: what is in it, is all of it there, and what was left to do.

mod chains;
mod replay;
mod survey;

use std::io;
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::StorageError;
use parking_lot::RwLock;

use super::committed::{self, CommittedFile};
use super::committer::{Committer, Pace};
use super::pack::{Counters, Packer, Writer};
use super::safeguards::{Comparison, Guarded, Safeguards};
use super::seal;
use super::tree::View;
use super::tree::{Edit, Tree};
use crate::directory::{Claimed, DataDir, Layout, OpenError, sync_directory};
use crate::local::database::{self, Barrier, DATA_FILE, Database, Room};
use crate::local::frame::Verify;
use crate::local::metrics::Metrics;
use crate::local::pool::guarded;
use crate::local::stored::StoredCheckpoint;

/// The folder of sled's files.
pub(super) const DATABASE: &str = "sled";

const LAYOUT: Layout =
    Layout { adapter: "sled", format: 1, owns: &[DATABASE, committed::NAME, seal::NAME] };

/// How to open.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) cache_bytes: u64,
    pub(super) pace: Pace,
    pub(super) safeguards: Arc<dyn Safeguards>,
}

/// Opens a directory, or creates one.
pub(super) fn open(directory: &Path, settings: &Settings) -> Result<Committer, OpenError> {
    match DataDir::claim(directory, LAYOUT)? {
        Claimed::New(claimed) => create(Arc::new(claimed), settings),
        Claimed::Existing(claimed) => reopen(Arc::new(claimed), settings),
    }
}

fn create(directory: Arc<DataDir>, settings: &Settings) -> Result<Committer, OpenError> {
    let (path, folder) = (directory.path(), directory.path().join(DATABASE));
    let committed = CommittedFile::create(path)?;
    let db = database::open(path, &folder, settings.cache_bytes)?;
    let mut checkpoint = StoredCheckpoint::default();
    let (view, barrier) = view(&directory, db, settings)?;
    guarded(|| view.packed.apply(Edit::default(), &mut checkpoint))
        .map_err(failed("cannot write the database in", path))?;
    let writer = Writer { view, barrier, room: Room::open(&folder)?, checkpoint };
    guarded(|| writer.sync()).map_err(failed("cannot write the database in", path))?;
    database::sync_files(&folder)?;
    sync_directory(path)?;
    directory.finish()?;
    Ok(committer(writer, Packer::default(), Counters::default(), committed, settings))
}

fn reopen(directory: Arc<DataDir>, settings: &Settings) -> Result<Committer, OpenError> {
    let (path, folder) = (directory.path(), directory.path().join(DATABASE));
    if !folder.join(DATA_FILE).is_file() {
        return Err(OpenError::corrupt(path, "the database's file sled/db is missing"));
    }
    let (committed, reported) = CommittedFile::open(path)?;
    if settings.safeguards.compares(Comparison::Seal) {
        seal::compare(path, &folder)?;
    }
    seal::open(path)?;
    let db = database::open(path, &folder, settings.cache_bytes)?;
    let (view, barrier) = view(&directory, db, settings)?;
    let recovered = guarded(|| recover(&view, reported, settings.safeguards.as_ref()));
    let (checkpoint, packer, counters) =
        recovered.map_err(failed("cannot read the database in", path))?;
    let writer = Writer { view, barrier, room: Room::open(&folder)?, checkpoint };
    // A group that a crash found written and not synced is found here in the memory of the operating system, perhaps, and
    // nowhere else. It is shown to readers from now on, so from now on it must not be lost.
    guarded(|| writer.sync()).map_err(failed("cannot sync the database in", path))?;
    Ok(committer(writer, packer, counters, committed, settings))
}

fn view(
    directory: &Arc<DataDir>,
    db: sled::Db,
    settings: &Settings,
) -> Result<(Arc<View>, Barrier), OpenError> {
    let folder = directory.path().join(DATABASE);
    let barrier = Barrier::open(&folder, Arc::new(Guarded(Arc::clone(&settings.safeguards))))?;
    let verify = match settings.safeguards.compares(Comparison::Checksums) {
        true => Verify::Checksum,
        false => Verify::Nothing,
    };
    let (recent, packed) =
        (RwLock::default(), Tree::new(Database::new(db), verify, Arc::clone(directory)));
    Ok((Arc::new(View { recent, ..View::new(packed) }), barrier))
}

fn committer(
    writer: Writer,
    packer: Packer,
    counters: Counters,
    committed: CommittedFile,
    settings: &Settings,
) -> Committer {
    Committer {
        writer,
        packer,
        counters,
        committed,
        pace: settings.pace,
        debt: 0,
        settled: 0,
        metrics: Metrics::new(),
    }
}

type Recovered = (StoredCheckpoint, Packer, Counters);

/// Looks at everything, and replays the groups that are not packed.
fn recover(
    view: &View,
    reported: u64,
    safeguards: &dyn Safeguards,
) -> Result<Recovered, StorageError> {
    let survey = survey::survey(view, safeguards)?;
    let groups = survey.contiguous_groups()?;
    let last = groups.last().map_or(survey.checkpoint.packed, |(number, _)| *number);
    if last < reported && safeguards.compares(Comparison::Committed) {
        let (first, reported) = (last + 1, reported);
        return Err(StorageError::Corrupt(format!(
            "the database ends with group {last}, and groups {first} to {reported} were reported as committed"
        )));
    }
    let counters = replay::replay(view, &survey.checkpoint, &groups)?;
    if safeguards.compares(Comparison::Chains) {
        survey.chains.settle(view)?;
    }
    let groups = groups.iter().map(|(number, parts)| (*number, parts.len() as u32)).collect();
    Ok((survey.checkpoint, Packer::new(groups, survey.packed, survey.crowded), counters))
}

/// What a failure says about a directory: damage is named as such, and what the medium refused as what was tried.
fn failed(action: &'static str, directory: &Path) -> impl FnOnce(StorageError) -> OpenError {
    move |error| match error {
        StorageError::Corrupt(place) => OpenError::corrupt(directory, &place),
        StorageError::Unavailable(reason) => {
            OpenError::io(action, directory)(io::Error::other(reason))
        }
        other @ (StorageError::Gone | StorageError::Closed) => {
            OpenError::io(action, directory)(io::Error::other(other))
        }
    }
}
