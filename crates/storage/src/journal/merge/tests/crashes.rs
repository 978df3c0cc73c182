//! A loss of power at every moment of a merge, with each catalogue that may be there then: what is seen stays the same.

use std::collections::BTreeMap;
use std::path::Path;

use super::rig::{Rig, Seen};
use super::story::Story;
use super::table::{Rows, SYNCED, Table, WRITTEN};
use crate::disk::fake::{Crashes, Image};
use crate::journal::chunks::{FOLDER, Listing};
use crate::journal::merge::policy::Limits;
use crate::journal::merge::thread::Step;

/// A mark: from here on what is seen is this, and merging goes on.
const BEGINS: u64 = 3 << 60;
/// A mark: merging has ended.
const ENDS: u64 = 4 << 60;
const NUMBER: u64 = (1 << 60) - 1;

const LIMITS: Limits = Limits { files: 3, most: 4 << 20 };

/// What was done to a disk, and what was seen at each time that merging began.
struct Life {
    rig: Rig,
    seen: Vec<Seen>,
}

fn live(seed: u64, merges: usize) -> Life {
    let mut rig = Rig::new(LIMITS);
    let mut story = Story::new(seed, 12, 300);
    let (mut seen, mut done) = (Vec::new(), 0);
    while done < merges {
        story.commits(&mut rig, 6);
        rig.round();
        if seen.len() % 2 == 1 {
            story.commits(&mut rig, 6);
        }
        rig.disk.mark(BEGINS | seen.len() as u64);
        seen.push(rig.seen());
        let frozen = rig.freeze();
        let mut packed = false;
        let step = rig.merge_with(|packer| {
            packer.pack(&frozen).unwrap();
            packed = true;
        });
        done += usize::from(step == Step::Done);
        if !packed {
            rig.packer.pack(&frozen).unwrap();
        }
        rig.disk.mark(ENDS);
        assert_eq!(rig.seen(), seen[seen.len() - 1]);
    }
    Life { rig, seen }
}

/// What is known at a moment.
#[derive(Clone, Copy, Default)]
struct Known {
    written: u64,
    synced: u64,
    /// The merge that is under way.
    under_way: Option<u64>,
}

impl Known {
    fn of(marks: &[u64]) -> Self {
        let mut known = Self::default();
        for mark in marks {
            match mark & !NUMBER {
                WRITTEN => known.written = mark & NUMBER,
                SYNCED => known.synced = mark & NUMBER,
                BEGINS => known.under_way = Some(mark & NUMBER),
                ENDS => known.under_way = None,
                other => panic!("{other:x}"),
            }
        }
        known
    }
}

/// Walks through all moments of merges.
fn crash_everywhere(life: &Life, crashes: &mut Crashes, images: usize) -> (usize, usize) {
    let (mut looked_at, mut anew, mut durable) = (0, 0, 0);
    while let Some(moment) = crashes.next_moment() {
        let known = Known::of(moment.marks());
        // Until the operation that comes next, the catalogue went from what was durable before to what is written.
        let before = std::mem::replace(&mut durable, known.synced);
        let Some(number) = known.under_way else { continue };
        let seen = &life.seen[number as usize];
        for image in moment.images(images) {
            for writes in before..=known.written {
                survive(&image, life.rig.table.past(writes), seen);
                looked_at += 1;
            }
            survive(&image, Rows::new(), seen);
            survive(&image, life.rig.table.past(before / 2), seen);
            anew += 2;
        }
    }
    (looked_at, anew)
}

/// Opens what a crash left, and goes on.
fn survive(image: &Image, rows: Rows, seen: &Seen) {
    let disk = image.disk().at_rest();
    let table = Table::of(&disk, rows);
    let rig = Rig::open(&disk, table, LIMITS).unwrap_or_else(|error| panic!("{image}: {error}"));
    assert!(rig.seen() == *seen, "{image}: something else is seen");
    let (counted, led) = rig.live();
    assert_eq!(counted, led, "{image}");
    let listing = Listing::read(&disk).unwrap();
    assert!(listing.drafts.is_empty() && listing.replaced.is_empty(), "{image}: {listing:?}");
    if image.hash().is_multiple_of(16) {
        go_on(rig, image, seen);
    }
}

/// Packs and merges what there is, and makes the catalogue anew.
fn go_on(mut rig: Rig, image: &Image, seen: &Seen) {
    rig.round();
    rig.merge();
    assert!(rig.seen() == *seen, "{image}: something else is seen after another merge");
    let names: BTreeMap<_, _> = rig.disk.files().into_iter().collect();
    assert!(names.keys().any(|path| path.starts_with(Path::new(FOLDER))), "{image}");
    let again = rig.reopen(Rows::new(), LIMITS);
    assert!(again.seen() == *seen, "{image}: something else is seen with a catalogue made anew");
}

#[test]
fn no_crash_in_a_merge_changes_what_is_seen() {
    let (mut looked_at, mut anew) = (0, 0);
    for seed in [3, 77] {
        let life = live(seed, 3);
        let mut crashes = life.rig.disk.crashes(seed);
        let (found, rebuilt) = crash_everywhere(&life, &mut crashes, 2);
        looked_at += found;
        anew += rebuilt;
    }
    println!("{looked_at} images, {anew} of them with a catalogue made anew");
    assert!(looked_at > 100 && anew > 100, "{looked_at} {anew}");
}
