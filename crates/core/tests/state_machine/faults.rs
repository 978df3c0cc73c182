//! Faults planted one at a time between decisions and the store: the property test has to catch every one of them.
//!
//! Those in [`stored`] change what is committed; those in [`seen`] change what decisions are told, so that each of them
//! follows the rules from false premises; those in [`kept`] change what nobody asked to change.

mod kept;
mod seen;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use crate::invariants;
use crate::ledger::A_TOKEN_STANDS_FOR_THE_SAME_BYTES;
use crate::namespace::{Fault, Sound};
use crate::run::{Plan, explore, probe};
use crate::seen::WHAT_IS_NEEDED_IS_KEPT;

/// Transitions within which every fault is caught.
const WITHIN: u64 = 5_000;

/// What the store does wrong, and the fault that does it.
type Planted = (&'static str, fn() -> Box<dyn Fault>);

fn all() -> impl Iterator<Item = &'static Planted> {
    stored::FAULTS.iter().chain(seen::FAULTS).chain(kept::FAULTS)
}

#[test]
fn every_planted_fault_is_caught() {
    for (name, plant) in all() {
        let plan = Plan { seed: 1, transitions: WITHIN, shrinking: 0 };
        match explore(&plan, plant) {
            Ok(coverage) => panic!("not caught: a store that {name}\n{coverage}"),
            Err(failure) => {
                let what = failure.message.lines().next().unwrap_or_default();
                println!("{name}: caught after {} transitions by {what:.100}", failure.transitions);
            }
        }
    }
}

/// Transitions within which an invariant sees the faults that are its own.
const PROBED: u64 = 1_500;

/// A fault is caught by whatever sees it first, mostly the model. Here the model is not asked: an invariant that no fault
/// can break would hold for nothing.
#[test]
fn every_invariant_sees_a_planted_fault_without_the_model() {
    let plan = Plan { seed: 1, transitions: PROBED, shrinking: 0 };
    assert_eq!(probe(&plan, || Box::new(Sound)), BTreeSet::new(), "nothing is wrong");
    let mut seers: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (fault, plant) in all() {
        for invariant in probe(&plan, plant) {
            seers.entry(invariant).or_default().push(fault);
        }
    }
    println!("{seers:#?}");
    let blind: Vec<_> = invariants::names()
        .chain([WHAT_IS_NEEDED_IS_KEPT, A_TOKEN_STANDS_FOR_THE_SAME_BYTES])
        .filter(|name| !seers.contains_key(name))
        .collect();
    assert!(blind.is_empty(), "no planted fault is seen by {blind:?}");
}
