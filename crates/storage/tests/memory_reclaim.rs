//! The memory adapter gives space back at once.
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

use headwater_core::change::{PinChange, Update};
use headwater_core::storage::{Detail, ReadRange, StorageError};
use headwater_core::{Lineage, Tail};
use headwater_storage::testkit::{Rig, Shared, SoleMemory, make};

/// Whether the byte at a position is kept.
fn kept(rig: &Rig<'_>, lineage: Lineage, position: u64) -> bool {
    let range = ReadRange { lineage, from: position, to: position + 1, budget: 1 };
    match rig.page(range, Detail::Bytes).unwrap() {
        Ok(page) => page.len() == 1,
        Err(error) => {
            assert_eq!(error, StorageError::Gone);
            false
        }
    }
}

#[test]
fn what_lies_past_the_last_fork_point_goes_with_the_stream_and_then_with_each_fork() {
    let (sole, shared) = (SoleMemory, Shared::default());
    for rig in [Rig::open(&sole).unwrap(), Rig::open(&shared).unwrap()] {
        let source = make::key("source").unwrap();
        let lineage = rig.create(&source, make::birth()).unwrap().ranges.own();
        for seed in 0..30 {
            rig.append(&source, make::batch(seed, &[1_000]).unwrap()).unwrap();
        }
        let mut forks = Vec::new();
        for at in [20_500, 7_000] {
            let (state, key) =
                (rig.live(&source).unwrap(), make::key(&format!("fork-{at}")).unwrap());
            let tail = Tail { position: at, sequence: at.div_ceil(1_000) };
            let pin = make::pin(&source, state.version(), PinChange::Add(at));
            rig.unit([make::creation(&key, make::fork_birth(&source, &state, tail)), pin]).unwrap();
            forks.push((key, at));
        }
        let end = |expected: u64| {
            assert!(expected == 0 || kept(&rig, lineage, expected - 1), "before {expected}");
            assert!(!kept(&rig, lineage, expected), "at {expected}");
        };
        end(30_000);
        rig.unit([make::soft_deletion(&source, rig.version(&source).unwrap())]).unwrap();
        end(20_500);
        let (fork, at) = &forks[0];
        let release = make::pin(&source, rig.version(&source).unwrap(), PinChange::Drop(*at));
        rig.unit([make::removal(fork, rig.version(fork).unwrap()), release]).unwrap();
        end(7_000);
        let (fork, _) = &forks[1];
        let removals = [fork, &source].map(|key| make::removal(key, rig.version(key).unwrap()));
        rig.unit(removals).unwrap();
        end(0);
    }
}

#[test]
fn what_is_given_up_goes_at_once_and_waits_for_the_last_fork() {
    let (sole, shared) = (SoleMemory, Shared::default());
    for rig in [Rig::open(&sole).unwrap(), Rig::open(&shared).unwrap()] {
        let key = make::key("stream").unwrap();
        let lineage = rig.create(&key, make::birth()).unwrap().ranges.own();
        for seed in 0..30 {
            rig.append(&key, make::batch(seed, &[10_000]).unwrap()).unwrap();
        }
        let raise = |records: u64| {
            let floor = Some(Tail { position: records * 10_000, sequence: records });
            rig.update(&key, Update { floor, ..Update::default() }).unwrap();
        };
        let begins = |records: u64| {
            assert!(kept(&rig, lineage, records * 10_000), "from {records}");
            assert!(records == 0 || !kept(&rig, lineage, records * 10_000 - 1), "to {records}");
        };
        begins(0);
        raise(9);
        begins(9);
        let state = rig.live(&key).unwrap();
        let fork = make::key("fork").unwrap();
        let birth = make::fork_birth(&key, &state, Tail { position: 150_000, sequence: 15 });
        let pin = make::pin(&key, state.version(), PinChange::Add(150_000));
        rig.unit([make::creation(&fork, birth), pin]).unwrap();
        raise(20);
        begins(9);
        let release = make::pin(&key, rig.version(&key).unwrap(), PinChange::Drop(150_000));
        rig.unit([make::removal(&fork, rig.version(&fork).unwrap()), release]).unwrap();
        begins(20);
    }
}
