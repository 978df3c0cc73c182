//! The suite fails where it has to: every planted fault is caught, and every check catches one.

use std::collections::BTreeSet;

use headwater_storage::testkit::conformance::{ALL, SEVERAL, run};
use headwater_storage::testkit::planted::{FAULTS, Fault, PlantedHarness};

#[test]
fn every_fault_is_caught_by_the_checks_that_are_there_for_it() {
    let mut missed = Vec::new();
    for (fault, checks) in FAULTS {
        for check in *checks {
            match run(check, &PlantedHarness::new(*fault)) {
                Ok(()) => missed.push((fault, check)),
                Err(failure) => println!("{fault:?}: {failure}"),
            }
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

#[test]
fn every_check_can_fail() {
    let caught: BTreeSet<_> =
        FAULTS.iter().flat_map(|(_, checks)| checks.iter().copied()).collect();
    let checks: BTreeSet<_> = ALL.iter().chain(SEVERAL).map(|check| check.name).collect();
    assert_eq!(caught, checks);
}

#[test]
fn the_wrapper_itself_is_no_fault() {
    for check in ALL.iter().chain(SEVERAL) {
        check.run(&PlantedHarness::new(Fault::Nothing)).unwrap();
    }
}
