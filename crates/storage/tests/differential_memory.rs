//! The two modes of the memory adapter do the same on the same scripts, reopened handles included; and the comparison
//! sees it when one of them has a fault.

use headwater_storage::testkit::differential::{Extent, compare, run, scripts};
use headwater_storage::testkit::planted::{Fault, PlantedHarness};
use headwater_storage::testkit::{Shared, SoleMemory};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

#[test]
fn both_modes_of_memory_do_the_same() {
    let extent = Extent { seed: 1, scripts: 100, rounds: 60 }.or_as_asked();
    let report = compare(extent, || Box::new(SoleMemory), || Box::new(Shared::default())).unwrap();
    println!("{report}");
    report.reached(10).unwrap();
}

#[test]
fn a_side_with_a_fault_is_found_out() {
    let mut runner = TestRunner::deterministic();
    for fault in [
        Fault::DropsProducers,
        Fault::IgnoresVersions,
        Fault::TearsUnits,
        Fault::HalvesUnits,
        Fault::ReversesGroups,
        Fault::LosesSomeUnits,
        Fault::StampsTheClock,
        Fault::LosesOrigins,
        Fault::LosesStreamSeq,
        Fault::LosesAncestors,
        Fault::FlipsBits,
        Fault::LosesEmptyRecords,
        Fault::LosesMetadata,
        Fault::ForgetsPins,
        Fault::KeepsRemoved,
        Fault::ReversesListings,
        Fault::ExpiresEarly,
        Fault::EndsSpacesEarly,
        Fault::ConfirmsAnything,
        Fault::ForgetsOnReopening,
    ] {
        let found = (0..40).any(|_| {
            let script = scripts(60).new_tree(&mut runner).unwrap().current();
            run(&script, &SoleMemory, &PlantedHarness::new(fault)).is_err()
        });
        assert!(found, "{fault:?} was not found in 40 scripts");
    }
}
