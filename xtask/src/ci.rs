//! `cargo xtask ci`: all that CI does, as a table of steps with time budgets.
//!
//! Every step is a command that can be run by hand. A failing step does not keep the later ones
//! from running, so that one run tells everything. The last line is `N passed, N failed`: the sum
//! of all tests, and one for each step that is not made of tests. A full run that takes longer than
//! its budget counts as one failure more.

mod counts;
#[cfg(test)]
mod entrance;
mod steps;
mod total;
mod verdict;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::conformance;
use crate::process::{Echo, tee};
use crate::workspace::{Workspace, cargo};

use steps::{FULL, Kind, QUICK, Step};
use total::Total;
use verdict::{Tally, Verdict};

/// The status of a run that failed and has printed its last line. `.ci/run` tells it from all others, with which
/// something ended before it could count: cargo's 101, rustup's and this program's 1, a signal.
const FAILED: i32 = 10;

/// A step that runs this many times its budget is killed and has failed.
const HARD_LIMIT: u32 = 3;

/// No step of a quick run is killed sooner: on a cold tree it has everything to build first.
const QUICK_LIMIT: Duration = Duration::from_secs(600);

/// Arguments of `cargo xtask ci`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only what gives a useful answer within two minutes on a warm tree.
    #[arg(long)]
    quick: bool,
}

/// Runs the steps; ends the process with [`FAILED`] when anything failed.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let start = Instant::now();
    // Read before any step can replace the file behind it.
    let xtask = std::env::current_exe().context("this program has no path")?;
    let (plan, least) = if args.quick { (QUICK, QUICK_LIMIT) } else { (FULL, Duration::ZERO) };
    let mut verdicts = Vec::new();
    for (number, step) in (1..).zip(plan.steps) {
        println!("\n=== {number}/{} {} (budget {} s)", plan.steps.len(), step.name, step.budget);
        let limit = least.max(Duration::from_secs(step.budget) * HARD_LIMIT);
        let verdict = try_step(workspace, &xtask, step, limit)
            .unwrap_or_else(|error| Verdict::broken(step, &error));
        println!("--- {verdict}");
        verdicts.push(verdict);
    }
    let total = Total::of(&plan, start.elapsed());
    println!("\nsummary");
    verdicts.iter().for_each(|verdict| println!("  {verdict}"));
    println!("  {total}");
    let tally: Tally = verdicts.iter().map(Verdict::tally).chain([total.tally()]).sum();
    println!("{tally}");
    if tally.failed > 0 {
        // Not an error to describe: the count above is to stay the last line.
        std::process::exit(FAILED);
    }
    Ok(())
}

fn try_step(workspace: &Workspace, xtask: &Path, step: &Step, limit: Duration) -> Result<Verdict> {
    let mut command = match step.argv.split_first() {
        Some((&"cargo", args)) => with_args(cargo(), args),
        Some((&"xtask", args)) => with_args(Command::new(xtask), args),
        _ => bail!("the step {} starts neither cargo nor xtask", step.name),
    };
    command.current_dir(&workspace.root).envs(step.env.iter().copied());
    let report = match step.kind {
        Kind::Conformance { storage } => {
            let path = conformance::report_path(workspace, storage);
            // What an earlier run left must not be counted for this one.
            if path.exists() {
                std::fs::remove_file(&path).context("cannot remove the last report")?;
            }
            Some(path)
        }
        Kind::Check | Kind::CargoTest => None,
    };
    let done = tee(&mut command, limit, Echo::Shown)?;
    let counted = match step.kind {
        Kind::Check => None,
        Kind::CargoTest => Some(counts::of_cargo_test(&done.output)),
        Kind::Conformance { .. } => Some(counts::of_report(report.as_deref())),
    };
    Ok(Verdict::of(step, &done, counted))
}

fn with_args(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}
