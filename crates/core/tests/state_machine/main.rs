//! Random commands against the rules, step by step beside a model, with every invariant looked at after every step.
//!
//! - [`ops`] are random commands in the abstract; [`concrete`] makes requests of them.
//! - [`namespace`] is the system under test: it does what the decisions say.
//! - [`records`] tells when records were committed, and looks up what is beyond a policy.
//! - [`model`] is written from the protocol text, without the rules under test.
//! - [`invariants`] hold whatever the model says; [`ledger`] keeps every token that was ever given out.
//! - [`faults`] shows that a store that breaks a rule is found out, and that no invariant is idle.
//!
//! `HEADWATER_SOAK=1` makes a hundred times as many transitions. `HEADWATER_SEED` repeats a run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests report by panicking and printing"
)]

mod answer;
mod concrete;
mod coverage;
mod faults;
mod invariants;
mod ledger;
mod model;
#[path = "../namespace/mod.rs"]
mod namespace;
mod ops;
mod records;
mod request;
mod run;
mod seen;
mod trial;

/// Transitions in a usual run: so many that the rarest row is met three times as often as it must be.
const TRANSITIONS: u64 = 200_000;

/// Transitions in a soak.
const SOAK: u64 = 10_000_000;

#[test]
fn random_commands_do_what_the_model_does_and_keep_every_invariant() {
    let soak = std::env::var("HEADWATER_SOAK").is_ok_and(|value| value == "1");
    let transitions = if soak { SOAK } else { TRANSITIONS };
    let plan = run::Plan { seed: run::seed(), transitions, shrinking: 20_000 };
    match run::explore(&plan, || Box::new(namespace::Sound)) {
        Ok(coverage) => {
            println!("reached: {} transitions from seed {}", coverage.commands, plan.seed);
            println!("{coverage}");
            let gaps = coverage.gaps();
            assert!(gaps.is_empty(), "seed {}: reached too seldom: {gaps:?}", plan.seed);
        }
        Err(failure) => panic!(
            "seed {}, after {} transitions: {}\nshortest list of operations: {:#?}",
            plan.seed, failure.transitions, failure.message, failure.ops
        ),
    }
}
