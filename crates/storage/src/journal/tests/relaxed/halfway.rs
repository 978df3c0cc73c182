//! The rows of a round reach the catalogue some at a time, those about a space before those that lead to its order. Where a crash may have
//! taken numbers, a reader of the space that came in between took the order for damaged.

use std::sync::Arc;

use super::super::life::Life;
use super::super::wait_until;
use super::never;
use crate::disk::FakeDisk;
use crate::journal::catalogue::{Image, Shelf};
use crate::journal::handle::{JournalStorage, Options};
use crate::testkit::sight::Given;
use crate::testkit::{Failure, Rig, make};

/// Streams of the space: their rows are some dozen edits.
const STREAMS: u64 = 30;

/// What is left after a crash that may have taken something, of another space.
fn crashed() -> Result<FakeDisk, Failure> {
    let life = Life::new(never());
    {
        let rig = Rig::open(&life)?;
        rig.create(&make::key("s/one")?, make::birth())?;
    }
    let (mut crashes, mut disk) = (life.disk.crashes(1), None);
    while let Some(moment) = crashes.next_moment() {
        disk = moment.images(1).first().map(|image| image.disk().at_rest());
    }
    disk.ok_or_else(|| Failure::new("nothing happened"))
}

/// Packs all, of which so many edits reach the catalogue and no more; what is read of the space then.
fn read_after(edits: u64) -> Result<usize, Failure> {
    let shelf = Shelf::holding(&Image::default());
    let options = Options { recent_bytes: 100_000, ..never() };
    let storage = JournalStorage::over(Arc::new(crashed()?), &shelf, options, None);
    let storage = storage.map_err(|error| Failure::new(format!("it does not open: {error}")))?;
    let given = Given(Arc::new(storage));
    let rig = Rig::open(&given)?;
    for stream in 0..STREAMS {
        let key = make::key(&format!("t/{stream}"))?;
        rig.create(&key, make::birth())?;
        rig.append(&key, make::batch(stream, &[8])?)?;
    }
    shelf.past.fail_after(edits);
    rig.append(&make::key("s/one")?, make::batch(0, &[120_000])?)?;
    wait_until("an edit to fail", || shelf.past.has_failed());
    Ok(rig.space("t", 1 << 20)?.len())
}

#[test]
fn a_space_is_read_whole_while_a_round_is_applied() {
    for edits in 0..12 {
        let read = read_after(edits).unwrap_or_else(|failure| panic!("{edits} edits: {failure}"));
        assert_eq!(read, STREAMS as usize, "{edits} edits");
    }
}
