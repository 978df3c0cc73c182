//! Damage is found by looking for it, and told of once.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headwater_core::change::Birth;

use super::rig::Rig;
use crate::journal::chunks::FOLDER;
use crate::journal::merge::policy::Limits;
use crate::journal::scrub::{Pace, Scrubber};
use crate::journal::shared::Exchange;
use crate::testkit::make;

const LIMITS: Limits = Limits { files: 2, most: 64 << 20 };

fn rounds(count: u64, len: usize) -> Rig {
    let mut rig = Rig::new(LIMITS);
    for number in 0..count {
        let key = make::key(&format!("{number}")).unwrap();
        let batch = make::batch(number, &[len]).unwrap();
        rig.commit([make::creation(&key, Birth { batch: Some(batch), ..make::birth() })]);
        rig.round();
    }
    rig
}

fn scrubber(rig: &Rig, bytes: u64) -> (Scrubber, Arc<Exchange>) {
    let exchange = Arc::new(Exchange::default());
    let pace = Pace { bytes, every: Duration::from_secs(3600) };
    (Scrubber::new(Arc::clone(&rig.view), Arc::clone(&exchange), pace), exchange)
}

#[test]
fn damage_is_told_of_once_also_in_what_is_merged() {
    let mut rig = rounds(6, 5000);
    let (mut scrubber, _) = scrubber(&rig, u64::MAX);
    assert_eq!((scrubber.round(), scrubber.found()), (ControlFlow::Continue(()), 0));
    rig.merge();
    assert_eq!((scrubber.round(), scrubber.found()), (ControlFlow::Continue(()), 0));
    let chunk = |path: &Path| path.starts_with(FOLDER);
    let (path, _) = rig.disk.files().into_iter().find(|(path, _)| chunk(path)).unwrap();
    for (offset, found) in [(500, 1), (600, 1), (6000, 2)] {
        // The first two are in one block.
        rig.disk.flip(&path, offset, 1).unwrap();
        for _ in 0..2 {
            assert_eq!(scrubber.round(), ControlFlow::Continue(()));
            assert_eq!(scrubber.found(), found, "{offset}");
        }
    }
}

#[test]
fn looking_for_damage_takes_its_time_and_ends_at_once() {
    let rig = rounds(20, 64 << 10);
    let (mut slow, _) = scrubber(&rig, 8 << 20);
    let begun = Instant::now();
    assert_eq!(slow.round(), ControlFlow::Continue(()));
    // Some 1.3 MB, of which less than a burst is not waited for.
    assert!(begun.elapsed() > Duration::from_millis(110), "{:?}", begun.elapsed());
    let (mut slower, exchange) = scrubber(&rig, 1000);
    std::thread::scope(|scope| {
        let round = scope.spawn(move || slower.round());
        exchange.stop();
        assert_eq!(round.join().unwrap(), ControlFlow::Break(()));
    });
}
