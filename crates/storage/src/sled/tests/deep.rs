//! A fork behind a long chain of forks: the ranges that it inherits have rows of their own, which its state row relies on.
//!
//! Its records are more than one step packs, so there is a moment when its lineage is in the database and its state is not.

use std::sync::Arc;

use headwater_core::change::{Birth, PinChange, Unit};
use headwater_core::storage::UnitResult;
use headwater_core::{StreamKey, Version};

use super::key;
use super::missing::{rows_with, wait_until};
use super::{Directory, packed_at_once, packed_when_closed};
use crate::local::row::tag;
use crate::testkit::sight::{Given, Places, Sight};
use crate::testkit::{Rig, make};

/// Forks in the chain: more than the inherited ranges that a state row holds.
const DEPTH: u64 = 60;

/// The first records of the last fork: more than one step of packing takes.
const BODY: usize = 300 * 1024;

/// The last fork of the chain.
fn last() -> StreamKey {
    key("deep/last")
}

fn links() -> Vec<StreamKey> {
    (0..DEPTH).map(|n| key(&format!("deep/{n}"))).collect()
}

/// A root and forks of forks of it, each with a record of its own, and then a group that makes the last one and appends to it.
fn tell(rig: &Rig<'_>) {
    let links = links();
    rig.create(&links[0], Birth { batch: Some(make::batch(0, &[3]).unwrap()), ..make::birth() })
        .unwrap();
    let mut unit = 0;
    for (number, pair) in (1..).zip(links.windows(2)) {
        let changes = fork(rig, &pair[0], &pair[1], make::batch(number, &[3]).unwrap());
        unit = rig.unit(changes.changes).unwrap().unit.0;
    }
    let created = fork(rig, &links[links.len() - 1], &last(), make::batch(99, &[BODY]).unwrap());
    let version = Version { lineage: unit + 1, ..make::next(Version::ABSENT) };
    let appended = make::unit([make::append(&last(), version, make::batch(98, &[1]).unwrap())]);
    let results = rig.commit(vec![created, appended]).unwrap();
    assert!(matches!(results[..], [UnitResult::Committed(_), UnitResult::Committed(_)]));
}

fn fork(rig: &Rig<'_>, source: &StreamKey, fork: &StreamKey, batch: headwater_core::Batch) -> Unit {
    let state = rig.live(source).unwrap();
    let birth = Birth { batch: Some(batch), ..make::fork_birth(source, &state, state.tail) };
    let pin = make::pin(source, state.version(), PinChange::Add(state.tail.position));
    make::unit([make::creation(fork, birth), pin])
}

/// What is seen of the first stream of the chain, one in the middle, and the last fork.
fn look(rig: &Rig<'_>) -> Sight {
    let streams = vec![key("deep/0"), key("deep/50"), last()];
    let seen = Places { streams, spaces: vec!["deep".to_owned()], ..Places::default() };
    let state = rig.live(&last()).unwrap();
    assert_eq!(state.ranges.inherited().len() as u64, DEPTH);
    assert_eq!(state.tail.position, DEPTH * 3 + BODY as u64 + 1);
    seen.look(rig).unwrap()
}

#[test]
fn a_deep_fork_with_much_to_pack_reads_the_same_at_once_packed_and_after_a_stop() {
    let unpacked = Directory::new(packed_when_closed());
    let mut rig = Rig::open(&unpacked).unwrap();
    tell(&rig);
    let at_once = look(&rig);
    rig.reopen().unwrap();
    assert!(look(&rig) == at_once, "after a clean stop");

    let packed = Directory::new(packed_at_once());
    let storage = Arc::new(packed.try_open().unwrap());
    let harness = Given(storage.clone());
    let rig = Rig::open(&harness).unwrap();
    tell(&rig);
    wait_until("everything is packed", || storage.recent_bytes() == 0);
    assert!(look(&rig) == at_once, "after packing");
    rig.append(&last(), make::batch(97, &[1]).unwrap()).unwrap();
}

#[test]
fn a_crash_between_any_two_steps_of_packing_leaves_a_deep_fork_whole() {
    let directory = Directory::new(packed_when_closed());
    let rig = Rig::open(&directory).unwrap();
    tell(&rig);
    let expected = look(&rig);
    drop(rig);
    let mut opened = directory.committer();
    opened.packer.begin_round(&opened.writer.view, opened.counters);
    let mut halfway = 0;
    while opened.packer.step(&mut opened.writer).unwrap().is_some() {
        opened.writer.sync().unwrap();
        let image = directory.image();
        let lineages = rows_with(&image, &[tag::LINEAGE]).len();
        halfway += usize::from(lineages > rows_with(&image, &[tag::STATE]).len());
        let rig = Rig::open(&image).unwrap();
        assert!(look(&rig) == expected, "{lineages} lineages are packed");
        rig.close().unwrap();
    }
    assert!(halfway > 0, "there was no image of a fork that is packed halfway");
}
