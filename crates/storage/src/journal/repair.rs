//! Making a directory that can be opened of one that is damaged. Nothing in the damaged one is changed.
//!
//! What is provably good is copied; what is not is left out, and told. It promises:
//!
//! - **Nothing is made up.** What is served was written, at the place where it is served. A stream is cut where something of it is
//!   missing, or the range is an error.
//! - **Payload that is damaged stays damaged.** Its block is copied as it is: a read of that range fails, what lies before and behind it does
//!   not. To go on, truncate the stream to the offset that is told.
//! - **What was lost is told**, by stream where that is known.
//!
//! How:
//!
//! 1. Chunk files are copied up to the first that cannot be understood: what later ones say builds on what that one said.
//!    A file can be understood when its footer and its rows are sound.
//! 2. Of the journal, every frame that is whole is looked at. A unit is kept when all streams that it changes are exactly at the versions it was decided on:
//!    then nothing of them was lost before it.
//! 3. These are packed into one more chunk file, whose footer says what everything adds up to. Behind it an empty journal begins.

mod blocks;
mod copy;
mod report;
mod units;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::StorageError;

use self::copy::Kept;
use self::report::Losses;
pub use self::report::{Loss, Repaired};
use self::units::Replayed;
use super::apply::Leading;
use super::chunks::{self, ChunkName, ChunkWriter, Facts};
use super::copied::{self, Copied};
use super::handle::{LAYOUT, lay_out};
use super::log::{self, Files, Identity, Mark, Place};
use super::open::FOLDER;
use super::{RestoreError, apply, identity, round};
use crate::directory::{OpenError, Vacant, hold_whatever_it_is, sync_directory};
use crate::disk::{Disk, RealDisk};

/// Bytes of the journal file that the new directory begins with. Nothing is ever written to it but its first frame.
const BLANK_BYTES: u32 = 4096;

/// Makes a new data directory of what is good in a damaged one that nobody has open. Blocks, and takes memory for all rows of
/// the catalogue and for what is not packed.
///
/// # Errors
/// [`RestoreError`], when the directory is no such directory or in use, or when it or the new one cannot be read or written.
/// Then there is no new one. Damage is no error.
pub fn repair(damaged: &Path, to: &Path) -> Result<Repaired, RestoreError> {
    let mut losses = Losses::between(damaged, to);
    let _held = hold_whatever_it_is(damaged, LAYOUT, |what| losses.damage(what))?;
    if !damaged.join(FOLDER).is_dir() && !damaged.join(chunks::FOLDER).is_dir() {
        let found = format!("it has neither `{FOLDER}` nor `{}`", chunks::FOLDER);
        return Err(OpenError::Foreign { directory: damaged.to_owned(), found }.into());
    }
    let vacant = match Vacant::occupy(to, LAYOUT)? {
        Ok(vacant) => vacant,
        Err(found) => return Err(RestoreError::Occupied { directory: to.to_owned(), found }),
    };
    let made = make(damaged, to, losses).map_err(|error| {
        RestoreError::Directory(OpenError::io("cannot repair", damaged)(std::io::Error::other(
            error,
        )))
    });
    let finished = made.and_then(|repaired| {
        for folder in [FOLDER, chunks::FOLDER] {
            sync_directory(&to.join(folder))?;
        }
        vacant.finish()?;
        Ok(repaired)
    });
    if finished.is_err() {
        for folder in [FOLDER, chunks::FOLDER] {
            drop(fs::remove_dir_all(to.join(folder)));
        }
        for name in [identity::NAME, copied::NAME, log::SEAL] {
            drop(fs::remove_file(to.join(name)));
        }
        vacant.leave();
    }
    finished
}

fn make(damaged: &Path, to: &Path, mut losses: Losses) -> Result<Repaired, StorageError> {
    let from: Arc<dyn Disk> = Arc::new(RealDisk::new(damaged));
    let into: Arc<dyn Disk> = Arc::new(RealDisk::new(to));
    lay_out(&*into).map_err(unwritable)?;
    let kept = Kept::copy((&from, damaged), (&into, to), &mut losses)?;
    let view = kept.view()?;
    let ledger = kept.sum(&view.packed, &mut losses)?;
    blocks::look(&view.packed, &kept.files, &mut losses)?;
    let mut through = kept.through;
    let mut generation = through.mark.place.generation;
    if let Some(identity) = identity_of(&from, &mut losses)? {
        let files = Files::new(Arc::clone(&from), FOLDER, identity);
        let replayed = Replayed::of(&files, &view, kept.through, &mut losses)?;
        (through, generation) = (replayed.through, replayed.generation);
    }
    through.unit = through.unit.max(kept.seen.unit);
    through.at = through.at.max(kept.seen.at);
    through.mark.place = Place { generation, offset: 0 };
    through.mark = begin_log(&into, through.mark)?;
    let layer = view.recent.write().freeze();
    let exhausted = || StorageError::Unavailable("no more rounds can be counted".to_owned());
    let name = ChunkName::new(kept.round + 1, kept.round + 1).ok_or_else(exhausted)?;
    let mut writer = ChunkWriter::create(Arc::clone(&into), name)?;
    let replaced = round::write(&mut writer, &view.packed, &layer)?;
    let rows = writer.rows()?;
    let ledger = apply::after(ledger, replaced, rows, &view.packed, Leading::Perhaps)?;
    let edition = kept.edition + 1;
    let (as_of, latest, from) = (edition, edition, kept.through.mark);
    let (to, unit, at) = (through.mark, through.unit, through.at);
    writer.finish(Facts { edition, as_of, latest, from, to, unit, at, ledger })?;
    copied::write(&*into, Copied { unit: through.unit }).map_err(unwritable)?;
    Ok(losses.told(kept.files.len(), ledger.streams))
}

/// By what the frames of the log are known.
fn identity_of(
    disk: &Arc<dyn Disk>,
    losses: &mut Losses,
) -> Result<Option<Identity>, StorageError> {
    match identity::read(&**disk) {
        Ok(identity) => return Ok(Some(identity)),
        Err(StorageError::Corrupt(what)) => losses.damage(what),
        Err(error) => return Err(error),
    }
    // The number matters only to what reads the files: any will do here.
    let files = Files::new(Arc::clone(disk), FOLDER, Identity::new(0));
    let found = log::find_identity(&files)?;
    match found {
        Some(_) => losses.note("the journal's frames tell what was in IDENTITY"),
        None => losses.units(
            "all that is only in the journal is lost: no frame in it can be proven to be its own",
        ),
    }
    Ok(found)
}

/// A log without units, sealed, behind that place. Where it ends.
fn begin_log(disk: &Arc<dyn Disk>, after: Mark) -> Result<Mark, StorageError> {
    let identity = identity::read(&**disk)?;
    let files = Files::new(Arc::clone(disk), FOLDER, identity);
    files.begin_blank(after, BLANK_BYTES).map_err(unwritable)
}

fn unwritable(error: std::io::Error) -> StorageError {
    StorageError::Unavailable(format!("the new directory cannot be written: {error}"))
}
