//! `cargo xtask`: everything the project does besides being built.
//!
//! Each task is a module with an `Args` struct and a `run` function; this file only dispatches.
//! A task that finds a fault says what and where, and makes the process end with status 1; `ci` alone has a
//! status of its own for that, because its last line is its tally.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks by printing"
)]

mod bench;
mod ci;
mod conformance;
mod features;
mod fuzz;
mod headwater;
mod instructions;
mod npm;
mod package;
mod process;
mod readme;
mod siege;
mod soak;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Headwater's project tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Do everything CI does, and end with the line `N passed, N failed`.
    Ci(ci::Args),
    /// Check the house rules that no compiler knows.
    Tidy,
    /// Run the published protocol suite against the server, on each storage adapter.
    Conformance(conformance::Args),
    /// Lint every combination of features of every crate by itself.
    Features,
    /// Run the fuzz targets of all crates, each for a time.
    Fuzz(fuzz::Args),
    /// Run the commands of README.md and compare what they show.
    Readme,
    /// Run the full counts of the long tests, and print what each reached.
    Soak(soak::Args),
    /// Measure a server's speed.
    Bench(Box<bench::BenchArgs>),
    /// Count the instructions of what fan-out does most often, and hold them against their bounds.
    Instructions,
    /// Measure what a well-behaved client notices of thousands of bad ones.
    Siege(Box<siege::SiegeArgs>),
    /// Pack every crate as for its publication, and look at what is in it.
    Package,
    /// Look for the programs that CI needs, and install those it can.
    Tools,
    /// Install the pinned npm packages under the target directory.
    Npm,
}

fn main() -> ExitCode {
    match try_main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn try_main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    process::kill_children_on_signal()?;
    let workspace = Workspace::load()?;
    match cli.task {
        Task::Ci(args) => ci::run(&workspace, &args),
        Task::Tidy => tidy::run(&workspace),
        Task::Conformance(args) => conformance::run(&workspace, &args),
        Task::Features => features::run(&workspace),
        Task::Fuzz(args) => fuzz::run(&workspace, &args),
        Task::Readme => readme::run(&workspace),
        Task::Soak(args) => soak::run(&workspace, &args),
        Task::Bench(args) => bench::run(*args),
        Task::Instructions => instructions::run(&workspace),
        Task::Siege(args) => siege::run(&workspace, &args),
        Task::Package => package::run(&workspace),
        Task::Tools => tools::run(&workspace),
        Task::Npm => npm::install(&workspace).map(drop),
    }
}
