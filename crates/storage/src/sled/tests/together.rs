//! A slot and a producer's row are loaded as of one version, also while both are committed and packed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use headwater_core::change::ProducerChange;
use headwater_core::{ProducerId, StreamKey};

use super::key;
use super::{Directory, packed_at_once};
use crate::testkit::{Rig, make};

/// At least so many: until each reader has looked so often.
const APPENDS: u64 = 400;
const LOOKS: u64 = 100;

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_slot_and_a_row_are_of_one_version() {
    let directory = Directory::new(packed_at_once());
    let rig = Rig::open(&directory).unwrap();
    let (name, id) = (key("a"), make::producer("p").unwrap());
    rig.create(&name, make::birth()).unwrap();
    let readers = [rig.beside().unwrap(), rig.beside().unwrap()];
    let (running, looks) = (AtomicBool::new(true), [AtomicU64::new(0), AtomicU64::new(0)]);
    let begun = Instant::now();
    thread::scope(|scope| {
        for (rig, looks) in readers.into_iter().zip(&looks) {
            let (running, name, id) = (&running, &name, &id);
            scope.spawn(move || watch(&rig, name, id, (running, looks)));
        }
        for seq in 0.. {
            let enough = looks.iter().all(|looks| looks.load(Ordering::Relaxed) >= LOOKS);
            if (enough && seq >= APPENDS) || begun.elapsed() > PATIENCE {
                break;
            }
            let row = make::row(0, seq).unwrap();
            let row = match seq {
                0 => ProducerChange::Introduce(id.clone(), row),
                _ => ProducerChange::Advance(id.clone(), row),
            };
            rig.update(&name, make::produced(make::batch(seq, &[1]).unwrap(), row)).unwrap();
        }
        running.store(false, Ordering::Release);
    });
    let enough = looks.iter().all(|looks| looks.load(Ordering::Relaxed) >= LOOKS);
    assert!(enough, "too little was loaded meanwhile: {looks:?}");
}

/// Each record was appended with the next sequence of the producer, from 0. Counts how often that was seen to be so.
fn watch(
    rig: &Rig<'_>,
    name: &StreamKey,
    id: &ProducerId,
    (running, looks): (&AtomicBool, &AtomicU64),
) {
    while running.load(Ordering::Acquire) {
        let loaded = rig.load(name, Some(id)).unwrap();
        let records = loaded.slot.state().unwrap().tail.sequence;
        let appended = loaded.producer.map_or(0, |row| row.seq.get() + 1);
        assert_eq!(records, appended, "records of the slot, and what the row says");
        looks.fetch_add(1, Ordering::Relaxed);
    }
}
