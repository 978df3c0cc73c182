//! The suite fails where it has to: every planted fault is caught, and every check catches one.

use std::collections::BTreeSet;

use headwater_sse::testkit::replay::checks;
use headwater_sse::testkit::replay::planted::{FAULTS, Fault, PlantedHarness};

#[test]
fn every_fault_is_caught_by_the_check_that_is_there_for_it() {
    let checks = checks();
    let mut missed = Vec::new();
    for (fault, name) in FAULTS {
        let check = checks.iter().find(|check| check.name == *name).unwrap();
        match check.run(&PlantedHarness(*fault)) {
            Ok(()) => missed.push((fault, name)),
            Err(failure) => println!("{fault:?}: {failure}"),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}

#[test]
fn every_check_can_fail() {
    let caught: BTreeSet<_> = FAULTS.iter().map(|(_, name)| *name).collect();
    let all: BTreeSet<_> = checks::<PlantedHarness>().iter().map(|check| check.name).collect();
    assert_eq!(caught, all);
}

#[test]
fn the_wrapper_itself_is_no_fault() {
    for check in checks() {
        check.run(&PlantedHarness(Fault::Nothing)).unwrap();
    }
}
