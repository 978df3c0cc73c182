//! Running many trials from one seed, until enough transitions were made or one was wrong.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::coverage::Coverage;
use crate::namespace::Fault;
use crate::ops::{Op, lists};
use crate::seen::WHAT_IS_NEEDED_IS_KEPT;
use crate::trial::Trial;

/// Commands per trial: enough for chains of forks to grow, for streams to close and end, and for names to come back.
const LENGTH: std::ops::RangeInclusive<usize> = 60..=120;

/// What to run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) transitions: u64,
    /// How often a failing list may be tried again with less in it.
    pub(crate) shrinking: u32,
}

/// A transition that was wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// The shortest list of operations that was found to fail.
    pub(crate) ops: Vec<Op>,
    pub(crate) transitions: u64,
}

/// The seed that the environment asks for, or another one every time.
pub(crate) fn seed() -> u64 {
    match std::env::var("HEADWATER_SEED") {
        Ok(text) => text.parse().expect("HEADWATER_SEED is a decimal number"),
        Err(_) => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            since.map_or(0, |elapsed| elapsed.as_nanos() as u64)
        }
    }
}

/// Makes random transitions; `plant` makes the fault of each trial.
pub(crate) fn explore(
    plan: &Plan,
    plant: impl Fn() -> Box<dyn Fault>,
) -> Result<Coverage, Failure> {
    let mut runner = runner(plan);
    let strategy = lists(LENGTH);
    let coverage = RefCell::new(Coverage::default());
    while coverage.borrow().commands < plan.transitions {
        let list = strategy.new_tree(&mut runner).expect("every list is valid");
        let result = runner.run_one(list, |ops| {
            let made = trial(&ops, plant(), &mut coverage.borrow_mut());
            made.map_err(TestCaseError::fail)
        });
        if let Err(error) = result {
            let transitions = coverage.borrow().commands;
            return Err(match error {
                TestError::Fail(reason, ops) => {
                    Failure { message: reason.to_string(), ops, transitions }
                }
                TestError::Abort(reason) => {
                    Failure { message: reason.to_string(), ops: Vec::new(), transitions }
                }
            });
        }
    }
    Ok(coverage.into_inner())
}

/// Makes random transitions with a fault and nothing to compare with, and tells which invariants saw it. Each list ends
/// where one did, so that none is counted for what an earlier step left behind.
pub(crate) fn probe(plan: &Plan, plant: impl Fn() -> Box<dyn Fault>) -> BTreeSet<&'static str> {
    let mut runner = runner(plan);
    let strategy = lists(LENGTH);
    let mut seen = BTreeSet::new();
    let mut made = 0;
    while made < plan.transitions {
        let list = strategy.new_tree(&mut runner).expect("every list is valid").current();
        let mut trial = Trial::new(plant());
        for op in &list {
            made += 1;
            // On false premises the rules may also overflow, which ends a list as it ends a trial.
            let probed = catch_unwind(AssertUnwindSafe(|| trial.probe(op)));
            match probed {
                Ok(Ok(broken)) if broken.is_empty() => continue,
                Ok(Ok(broken)) => seen.extend(broken),
                Ok(Err(what)) if what.starts_with(WHAT_IS_NEEDED_IS_KEPT) => {
                    seen.insert(WHAT_IS_NEEDED_IS_KEPT);
                }
                Ok(Err(_)) | Err(_) => {}
            }
            break;
        }
    }
    seen
}

/// A source of operations that begins anew with each plan.
fn runner(plan: &Plan) -> TestRunner {
    let config =
        Config { failure_persistence: None, max_shrink_iters: plan.shrinking, ..Config::default() };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&plan.seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    TestRunner::new_with_rng(config, rng)
}

fn trial(ops: &[Op], fault: Box<dyn Fault>, coverage: &mut Coverage) -> Result<(), String> {
    let mut trial = Trial::new(fault);
    for op in ops {
        trial.step(op, coverage)?;
    }
    trial.finish()
}
