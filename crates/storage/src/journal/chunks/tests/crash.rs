//! A loss of power at any moment: what has a name that counts is whole, and what was completed is there.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::super::*;
use super::story::{Append, Index, Story, facts};
use crate::disk::{Disk, FakeDisk};

fn named(first: u64, last: u64) -> ChunkName {
    ChunkName::new(first, last).unwrap()
}

/// Two files, then one that replaces both; a mark after each.
fn live(disk: &FakeDisk) -> Vec<(ChunkName, u64)> {
    disk.create_folder(Path::new(FOLDER)).unwrap();
    disk.sync_folder(Path::new("")).unwrap();
    let append = |stream, lens: &[usize]| Append {
        stream,
        skipped: 1,
        lens: lens.to_vec(),
        tagged: vec![0],
    };
    let stories = [
        (named(1, 1), vec![append(0, &[200; 30]), append(1, &[40_000])]),
        (named(2, 2), vec![append(0, &[7; 9]), append(2, &[100_000, 50_000])]),
        (named(1, 2), vec![append(0, &[200; 60]), append(1, &[40_000]), append(2, &[150_000])]),
    ];
    let mut sizes = Vec::new();
    for (mark, (name, appends)) in (1..).zip(stories) {
        let mut writer = ChunkWriter::create(Arc::new(disk.clone()), name).unwrap();
        Story::tell(&appends).put(&mut writer).unwrap();
        let footer = writer.finish(facts()).unwrap();
        sizes.push((name, footer.section.rows));
        disk.mark(mark);
    }
    tidy_up(disk, &Listing::read(disk).unwrap()).unwrap();
    sizes
}

#[test]
fn no_crash_leaves_half_a_chunk_file_or_takes_one_back() {
    let disk = FakeDisk::new();
    let written = live(&disk);
    let mut walk = disk.crashes(1);
    let mut looked_at = 0;
    while let Some(moment) = walk.next_moment() {
        let done = moment.marks().len();
        for image in moment.images(60) {
            let Ok(listing) = Listing::read(image.disk()) else {
                assert_eq!(done, 0, "{image}: the folder is gone");
                continue;
            };
            assert!(listing.strange.is_empty(), "{image}: {:?}", listing.strange);
            for name in listing.files.iter().chain(&listing.replaced) {
                let file = ChunkFile::open(image.disk(), *name);
                let file = file.unwrap_or_else(|error| panic!("{image}: {error}"));
                let flow =
                    file.scrub(|_| ControlFlow::Continue(()), |error| panic!("{image}: {error}"));
                assert_eq!(flow, ControlFlow::Continue(()));
                let rows = written.iter().find(|(other, _)| other == name).unwrap().1;
                assert_eq!(file.footer().section.rows, rows, "{image}");
                Index::of(&file).unwrap();
            }
            for (name, _) in written.iter().take(done) {
                let there = |other: &ChunkName| other == name || other.replaces(*name);
                assert!(listing.files.iter().any(there), "{image}: {name} is gone");
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 500, "{looked_at} images");
}
