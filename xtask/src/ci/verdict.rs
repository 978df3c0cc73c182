//! What a step came to, as one line and as a number of passes and failures.

use std::fmt;
use std::iter::Sum;
use std::time::Duration;

use anyhow::{Error, Result};

use super::steps::Step;
use crate::process::{Ending, Finished};

/// Passes and failures. Displayed as CI's last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |a, b| Self {
            passed: a.passed + b.passed,
            failed: a.failed + b.failed,
        })
    }
}

/// A step's outcome.
#[derive(Debug)]
pub(super) struct Verdict {
    name: &'static str,
    took: Duration,
    budget: Duration,
    tally: Tally,
    /// What else there is to say: why it failed.
    remark: String,
}

impl Verdict {
    /// Judges a step that ran. `counted` is what its tests came to, if it is made of tests.
    pub(super) fn of(step: &Step, done: &Finished, counted: Option<Result<Tally>>) -> Self {
        let mut remark = match &done.ending {
            Ending::TimedOut => "killed".to_owned(),
            Ending::Exited(status) if !status.success() => status.to_string(),
            Ending::Exited(_) => String::new(),
        };
        let success = done.ending.success();
        let tally = match counted {
            None if success => Tally { passed: 1, failed: 0 },
            None => Tally { passed: 0, failed: 1 },
            // A runner may fail without a failed test: it did not build, crashed, or was killed.
            Some(Ok(tally)) if !success && tally.failed == 0 => Tally { failed: 1, ..tally },
            Some(Ok(tally)) => {
                if success && tally.failed > 0 {
                    remark = "status 0 in spite of failed tests".to_owned();
                }
                tally
            }
            Some(Err(error)) => {
                remark = [remark, format!("{error:#}")].join(" ").trim().to_owned();
                Tally { passed: 0, failed: 1 }
            }
        };
        let budget = Duration::from_secs(step.budget);
        Self { name: step.name, took: done.took, budget, tally, remark }
    }

    /// A step that could not even be started.
    pub(super) fn broken(step: &Step, error: &Error) -> Self {
        Self {
            name: step.name,
            took: Duration::ZERO,
            budget: Duration::from_secs(step.budget),
            tally: Tally { passed: 0, failed: 1 },
            remark: format!("{error:#}"),
        }
    }

    /// What it adds to the sum.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = if self.tally.failed == 0 { "ok" } else { "FAILED" };
        let took = self.took.as_secs_f64();
        // Not in the form of the last line, so that a reader of the log counts each test once.
        let Tally { passed, failed } = self.tally;
        write!(f, "{:<24}{took:>7.1} s  {result:<6}  ({passed} ok, {failed} not)", self.name)?;
        if self.took > self.budget {
            write!(f, ", OVER its budget of {} s", self.budget.as_secs())?;
        }
        if !self.remark.is_empty() {
            write!(f, ", {}", self.remark)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::super::steps::FULL;
    use super::*;

    fn judge(code: i32, counted: Option<Result<Tally>>) -> (u64, u64) {
        let ending = Ending::Exited(ExitStatus::from_raw(code << 8));
        let done = Finished { ending, output: String::new(), took: Duration::ZERO };
        let tally = Verdict::of(&FULL.steps[0], &done, counted).tally();
        (tally.passed, tally.failed)
    }

    fn tests(passed: u64, failed: u64) -> Option<Result<Tally>> {
        Some(Ok(Tally { passed, failed }))
    }

    #[test]
    fn no_failure_gets_lost() {
        assert_eq!(judge(0, None), (1, 0));
        assert_eq!(judge(1, None), (0, 1));
        assert_eq!(judge(0, tests(7, 0)), (7, 0));
        assert_eq!(judge(101, tests(7, 2)), (7, 2));
        assert_eq!(judge(101, tests(7, 0)), (7, 1), "a binary that did not build");
        assert_eq!(judge(0, tests(7, 2)), (7, 2), "a runner that forgets its status");
        assert_eq!(judge(0, Some(Err(anyhow::anyhow!("no test ran")))), (0, 1));
    }

    #[test]
    fn a_killed_step_has_failed_and_says_why() {
        let done = Finished {
            ending: Ending::TimedOut,
            output: String::new(),
            took: Duration::from_secs(10_000),
        };
        let verdict = Verdict::of(&FULL.steps[0], &done, tests(7, 0));
        assert_eq!(verdict.tally(), Tally { passed: 7, failed: 1 });
        let line = verdict.to_string();
        assert!(line.contains("FAILED") && line.contains("OVER") && line.contains("killed"));
    }

    #[test]
    fn the_sum_is_the_last_line() {
        let all = [Tally { passed: 1, failed: 0 }, Tally { passed: 40, failed: 2 }];
        assert_eq!(all.into_iter().sum::<Tally>().to_string(), "41 passed, 2 failed");
    }
}
