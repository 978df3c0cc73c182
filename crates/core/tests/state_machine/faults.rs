//! Faults planted one at a time between decisions and the store: the property test has to catch every one of them.
//!
//! Those in [`stored`] change what is committed; those in [`seen`] change what decisions are told, so that each of them
//! follows the rules from false premises.

mod seen;
mod stored;

use crate::namespace::Fault;
use crate::run::{Plan, explore};

/// Transitions within which every fault is caught.
const WITHIN: u64 = 5_000;

/// What the store does wrong, and the fault that does it.
type Planted = (&'static str, fn() -> Box<dyn Fault>);

#[test]
fn every_planted_fault_is_caught() {
    for (name, plant) in stored::FAULTS.iter().chain(seen::FAULTS) {
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
