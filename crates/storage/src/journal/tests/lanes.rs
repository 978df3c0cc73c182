//! Who waits for whom among those that read.

use std::sync::Arc;
use std::task::{Context, Waker};

use headwater_core::Slot;
use headwater_core::storage::{BoxFuture, Detail, ReadRange};

use super::life::{Life, PATIENCE};
use super::{begin_a_round, patient, wait_until};
use crate::disk::fake::Call;
use crate::testkit::make;

/// More than there are threads.
const READERS: usize = 32;

fn is_ready<T>(answer: &mut BoxFuture<'_, T>) -> bool {
    answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn what_appends_need_is_looked_up_while_pages_wait_for_the_disk() {
    let life = Life::new(patient());
    let side = life.side().unwrap();
    let rig = side.rig();
    let key = begin_a_round(&life, rig);
    let lineage = rig.live(&key).unwrap().ranges.own();
    life.disk.release();
    let range = ReadRange { lineage, from: 0, to: 9_000, budget: 9_000 };
    // What is recent is read without the disk.
    wait_until("packing", || !is_ready(&mut rig.storage().read(range, Detail::Bytes)));
    life.disk.hold(Call::Read);
    let storage = Arc::clone(rig.storage());
    let mut pages: Vec<_> = (0..READERS).map(|_| storage.read(range, Detail::Bytes)).collect();
    for page in &mut pages {
        assert!(!is_ready(page));
    }
    assert!(life.disk.held(1, PATIENCE), "nobody reads");
    // Another stream, which nobody has asked for: it is looked up, and appended to.
    let other = make::key("other").unwrap();
    assert!(matches!(rig.slot(&other).unwrap(), Slot::Absent));
    rig.create(&other, make::birth()).unwrap();
    rig.append(&other, make::batch(2, &[10]).unwrap()).unwrap();
    life.disk.release();
    for page in pages {
        assert_eq!(rig.wait(page).unwrap().unwrap().len(), 9_000);
    }
}
