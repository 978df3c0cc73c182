//! Space comes back, and what is merged is what was there.

use super::rig::Rig;
use super::story::Story;
use super::table::Rows;
use crate::journal::merge::policy::Limits;
use crate::journal::merge::thread::Step;
use crate::testkit::make;
use headwater_core::Tail;
use headwater_core::change::{Birth, Update};

const LIMITS: Limits = Limits { files: 4, most: 4 << 20 };

#[test]
fn merging_changes_nothing_that_is_seen_and_the_catalogue_can_be_made_anew() {
    for seed in [1, 4, 7] {
        let mut rig = Rig::new(LIMITS);
        let mut story = Story::new(seed * 1_000_003 + 7, 6 + seed * 3, 40 << (seed % 8));
        let (mut merges, mut changed) = (0, 0);
        for _ in 0..25 {
            story.commits(&mut rig, 8);
            rig.round();
            let seen = rig.seen();
            // Sometimes a round comes to count before the merge that was begun before it.
            story.commits(&mut rig, 3);
            let (frozen, after) = (rig.freeze(), rig.seen());
            let mut packed = false;
            let step = rig.merge_with(|packer| {
                packer.pack(&frozen).unwrap();
                packed = true;
            });
            if !packed {
                rig.packer.pack(&frozen).unwrap();
            }
            merges += usize::from(step == Step::Done) + rig.merge();
            assert!(rig.seen() == after, "seed {seed}");
            changed += usize::from(seen != after);
            let (counted, led) = rig.live();
            assert_eq!(counted, led, "seed {seed}");
        }
        assert!(merges > 5 && changed > 20, "{merges}, {changed}");
        let (seen, rows) = (rig.seen(), rig.table.now());
        let rig = rig.reopen(Rows::new(), LIMITS);
        assert!(rig.seen() == seen, "seed {seed}: made anew");
        assert_eq!(rig.table.now(), rows, "seed {seed}: made anew");
        let files = rig.sizes().len();
        assert!(files <= LIMITS.files * 4, "{files} files");
    }
}

#[test]
fn what_is_removed_leaves_nothing_behind() {
    let mut rig = Rig::new(LIMITS);
    let mut sizes = Vec::new();
    for turn in 0..120u64 {
        let key = make::key(&format!("x/{turn}")).unwrap();
        let batch = make::batch(turn, &[3000; 10]).unwrap();
        rig.commit([make::creation(&key, Birth { batch: Some(batch), ..make::birth() })]);
        rig.round();
        if turn >= 5 {
            let old = make::key(&format!("x/{}", turn - 5)).unwrap();
            let version = rig.slot(&old).version();
            rig.commit([make::removal(&old, version)]);
            rig.round();
        }
        rig.merge();
        sizes.push(rig.sizes().iter().sum::<u64>());
    }
    // Five streams of 30,000 bytes are there.
    let most = sizes.iter().copied().max().unwrap();
    assert!(most < 3 * 5 * 30_000, "{sizes:?}");
    for turn in 115..120u64 {
        let key = make::key(&format!("x/{turn}")).unwrap();
        rig.commit([make::removal(&key, rig.slot(&key).version())]);
        rig.round();
    }
    rig.merge();
    let (files, bytes) = (rig.sizes().len(), rig.sizes().iter().sum::<u64>());
    println!("nothing is left in {files} files of {bytes} bytes");
    assert!(files < 16 && bytes < 20_000, "{files} files, {bytes} bytes");
    let seen = rig.seen();
    let mut rig = rig.reopen(Rows::new(), LIMITS);
    assert_eq!(rig.seen(), seen);
    // Numbers go on.
    let key = make::key("x/0").unwrap();
    assert!(rig.commit([make::creation(&key, make::birth())]) > 200);
}

#[test]
fn a_stream_that_gives_up_its_beginning_takes_no_more_room_however_much_is_written() {
    // Records that are large beside what is told of them, and such that are not.
    for len in [3000, 40] {
        let mut rig = Rig::new(LIMITS);
        let key = make::key("x/s").unwrap();
        rig.commit([make::creation(&key, make::birth())]);
        let (mut most, keep) = (0, 50 * len as u64);
        for turn in 0..400u64 {
            let batch = make::batch(turn, &[len; 10]).unwrap();
            rig.commit([make::append(&key, rig.slot(&key).version(), batch)]);
            let state = rig.live_state(&key);
            if state.tail.position > keep {
                let floor = Tail {
                    position: state.tail.position - keep,
                    sequence: state.tail.sequence - 50,
                };
                let update = Update { floor: Some(floor), ..Update::default() };
                rig.commit([make::update(&key, state.version(), update)]);
            }
            if turn % 3 == 0 {
                rig.round();
                rig.merge();
                let (counted, led) = rig.live();
                assert_eq!(counted, led);
            }
            most = most.max(rig.sizes().iter().sum::<u64>());
        }
        println!("at most {most} bytes, of which {keep} are kept, of {}", 400 * 10 * len);
        assert!(most < 3 * keep + 60_000, "{most} bytes");
        let (seen, rows) = (rig.seen(), rig.table.now());
        let rig = rig.reopen(Rows::new(), LIMITS);
        assert!(rig.seen() == seen, "made anew");
        assert_eq!(rig.table.now(), rows, "made anew");
    }
}

#[test]
fn rows_that_change_all_the_time_do_not_pile_up() {
    let mut rig = Rig::new(Limits { files: 4, most: 1 << 20 });
    let keys: Vec<_> = (0..200).map(|n| make::key(&format!("r/{n}")).unwrap()).collect();
    for key in &keys {
        rig.commit([make::creation(key, make::birth())]);
    }
    let mut most = 0;
    for turn in 0..150u64 {
        for key in &keys {
            let version = rig.slot(key).version();
            rig.commit([make::append(key, version, make::batch(turn, &[1]).unwrap())]);
        }
        rig.round();
        rig.merge();
        most = most.max(rig.sizes().iter().sum::<u64>());
    }
    // A round alone has some 60 KB of rows.
    println!("at most {most} bytes of 30,000 records of one byte");
    assert!(most < 900_000, "{most}");
    let seen = rig.seen();
    assert!(rig.reopen(Rows::new(), LIMITS).seen() == seen);
}

#[test]
fn slow_streams_become_contiguous() {
    let mut rig = Rig::new(LIMITS);
    let keys: Vec<_> = (0..20).map(|n| make::key(&format!("{n}")).unwrap()).collect();
    for key in &keys {
        rig.commit([make::creation(key, make::birth())]);
    }
    for turn in 0..64u64 {
        for key in &keys {
            let version = rig.slot(key).version();
            rig.commit([make::append(key, version, make::batch(turn, &[100]).unwrap())]);
        }
        rig.round();
        rig.merge();
    }
    let rows = rig.table.now();
    let blocks = rows.keys().filter(|key| key[0] == crate::local::row::tag::CHUNK).count();
    // Of 64 rounds at most a few are not merged yet.
    assert!(blocks <= 20 * 10, "{blocks} blocks");
}
