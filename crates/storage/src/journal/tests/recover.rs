//! One opening of what a crash left, compared with the model.

use std::path::Path;
use std::sync::Arc;

use super::model::Model;
use super::options;
use super::still::Still;
use crate::disk::{Disk, FakeDisk};
use crate::journal::apply::Edition;
use crate::journal::catalogue::{Image, Shelf};
use crate::journal::chunks;
use crate::journal::open;
use crate::local::frame::Verify;
use crate::local::row::Row;
use crate::local::stored::decode;
use crate::testkit::{Failure, Rig};

/// What an opening found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// So many groups.
    pub(super) groups: usize,
    /// So many units.
    pub(super) units: u64,
    /// The last group was torn.
    pub(super) cut: bool,
    /// The catalogue was made anew.
    pub(super) rebuilt: bool,
}

/// Opens a disk with a catalogue, and compares all that is seen. At least so many groups are there.
pub(super) fn recover(
    disk: &FakeDisk,
    catalogue: &Image,
    model: &Model,
    reported: usize,
) -> Result<Found, Failure> {
    let shelf = Shelf::holding(catalogue);
    let port: Arc<dyn Disk> = Arc::new(disk.clone());
    let opened = open::open(&port, &shelf, options().settings())
        .map_err(|error| Failure::new(format!("it does not open: {error}")))?;
    let (units, still) = (opened.through.unit, Still(Arc::clone(&opened.view)));
    let groups = model.check(&Rig::open(&still)?, units, reported)?;
    let rebuilt = *shelf.anew.lock() > 0;
    Ok(Found { groups, units, cut: opened.cut, rebuilt })
}

/// The last edition that a catalogue has, if that can be read.
pub(super) fn edition(image: &Image) -> u64 {
    let key = Row::Checkpoint.key();
    let found = image.0.get(&key);
    let edition = found.and_then(|row| decode::<Edition>(&key, row, Verify::Checksum).ok());
    edition.unwrap_or_default().edition
}

/// How many chunk files there are, and how many that are not complete.
pub(super) fn chunk_files(disk: &FakeDisk) -> (u64, u64) {
    let names = disk.list(Path::new(chunks::FOLDER)).unwrap();
    let (drafts, files) = names.iter().partition::<Vec<_>, _>(|name| name.ends_with(".draft"));
    (files.len() as u64, drafts.len() as u64)
}
