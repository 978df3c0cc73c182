//! Space is given back for reuse, memory is given back, and nothing ends up where sled does not sync.

use std::sync::Arc;

use headwater_core::change::{Birth, PinChange, ProducerChange, Update};
use headwater_core::record::MAX_METADATA_BYTES;
use headwater_core::{Batch, BatchRecord, Metadata, Tail};

use super::super::committer::Committer;
use super::super::pack::{Writer, count_dead};
use super::super::tree::Edit;
use super::key;
use super::missing::{rows_with, wait_until};
use super::{Directory, Options, packed_at_once, packed_when_closed};
use crate::local::database::tuning::SEGMENT_BYTES;
use crate::local::recent::SpaceName;
use crate::local::row::tag;
use crate::local::rows::Rows;
use crate::testkit::{Rig, make};

#[test]
fn a_window_of_streams_that_come_and_go_does_not_grow_the_file() {
    const WINDOW: usize = 8;
    const STREAM_BYTES: usize = 500_000;
    let options = Options { recent_bytes: 1 << 20, ..Options::default() };
    let directory = Directory::new(options);
    let rig = Rig::open(&directory).unwrap();
    let mut sizes = Vec::new();
    for number in 0..20 * WINDOW {
        // Each name is used again, so a stream is removed and created anew.
        let name = key(&format!("w/{}", number % WINDOW));
        if number >= WINDOW {
            rig.unit([make::removal(&name, rig.version(&name).unwrap())]).unwrap();
        }
        rig.create(&name, make::birth()).unwrap();
        for seed in 0..5 {
            let lens = vec![200; STREAM_BYTES / 5 / 200];
            rig.append(&name, make::batch(seed, &lens).unwrap()).unwrap();
        }
        sizes.push(directory.file_len());
    }
    let live = (WINDOW * STREAM_BYTES) as u64;
    let (settled, end) = (sizes[sizes.len() / 2], *sizes.last().unwrap());
    println!("{live} bytes live, {settled} on disk half-way, {end} at the end");
    assert!(end < 12 * live, "{end} bytes on disk for {live}");
    assert!(end <= settled + settled / 2, "grew from {settled} to {end}");
    assert_eq!(directory.large_files(), 0);
    rig.close().unwrap();
    drop(rig);
    let rig = Rig::open(&directory).unwrap();
    assert_eq!(rig.list("w/", None, 100).unwrap().len(), WINDOW);
}

#[test]
fn a_removed_stream_leaves_nothing_but_the_counters_of_its_space() {
    let directory = Directory::new(packed_at_once());
    let rig = Rig::open(&directory).unwrap();
    for round in 0..3 {
        let birth = Birth { expiry: headwater_core::Expiry::Ttl(1000), ..make::birth() };
        rig.create(&key("g/stream"), birth).unwrap();
        rig.append(&key("g/stream"), make::batch(round, &[300_000]).unwrap()).unwrap();
        let row = ProducerChange::Introduce(make::producer("p").unwrap(), make::row(0, 0).unwrap());
        rig.update(&key("g/stream"), make::produced(make::batch(2, &[1]).unwrap(), row)).unwrap();
        let state = rig.live(&key("g/stream")).unwrap();
        let fork = make::fork_birth(&key("g/stream"), &state, state.tail);
        let pin = make::pin(&key("g/stream"), state.version(), PinChange::Add(state.tail.position));
        rig.unit([make::creation(&key("g/fork"), fork), pin]).unwrap();
        let removals = ["g/fork", "g/stream"]
            .map(|path| make::removal(&key(path), rig.version(&key(path)).unwrap()));
        rig.unit(removals).unwrap();
    }
    rig.close().unwrap();
    drop(rig);
    let rows = rows_with(&directory, &[]);
    let left: Vec<u8> = rows.iter().map(|key| key[0]).collect();
    assert_eq!(left, [tag::SPACE, tag::ORDER, tag::CHECKPOINT], "{rows:?}");
}

/// Chunks and stretches go with what a stream gives up; a fork holds them back for as long as it is there.
#[test]
fn what_a_stream_gives_up_leaves_the_database() {
    let directory = Directory::new(packed_at_once());
    let name = key("g/stream");
    let rig = Rig::open(&directory).unwrap();
    rig.create(&name, make::birth()).unwrap();
    for seed in 0..100 {
        rig.append(&name, make::batch(seed, &[100; 40]).unwrap()).unwrap();
    }
    rig.close().unwrap();
    drop(rig);
    let count = |tag| rows_with(&directory, &[tag]).len();
    let whole = (count(tag::CHUNK), count(tag::ORDER));
    assert!(whole.0 > 90, "{whole:?}");
    let rig = Rig::open(&directory).unwrap();
    let state = rig.live(&name).unwrap();
    let fork = make::fork_birth(&name, &state, Tail { position: 8_000, sequence: 80 });
    let pin = make::pin(&name, state.version(), PinChange::Add(8_000));
    rig.unit([make::creation(&key("g/fork"), fork), pin]).unwrap();
    let floor = Some(Tail { position: 380_000, sequence: 3_800 });
    rig.update(&name, Update { floor, ..Update::default() }).unwrap();
    rig.close().unwrap();
    drop(rig);
    assert_eq!(count(tag::CHUNK), whole.0, "kept for the fork");
    let rig = Rig::open(&directory).unwrap();
    let released = make::pin(&name, rig.version(&name).unwrap(), PinChange::Drop(8_000));
    let removed = make::removal(&key("g/fork"), rig.version(&key("g/fork")).unwrap());
    rig.unit([removed, released]).unwrap();
    rig.close().unwrap();
    drop(rig);
    assert!(count(tag::CHUNK) < whole.0 / 10, "{} of {whole:?}", count(tag::CHUNK));
    assert!(count(tag::ORDER) <= whole.1, "{} of {whole:?}", count(tag::ORDER));
    assert_eq!(count(tag::TRIM), 0);
    let rig = Rig::open(&directory).unwrap();
    assert_eq!(rig.space("g", 1 << 20).unwrap().len(), 200);
    let (lineage, tail) = (state.ranges.own(), state.tail.position);
    let expected: Vec<u8> = (95..100).flat_map(|seed| make::pattern(seed, 4_000)).collect();
    assert!(rig.read(lineage, 380_000, tail).unwrap().0 == expected);
    rig.append(&name, make::batch(7, &[10]).unwrap()).unwrap();
    rig.unit([make::removal(&name, rig.version(&name).unwrap())]).unwrap();
    rig.close().unwrap();
    drop(rig);
    assert_eq!(count(tag::CHUNK), 0);
}

/// What is left to do when a process dies between two steps is done by the next one.
#[test]
fn a_trim_that_was_cut_short_goes_on() {
    let directory = Directory::new(packed_when_closed());
    let name = key("g/stream");
    let rig = Rig::open(&directory).unwrap();
    rig.create(&name, make::birth()).unwrap();
    for seed in 0..400 {
        rig.append(&name, make::batch(seed, &[4_000]).unwrap()).unwrap();
    }
    rig.close().unwrap();
    drop(rig);
    let rig = Rig::open(&directory).unwrap();
    let floor = Some(Tail { position: 1_596_000, sequence: 399 });
    rig.update(&name, Update { floor, ..Update::default() }).unwrap();
    // The process dies here: nothing is packed.
    let directory = directory.image();
    drop(rig);
    let mut committer = directory.committer();
    committer.packer.begin_round(&committer.writer.view, committer.counters);
    let trims =
        |committer: &Committer| committer.writer.view.packed.db().scan(&[tag::TRIM]).count();
    while trims(&committer) == 0 {
        assert!(committer.packer.step(&mut committer.writer).unwrap().is_some());
    }
    committer.writer.sync().unwrap();
    drop(committer);
    let image = directory.image();
    drop(directory);
    assert!(rows_with(&image, &[tag::CHUNK]).len() > 1);
    let rig = Rig::open(&image).unwrap();
    assert_eq!(rig.live(&name).unwrap().floor.sequence, 399);
    assert_eq!(rig.space("g", 1 << 20).unwrap().len(), 1);
    rig.close().unwrap();
    drop(rig);
    assert!(rows_with(&image, &[tag::CHUNK]).len() <= 2);
    assert_eq!(rows_with(&image, &[tag::TRIM]).len(), 0);
}

#[test]
fn the_order_of_a_space_is_rid_of_streams_that_are_gone() {
    let directory = Directory::new(packed_at_once());
    let rig = Rig::open(&directory).unwrap();
    let names: Vec<_> = (0..10).map(|n| key(&format!("o/{n}"))).collect();
    for name in &names {
        rig.create(name, make::birth()).unwrap();
    }
    // Interleaved, so that every stretch is about every stream.
    for round in 0..60 {
        let group = names.iter().map(|name| {
            let version = rig.version(name).unwrap();
            make::unit([make::append(name, version, make::batch(round, &[7; 40]).unwrap())])
        });
        rig.commit(group.collect()).unwrap();
    }
    let all = rig.space("o", 1 << 20).unwrap();
    for name in &names[1..] {
        rig.unit([make::removal(name, rig.version(name).unwrap())]).unwrap();
    }
    let kept: Vec<_> = all.into_iter().filter(|entry| entry.key == names[0]).collect();
    assert_eq!(rig.space("o", 3000).unwrap(), kept);
    rig.close().unwrap();
    drop(rig);
    let stretches = rows_with(&directory, &[tag::ORDER]);
    assert!(stretches.len() <= 4, "{} stretches for {} records", stretches.len(), kept.len());
    let rig = Rig::open(&directory).unwrap();
    assert_eq!(rig.space("o", 3000).unwrap(), kept);
    let last = kept.last().unwrap().meta.space_sequence.0;
    let stamp = rig.append(&names[0], make::batch(1, &[1]).unwrap()).unwrap();
    assert!(stamp.first[0].0 > last, "numbers go on");
}

/// Records that were taken for dead and never came into the order are not looked for again and again.
#[test]
fn a_sweep_that_ends_leaves_nothing_to_sweep_but_what_was_removed_meanwhile() {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    rig.create(&key("o/stream"), make::birth()).unwrap();
    for seed in 0..10 {
        let lens: Vec<_> = (0..10_000).map(|n| n % 5).collect();
        rig.append(&key("o/stream"), make::batch(seed, &lens).unwrap()).unwrap();
    }
    rig.close().unwrap();
    drop(rig);
    let name = SpaceName::of(&key("o/stream"));
    let take_for_dead = |committer: &mut Committer, records| {
        let Writer { view, checkpoint, .. } = &mut committer.writer;
        let mut edit = Edit::default();
        count_dead(view, &name, records, &mut edit).unwrap();
        view.packed.apply(edit, checkpoint).unwrap();
    };
    let mut committer = directory.committer();
    take_for_dead(&mut committer, 90_000);
    committer.writer.sync().unwrap();
    drop(committer);
    assert!(rows_with(&directory, &[tag::ORDER]).len() > 16, "one step sweeps all of it");
    let mut committer = directory.committer();
    let mut steps = 0;
    while committer.packer.step(&mut committer.writer).unwrap().is_some() {
        steps += 1;
        if steps == 1 {
            take_for_dead(&mut committer, 700);
        }
    }
    assert!(steps > 1, "the order was swept at once");
    let space = committer.writer.view.packed.space(&name).unwrap();
    assert_eq!((space.records, space.dead), (100_000, 700));
}

#[test]
fn memory_is_empty_when_nothing_is_recent() {
    let directory =
        Directory::new(Options { idle: std::time::Duration::ZERO, ..packed_when_closed() });
    let storage = Arc::new(directory.try_open().unwrap());
    let harness = crate::testkit::sight::Given(storage.clone());
    let rig = Rig::open(&harness).unwrap();
    let mut story = crate::testkit::Story::new(11);
    for _ in 0..300 {
        story.go_on(&rig).unwrap();
    }
    wait_until("memory is empty", || storage.recent_bytes() == 0);
}

/// Values that are as large as they get, under names that are as long as they get.
#[test]
fn nothing_is_too_large_for_the_file() {
    let directory = Directory::new(packed_at_once());
    let rig = Rig::open(&directory).unwrap();
    let text = "x".repeat(MAX_METADATA_BYTES - 4);
    let metadata = |n: usize| Some(Arc::new(Metadata::from([(format!("{n:04}"), text.clone())])));
    rig.create(&key("large"), make::birth()).unwrap();
    for round in 0..20 {
        let records: Vec<_> =
            (0..10).map(|n| BatchRecord { len: 4096, metadata: metadata(n) }).collect();
        let batch = Batch::new(make::pattern(round, 40_960), records.into()).unwrap();
        rig.append(&key("large"), batch).unwrap();
    }
    // Long names that differ at the end, so that sled cannot shorten them where it divides.
    let name = |n: usize| key(&format!("{}{n:05}", "n".repeat(980)));
    for first in (0..3000).step_by(500) {
        let group =
            (first..first + 500).map(|n| make::unit([make::creation(&name(n), make::birth())]));
        rig.commit(group.collect()).unwrap();
    }
    rig.append(&key("large"), make::batch(99, &[3 << 20]).unwrap()).unwrap();
    assert_eq!(directory.large_files(), 0);
    rig.close().unwrap();
    assert_eq!(directory.large_files(), 0);
    assert!(directory.file_len() > SEGMENT_BYTES as u64);
}
