//! A slot and a producer's row are loaded as of one version, also while both are committed and packed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use headwater_core::change::ProducerChange;
use headwater_core::{ProducerId, StreamKey};

use super::key;
use super::{Directory, packed_at_once};
use crate::testkit::{Rig, make};

const APPENDS: u64 = 400;

#[test]
fn a_slot_and_a_row_are_of_one_version() {
    let directory = Directory::new(packed_at_once());
    let rig = Rig::open(&directory).unwrap();
    let (name, id) = (key("a"), make::producer("p").unwrap());
    rig.create(&name, make::birth()).unwrap();
    let readers = [rig.beside().unwrap(), rig.beside().unwrap()];
    let running = AtomicBool::new(true);
    thread::scope(|scope| {
        let readers = readers.map(|rig| {
            let (running, name, id) = (&running, &name, &id);
            scope.spawn(move || watch(&rig, name, id, running))
        });
        for seq in 0..APPENDS {
            let row = make::row(0, seq).unwrap();
            let row = match seq {
                0 => ProducerChange::Introduce(id.clone(), row),
                _ => ProducerChange::Advance(id.clone(), row),
            };
            rig.update(&name, make::produced(make::batch(seq, &[1]).unwrap(), row)).unwrap();
        }
        running.store(false, Ordering::Release);
        for reader in readers {
            assert!(reader.join().unwrap() > 0, "nothing was loaded meanwhile");
        }
    });
}

/// Each record was appended with the next sequence of the producer, from 0. Returns how often that was seen to be so.
fn watch(rig: &Rig<'_>, name: &StreamKey, id: &ProducerId, running: &AtomicBool) -> u64 {
    let mut looks = 0;
    while running.load(Ordering::Acquire) {
        let loaded = rig.load(name, Some(id)).unwrap();
        let records = loaded.slot.state().unwrap().tail.sequence;
        let appended = loaded.producer.map_or(0, |row| row.seq.get() + 1);
        assert_eq!(records, appended, "records of the slot, and what the row says");
        looks += 1;
    }
    looks
}
