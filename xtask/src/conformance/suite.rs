//! Starts vitest on the suite and fetches its report.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Report;
use crate::process::{Echo, Ending, tee};

/// Far above the 20 to 50 seconds that the suite takes; most of them are its own waiting.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs the suite in `folder` against the server at `url`, leaving the raw report at `report`.
pub(super) fn run(folder: &Path, url: &str, report: &Path) -> Result<Report> {
    match fs::remove_file(report) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", report.display()));
        }
        _ => {}
    }
    let mut command = Command::new("node");
    command
        .args(["node_modules/vitest/vitest.mjs", "run", "conformance.test.mjs"])
        .args(["--root", ".", "--reporter=json"])
        .arg(format!("--outputFile={}", report.display()))
        .current_dir(folder)
        .env("CONFORMANCE_TEST_URL", url.trim_end_matches('/'))
        .env("CONFORMANCE_SUBSCRIPTIONS", "0");
    let done = tee(&mut command, LIMIT, Echo::Hidden)?;
    if let Ending::TimedOut = done.ending {
        bail!("the suite did not end within {LIMIT:?}:\n{}", done.output);
    }
    // vitest's status only repeats whether a test failed, which the report tells better.
    let text = fs::read_to_string(report)
        .with_context(|| format!("vitest left no report:\n{}", done.output))?;
    Report::parse(&text)
}
