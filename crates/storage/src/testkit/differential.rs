//! The differential property: two adapters that are told the same do the same.
//!
//! A random [`Script`] of commands, clock steps and restarts runs on two harnesses side by side. Each side decides by core's
//! rules on what its own adapter loads, and commits to it. After every round the results and everything that can be read
//! are compared: slots, producer rows, bytes, record tables, spaces, listings, deadlines, confirmations.
//!
//! Numbers of units and lineages may skip, differently on each side, so they are compared by rank: the third unit that
//! was committed is the third on both. Space sequences are compared as they are where both writers are sole.

mod command;
mod report;
mod script;
#[cfg(all(test, feature = "journal"))]
mod shorten;
pub(crate) mod side;
pub(crate) mod view;

use std::cell::RefCell;
use std::str::FromStr;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

pub use report::Report;
pub use script::{Round, Script, scripts};

use super::check::{Failure, Verdict, ensure_eq};
use super::harness::Harness;
use side::Side;

/// How much is tried.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The same seed gives the same scripts.
    pub seed: u64,
    /// Scripts.
    pub scripts: u32,
    /// Rounds in a script: a group of commands, a clock step, or a restart.
    pub rounds: usize,
}

/// How many smaller scripts are tried when one fails: a minute or two with an adapter that syncs.
const MOST_TO_SHRINK: u32 = 200;

impl Extent {
    /// The same extent, with the seed and the number of scripts that the environment variables `HEADWATER_SEED` and
    /// `HEADWATER_SCRIPTS` give, where they give one.
    #[must_use]
    pub fn or_as_asked(self) -> Self {
        Self {
            seed: asked("HEADWATER_SEED").unwrap_or(self.seed),
            scripts: asked("HEADWATER_SCRIPTS").unwrap_or(self.scripts),
            rounds: self.rounds,
        }
    }

    fn bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (byte, of_seed) in bytes.iter_mut().zip(self.seed.to_le_bytes()) {
            *byte = of_seed;
        }
        bytes
    }
}

fn asked<T: FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs random scripts on pairs of harnesses with fresh data, and tells what they reached.
///
/// # Errors
/// The smallest script found on which the two differ, and in what.
pub fn compare(
    extent: Extent,
    left: impl Fn() -> Box<dyn Harness>,
    right: impl Fn() -> Box<dyn Harness>,
) -> Result<Report, Failure> {
    let total = RefCell::new(Report::default());
    // A failing script is printed in full and can be made a test of its own: no file has to be kept.
    let config = Config {
        cases: extent.scripts,
        failure_persistence: None,
        max_shrink_iters: MOST_TO_SHRINK,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &extent.bytes());
    let outcome = TestRunner::new_with_rng(config, rng).run(&scripts(extent.rounds), |script| {
        match run(&script, &*left(), &*right()) {
            Ok(report) => {
                total.borrow_mut().add(&report);
                Ok(())
            }
            Err(failure) => Err(TestCaseError::fail(failure.to_string())),
        }
    });
    match outcome {
        Ok(()) => Ok(total.into_inner()),
        Err(TestError::Fail(reason, script)) => {
            Err(Failure::new(format!("{reason}\nthe script: {script:#?}")))
        }
        Err(TestError::Abort(reason)) => Err(Failure::new(format!("no script was run: {reason}"))),
    }
}

/// Runs one script on two harnesses with fresh data.
///
/// # Errors
/// In what the two differ first.
pub fn run(script: &Script, left: &dyn Harness, right: &dyn Harness) -> Result<Report, Failure> {
    let mut sides = [Side::open(left)?, Side::open(right)?];
    let mut report = Report::default();
    for (round, number) in script.rounds.iter().zip(1..) {
        step(&mut sides, round, &mut report)
            .map_err(|failure| failure.during(&format!("round {number}, {round:?}")))?;
    }
    for side in &sides {
        side.close()?;
    }
    Ok(report)
}

fn step(sides: &mut [Side<'_>; 2], round: &Round, report: &mut Report) -> Verdict {
    let [left, right] = sides;
    let tried = left.play(round)?;
    ensure_eq!(right.play(round)?, tried, "what the round came to");
    report.round(round, &tried);
    let exact = left.is_sole() && right.is_sole();
    let (seen, expected) = (right.look(exact)?, left.look(exact)?);
    report.seen(&expected);
    seen.same_as(&expected)
}
