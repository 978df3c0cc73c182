//! What the whole run took, beside what it may take.
//!
//! The clock starts with this program, so the build of xtask itself is not in it.

use std::fmt;
use std::time::Duration;

use super::steps::{Late, Plan};
use super::verdict::Tally;

/// A run's time.
#[derive(Debug)]
pub(super) struct Total {
    took: Duration,
    budget: Duration,
    late: Late,
}

impl Total {
    /// Judges a run of `plan`.
    pub(super) fn of(plan: &Plan, took: Duration) -> Self {
        Self { took, budget: Duration::from_secs(plan.budget), late: plan.late }
    }

    fn is_over(&self) -> bool {
        self.took > self.budget
    }

    /// What it adds to the sum: one failure if the whole took too long, and nothing otherwise.
    pub(super) fn tally(&self) -> Tally {
        let failed = u64::from(self.is_over() && self.late == Late::Fails);
        Tally { passed: 0, failed }
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = if self.tally().failed == 0 { "ok" } else { "FAILED" };
        let (took, budget) = (self.took.as_secs_f64(), self.budget.as_secs());
        write!(f, "{:<24}{took:>7.1} s  {result:<6}  (budget {budget} s)", "total")?;
        if self.is_over() {
            write!(f, ", OVER its budget")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::steps::{FULL, QUICK};
    use super::*;

    #[test]
    fn a_full_run_fails_by_its_time_and_a_quick_one_remarks_it() {
        for (plan, seconds, failed, over) in [
            (FULL, 2400, 0, false),
            (FULL, 2401, 1, true),
            (QUICK, 120, 0, false),
            (QUICK, 121, 0, true),
        ] {
            let total = Total::of(&plan, Duration::from_secs(seconds));
            assert_eq!(total.tally(), Tally { passed: 0, failed }, "{total}");
            let line = total.to_string();
            assert_eq!(line.contains("OVER"), over, "{line}");
            assert_eq!(line.contains("FAILED"), failed > 0, "{line}");
            assert!(line.contains(&format!("budget {} s", plan.budget)), "{line}");
        }
    }
}
