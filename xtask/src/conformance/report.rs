//! Reads vitest's JSON report and judges it.

use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// What suite 0.3.6 must yield on a server without subscriptions.
const COMPLETE: Counts = Counts { passed: 332, failed: 0, pending: 6 };

/// The group whose tests are pending as long as subscriptions are off.
const SUBSCRIPTIONS: &str = "Reserved subscription APIs";

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) pending: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} pending", self.passed, self.failed, self.pending)
    }
}

/// A test that did not pass.
#[derive(Debug)]
struct Case {
    group: String,
    name: String,
    messages: Vec<String>,
}

/// One run of the suite.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    failed: Vec<Case>,
    pending: Vec<Case>,
}

impl Report {
    /// Reads the report, whose totals must agree with its list of tests.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(text).context("vitest's report is not JSON")?;
        let total = |field: &str| {
            let total = report.get(field).and_then(Value::as_u64);
            total.with_context(|| format!("vitest's report has no {field}"))
        };
        let counts = Counts {
            passed: total("numPassedTests")?,
            failed: total("numFailedTests")?,
            pending: total("numPendingTests")?,
        };
        let (mut passed, mut failed, mut pending) = (0, Vec::new(), Vec::new());
        for file in array(&report, "testResults") {
            for test in array(file, "assertionResults") {
                match string(test, "status") {
                    "passed" => passed += 1,
                    "pending" | "skipped" => pending.push(Case::of(test)),
                    _ => failed.push(Case::of(test)),
                }
            }
            // A file that does not even load has a message and no tests.
            if string(file, "status") == "failed"
                && array(file, "assertionResults").next().is_none()
            {
                bail!("{} does not load: {}", string(file, "name"), string(file, "message"));
            }
        }
        let listed = Counts { passed, failed: failed.len() as u64, pending: pending.len() as u64 };
        ensure!(listed == counts, "vitest's report says {counts} but lists {listed}");
        Ok(Self { counts, failed, pending })
    }

    /// The failed tests with their messages, ready to print.
    pub(crate) fn failures(&self) -> String {
        let mut text = String::new();
        for case in &self.failed {
            text += &format!("FAILED {} > {}\n", case.group, case.name);
            for line in case.messages.iter().flat_map(|message| message.lines()) {
                text += &format!("    {line}\n");
            }
        }
        text
    }

    /// Demands that all passed and that only subscriptions were left out.
    pub(crate) fn demand_complete(&self) -> Result<()> {
        ensure!(self.counts == COMPLETE, "expected {COMPLETE}; got {}", self.counts);
        for case in &self.pending {
            ensure!(
                case.group == SUBSCRIPTIONS,
                "pending outside the subscriptions: {} > {}",
                case.group,
                case.name
            );
        }
        Ok(())
    }
}

impl Case {
    fn of(test: &Value) -> Self {
        let strings = |field| array(test, field).filter_map(Value::as_str).map(str::to_owned);
        Self {
            group: strings("ancestorTitles").collect::<Vec<_>>().join(" > "),
            name: string(test, "title").to_owned(),
            messages: strings("failureMessages").collect(),
        }
    }
}

fn array<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn string<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(passed: u64, others: &[(&str, &str)]) -> Value {
        let mut tests: Vec<_> = (0..passed)
            .map(|n| json!({"status": "passed", "title": n.to_string(), "ancestorTitles": ["A"]}))
            .collect();
        tests.extend(others.iter().map(|(status, group)| {
            json!({"status": status, "title": "t", "ancestorTitles": [group],
                   "failureMessages": ["because\nof this"]})
        }));
        let failed = others.iter().filter(|(status, _)| *status == "failed").count();
        json!({
            "numPassedTests": passed,
            "numFailedTests": failed,
            "numPendingTests": others.len() - failed,
            "testResults": [{"status": "failed", "assertionResults": tests}],
        })
    }

    fn judge(report: &Value) -> Result<()> {
        Report::parse(&report.to_string())?.demand_complete()
    }

    #[test]
    fn a_complete_run_is_accepted() {
        judge(&report(332, &[("skipped", SUBSCRIPTIONS); 6])).unwrap();
    }

    #[test]
    fn anything_else_is_refused() {
        let pending = [("pending", SUBSCRIPTIONS); 6];
        let mut elsewhere = pending;
        elsewhere[3] = ("skipped", "Producers");
        let mut failing = pending.to_vec();
        failing.push(("failed", "Producers"));
        let mut lying = report(332, &pending);
        lying["numPassedTests"] = json!(400);
        let cases = [
            report(331, &pending),
            report(333, &pending),
            report(332, &pending[..5]),
            report(332, &elsewhere),
            report(332, &failing),
            lying,
            json!({"testResults": []}),
            json!({"numPassedTests": 0, "numFailedTests": 0, "numPendingTests": 0,
                   "testResults": [{"status": "failed", "message": "syntax error"}]}),
        ];
        for case in cases {
            assert!(judge(&case).is_err(), "{case}");
        }
    }

    #[test]
    fn a_failure_is_shown_with_group_name_and_message() {
        let report = report(0, &[("failed", "Producers")]).to_string();
        let shown = Report::parse(&report).unwrap().failures();
        assert_eq!(shown, "FAILED Producers > t\n    because\n    of this\n");
    }
}
