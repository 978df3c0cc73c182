//! Judges the report of one side.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// Cases that the suite only reports, because the standard leaves open what happens in them: data after a close frame,
/// and close codes of 5000 and above.
const INFORMATIONAL: &[&str] = &["7.1.6", "7.13.1", "7.13.2"];

/// What the suite's cases end with when all is as it should be.
const OK: &str = "OK";

/// What they end with when it is neither right nor wrong.
const INFORMS: &str = "INFORMATIONAL";

#[derive(Deserialize)]
struct Case {
    case: String,
    behavior: String,
    close: String,
    result: String,
    result_close: String,
}

impl Case {
    /// `NON-STRICT` counts as a failure: being late, or merely tolerable, is not what is wanted.
    fn passes(&self) -> bool {
        let labels = [&self.behavior, &self.close];
        let may_inform = INFORMATIONAL.contains(&self.case.as_str());
        labels.into_iter().all(|label| label == OK || label == INFORMS && may_inform)
    }

    fn informs(&self) -> bool {
        self.behavior == INFORMS || self.close == INFORMS
    }
}

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

impl Verdict {
    /// Reads a report, which has to have so many different cases. What fails is printed, and what is informational.
    pub(super) fn of(report: &str, cases: usize) -> Result<Self> {
        let listed: Vec<Case> = serde_json::from_str(report).context("the report is not one")?;
        let by_name: BTreeMap<_, _> = listed.iter().map(|case| (&case.case, case)).collect();
        ensure!(
            by_name.len() == cases && listed.len() == cases,
            "the report has {} cases, {} of them different, instead of {cases}",
            listed.len(),
            by_name.len()
        );
        let mut verdict = Self::default();
        for case in listed {
            let passes = case.passes();
            verdict.passed += usize::from(passes);
            verdict.failed += usize::from(!passes);
            if !passes || case.informs() {
                let label = if passes { "listed" } else { "FAILED" };
                let Case { case, behavior, close, result, result_close } = case;
                println!("{label} {case}: {behavior} ({result}), {close} ({result_close})");
            }
        }
        Ok(verdict)
    }
}

impl AddAssign for Verdict {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(cases: &[(&str, &str, &str)]) -> String {
        let case = |(case, behavior, close): &(&str, &str, &str)| json!({"case": case, "behavior": behavior, "close": close, "result": "", "result_close": ""});
        json!(cases.iter().map(case).collect::<Vec<_>>()).to_string()
    }

    #[test]
    fn only_what_is_ok_or_listed_passes() {
        for (case, behavior, close, passes) in [
            ("1.1.1", "OK", "OK", true),
            ("7.1.6", "INFORMATIONAL", "INFORMATIONAL", true),
            ("7.1.6", "FAILED", "OK", false),
            ("1.1.1", "INFORMATIONAL", "OK", false),
            ("6.4.1", "NON-STRICT", "OK", false),
            ("12.1.1", "UNIMPLEMENTED", "OK", false),
            ("1.1.1", "OK", "WRONG CODE", false),
        ] {
            let verdict = Verdict::of(&report(&[(case, behavior, close)]), 1).unwrap();
            let expected = Verdict { passed: passes.into(), failed: (!passes).into() };
            assert_eq!(verdict, expected, "{case} {behavior} {close}");
        }
    }

    #[test]
    fn cases_that_are_missing_or_come_twice_are_an_error() {
        let one = ("1.1.1", "OK", "OK");
        for cases in [&[][..], &[one], &[one, one], &[one, ("1.1.2", "OK", "OK"), one]] {
            assert!(Verdict::of(&report(cases), 2).is_err(), "{cases:?}");
        }
    }
}
