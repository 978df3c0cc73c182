//! What keeps the adapter right is missed when it is left out.

use super::counts::Counts;
use super::crash::{Extent, USUAL, live};
use crate::journal::planted::{self, Fault};
use crate::testkit::Failure;

/// Lives that are tried before a fault counts as one that nobody notices.
const LIVES: u64 = 400;

/// Each fault, and a word of what it is noticed by.
const FAULTS: &[(Fault, &str)] = &[
    (Fault::ReleasesEarly, "missing"),
    (Fault::SkipsChunkSync, "damaged"),
    (Fault::SkipsNameSync, ""),
    (Fault::SkipsNameSyncAtOpening, "a second crash"),
    (Fault::EditionFirst, "made anew"),
    (Fault::RowsFirst, "made anew"),
    (Fault::IgnoresLedger, ""),
    (Fault::KeepsReplaced, ""),
    (Fault::SkipsPins, ""),
    (Fault::SkipsProducers, "producers of"),
    (Fault::KeepsDeadlines, "due"),
    (Fault::IgnoresForks, ""),
    (Fault::TrimsTooMuch, ""),
];

fn found(fault: Fault) -> Result<(), Failure> {
    let extent = Extent { images: 8, second: 100, ..USUAL };
    planted::with(fault, || {
        (0..LIVES).try_for_each(|seed| live(seed, extent, &mut Counts::default()))
    })
}

#[test]
fn every_fault_is_noticed() {
    for (fault, word) in FAULTS {
        let failure = found(*fault).expect_err(&format!("{fault:?} is noticed")).to_string();
        println!("{fault:?}: {failure}");
        assert!(failure.contains(word), "{fault:?}: {failure}");
    }
}
