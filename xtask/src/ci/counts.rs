//! Reads how many tests passed and failed from what the runners leave.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::verdict::Tally;
use crate::conformance::Report;

/// Sums the `test result:` lines of `cargo test`. Ignored tests are an error: nothing is skipped.
pub(super) fn of_cargo_test(output: &str) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut ignored = 0;
    for line in output.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
        tally.passed += number_before(line, "passed")?;
        tally.failed += number_before(line, "failed")?;
        ignored += number_before(line, "ignored")?;
    }
    ensure!(ignored == 0, "{ignored} tests are ignored");
    ensure!(tally.passed + tally.failed > 0, "cargo test ran no test");
    Ok(tally)
}

/// The number that stands before `word`, as in `ok. 12 passed; 0 failed`.
fn number_before(line: &str, word: &str) -> Result<u64> {
    let words: Vec<_> = line.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
    words
        .windows(2)
        .find_map(|pair| match pair {
            [number, label] if *label == word => number.parse().ok(),
            _ => None,
        })
        .with_context(|| format!("no number of {word} tests in {line:?}"))
}

/// The counts of a conformance report; pending tests count as neither.
pub(super) fn of_report(path: Option<&Path>) -> Result<Tally> {
    let path = path.context("the step has a report")?;
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("there is no report {}", path.display()))?;
    let counts = Report::parse(&text)?.counts;
    Ok(Tally { passed: counts.passed, failed: counts.failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_lines_are_summed() {
        let output = "running 2 tests\n\
            test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n";
        assert_eq!(of_cargo_test(output).unwrap(), Tally { passed: 15, failed: 2 });
    }

    #[test]
    fn nothing_run_ignored_or_unreadable_is_an_error() {
        for output in [
            "",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured",
            "test result: ok. many passed",
        ] {
            assert!(of_cargo_test(output).is_err(), "{output}");
        }
    }

    #[test]
    fn a_missing_report_is_an_error() {
        assert!(of_report(Some(Path::new("no/such/report.json"))).is_err());
    }
}
