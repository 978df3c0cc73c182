//! A stream with more producers than one step packs: their rows come in several edits, and the state after them.

use std::sync::Arc;

use headwater_core::ProducerId;
use headwater_core::change::ProducerChange;
use headwater_core::storage::UnitResult;

use super::key;
use super::missing::rows_with;
use super::{Directory, packed_when_closed};
use crate::local::database::tuning::BATCH_KEYS;
use crate::local::row::tag;
use crate::testkit::sight::{Places, Sight};
use crate::testkit::{Rig, make};

/// Producers that are new to the stream: three steps of packing, and some.
const NEW: usize = 3 * BATCH_KEYS + 7;

/// Producers that the stream is made to know first, one of which goes on.
const OLD: usize = 5;

fn producer(number: usize) -> ProducerId {
    make::producer(&format!("producer-{number}")).unwrap()
}

/// One append by each of some producers, in one group.
fn tell(rig: &Rig<'_>, changes: impl Iterator<Item = ProducerChange>) {
    let mut version = rig.version(&key("p/stream")).unwrap();
    let unit = |change| {
        let update = make::produced(make::batch(1, &[1]).unwrap(), change);
        let basis = version;
        version = make::next(basis);
        make::unit([make::update(&key("p/stream"), basis, update)])
    };
    let results = rig.commit(changes.map(unit).collect()).unwrap();
    assert!(results.iter().all(|result| matches!(result, UnitResult::Committed(_))));
}

fn introduced(number: usize) -> ProducerChange {
    ProducerChange::Introduce(producer(number), make::row(1, 0).unwrap())
}

fn look(rig: &Rig<'_>) -> Sight {
    let producers = (0..OLD + NEW + 1).map(producer).collect();
    let seen = Places { streams: vec![key("p/stream")], producers, ..Places::default() };
    seen.look(rig).unwrap()
}

#[test]
fn a_crash_between_any_two_steps_of_packing_leaves_every_producer_known() {
    let directory = Directory::new(packed_when_closed());
    let mut rig = Rig::open(&directory).unwrap();
    rig.create(&key("p/stream"), make::birth()).unwrap();
    tell(&rig, (0..OLD).map(introduced));
    rig.reopen().unwrap();
    let advanced = ProducerChange::Advance(producer(0), make::row(1, 1).unwrap());
    tell(&rig, (OLD..OLD + NEW).map(introduced).chain([advanced]));
    let expected = look(&rig);
    // Without the seal and the packing of a clean stop.
    let directory = directory.image();
    rig.close().unwrap();
    drop(rig);

    let mut opened = directory.committer();
    opened.packer.begin_round(&opened.writer.view, opened.counters);
    let mut known = vec![OLD];
    while opened.packer.step(&mut opened.writer).unwrap().is_some() {
        opened.writer.sync().unwrap();
        let image = directory.image();
        known.push(rows_with(&image, &[tag::PRODUCER]).len());
        let rig = Rig::open(&image).unwrap();
        assert!(look(&rig) == expected, "{known:?} producers have rows");
        rig.close().unwrap();
    }
    assert_eq!(known.last(), Some(&(OLD + NEW)));
    let most = known.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(most <= BATCH_KEYS, "{known:?}: so many rows in one edit");
}

#[test]
fn a_stream_that_is_packed_halfway_shows_every_producer() {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    rig.create(&key("p/stream"), make::birth()).unwrap();
    tell(&rig, (0..NEW).map(introduced));
    let directory = directory.image();
    rig.close().unwrap();
    drop(rig);

    let mut opened = directory.committer();
    let view = Arc::clone(&opened.writer.view);
    opened.packer.begin_round(&view, opened.counters);
    let (mut in_memory, expected) = (Vec::new(), make::row(1, 0).unwrap());
    while opened.packer.step(&mut opened.writer).unwrap().is_some() {
        for number in 0..NEW {
            let id = producer(number);
            let loaded = view.load(&key("p/stream"), Some(&id)).unwrap();
            assert_eq!(loaded.producer, Some(expected), "{id:?}");
        }
        let recent = &view.recent.read().active;
        let lineage = recent.lineages().first().copied();
        let stream = lineage.and_then(|lineage| recent.stream(lineage));
        in_memory.extend(stream.map(|stream| stream.producers.len()));
    }
    assert!(in_memory.iter().any(|left| (1..NEW).contains(left)), "{in_memory:?}");
}
