//! Crashes: the files as a crash would leave them at many moments open with everything that was reported, and with what
//! was being written either whole or not at all.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::{
    Directory, Options, Safeguards, copy_image, packed_at_once, packed_now_and_then,
    packed_when_closed,
};
use crate::testkit::Story;
use crate::testkit::sight::Sight;
use crate::testkit::{Rig, make};

/// Takes a picture of the directory at each sync: everything is written, and nothing of it is reported.
#[derive(Debug, Default)]
struct Photographer {
    directory: OnceLock<PathBuf>,
    /// The step that is being taken.
    step: AtomicUsize,
    pictures: Mutex<Vec<(usize, tempfile::TempDir)>>,
}

impl Safeguards for Photographer {
    fn sync(&self, data: &File) -> io::Result<()> {
        if let Some(directory) = self.directory.get() {
            let picture = tempfile::TempDir::new()?;
            copy_image(directory, &picture.path().join("data"));
            self.pictures.lock().unwrap().push((self.step.load(Ordering::Acquire), picture));
        }
        data.sync_data()
    }
}

/// Tells the story, and looks around after each step. Step `n` goes from sight `n - 1` to sight `n`.
fn told(
    options: Options,
    seed: u64,
    steps: usize,
) -> (Vec<Sight>, Vec<(usize, tempfile::TempDir)>) {
    let photographer = Arc::new(Photographer::default());
    let directory = Directory::guarded(options, photographer.clone());
    let rig = Rig::open(&directory).unwrap();
    photographer.directory.set(directory.path()).unwrap();
    let (mut story, places) = (Story::new(seed), Story::places().unwrap());
    let mut sights = vec![places.look(&rig).unwrap()];
    for step in 1..=steps {
        photographer.step.store(step, Ordering::Release);
        story.go_on(&rig).unwrap();
        sights.push(places.look(&rig).unwrap());
    }
    assert_eq!(directory.large_files(), 0);
    drop(rig);
    let pictures = std::mem::take(&mut *photographer.pictures.lock().unwrap());
    (sights, pictures)
}

#[test]
fn a_crash_at_any_sync_loses_nothing_and_tears_nothing() {
    for (options, seed) in
        [(packed_now_and_then(), 1), (packed_at_once(), 2), (packed_when_closed(), 3)]
    {
        let (sights, pictures) = told(options, seed, 120);
        let mut with_the_group = 0;
        for (step, picture) in pictures {
            let directory = Directory { root: picture, ..Directory::new(options) };
            let rig = Rig::open(&directory).unwrap();
            let sight = Story::places().unwrap().look(&rig).unwrap();
            // Packing syncs too, after the step before was reported.
            let expected = [&sights[step], &sights[step - 1]];
            assert!(expected.contains(&&sight), "step {step} of seed {seed}");
            with_the_group +=
                usize::from(sights[step] != sights[step - 1] && sight == sights[step]);
            goes_on(rig, &sight);
        }
        assert!(
            with_the_group > 50,
            "only {with_the_group} pictures show the group that was being synced"
        );
    }
}

/// What was found can be changed, closed, and found again; nothing that was used is used again.
fn goes_on(mut rig: Rig<'_>, sight: &Sight) {
    let key = make::key("new").unwrap();
    let lineage = rig.create(&key, make::birth()).unwrap().ranges.own();
    for stream in Story::places().unwrap().streams {
        assert!(rig.version(&stream).unwrap().lineage < lineage.0);
    }
    let version = rig.version(&key).unwrap();
    rig.unit([make::removal(&key, version)]).unwrap();
    rig.reopen().unwrap();
    assert!(
        Story::places().unwrap().look(&rig).unwrap() == *sight,
        "after closing and opening again"
    );
}

#[test]
fn dropping_a_handle_is_as_good_as_closing_it() {
    for (options, seed) in
        [(packed_now_and_then(), 4), (packed_at_once(), 5), (packed_when_closed(), 6)]
    {
        let directory = Directory::new(options);
        let (mut story, places) = (Story::new(seed), Story::places().unwrap());
        for round in 0..25 {
            let rig = Rig::open(&directory).unwrap();
            for _ in 0..4 {
                story.go_on(&rig).unwrap();
            }
            let before = places.look(&rig).unwrap();
            drop(rig);
            let rig = Rig::open(&directory).unwrap();
            assert!(places.look(&rig).unwrap() == before, "round {round} of seed {seed}");
            if round % 5 == 4 {
                rig.close().unwrap();
            }
        }
    }
}

#[test]
fn what_was_written_and_not_reported_counts_as_committed() {
    let photographer = Arc::new(Photographer::default());
    let directory = Directory::guarded(packed_when_closed(), photographer.clone());
    let rig = Rig::open(&directory).unwrap();
    let first = make::key("first").unwrap();
    let reported = rig.create(&first, make::birth()).unwrap().ranges.own();
    photographer.directory.set(directory.path()).unwrap();
    let second = make::key("second").unwrap();
    let unreported = rig.create(&second, make::birth()).unwrap().ranges.own();
    let (_, picture) = photographer.pictures.lock().unwrap().remove(0);
    let image = Directory { root: picture, ..Directory::new(packed_when_closed()) };
    let rig = Rig::open(&image).unwrap();
    assert_eq!(rig.live(&first).unwrap().ranges.own(), reported);
    assert_eq!(rig.live(&second).unwrap().ranges.own(), unreported);
    let third = rig.create(&make::key("third").unwrap(), make::birth()).unwrap().ranges.own();
    assert!(third > unreported, "{third:?} after {unreported:?}");
}

/// sled writes down what it has recovered when it opens its files, into a file beside the one it is to replace, and takes such a file for
/// that one, whole or not, when it opens them again.
#[test]
fn a_crash_while_it_opens_leaves_nothing_that_is_read() {
    let directory = Directory::new(packed_now_and_then());
    let rig = Rig::open(&directory).unwrap();
    let (mut story, places) = (Story::new(7), Story::places().unwrap());
    for _ in 0..20 {
        story.go_on(&rig).unwrap();
    }
    let before = places.look(&rig).unwrap();
    drop(rig);
    drop(Rig::open(&directory).unwrap());
    let snapshot = snapshots(&directory).pop().unwrap();
    let whole = fs::read(&snapshot).unwrap();
    for length in [0, 1, 12, 13, whole.len() / 2, whole.len() - 1] {
        let image = directory.image();
        let unfinished = format!("{}.generating", snapshot.file_name().unwrap().display());
        fs::write(image.database().join(unfinished), &whole[..length]).unwrap();
        let rig = Rig::open(&image).unwrap();
        assert!(places.look(&rig).unwrap() == before, "{length} of {}", whole.len());
        rig.close().unwrap();
        let rig = Rig::open(&image).unwrap();
        assert!(places.look(&rig).unwrap() == before, "{length} of {}", whole.len());
    }
}

fn snapshots(directory: &Directory) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.database()).unwrap();
    let names = entries.map(|entry| entry.unwrap().path());
    let is_snapshot =
        |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes().starts_with(b"snap.");
    names.filter(is_snapshot).collect()
}
