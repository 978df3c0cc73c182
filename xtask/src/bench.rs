//! `cargo xtask bench`: what servers do with the same load, side by side, on this machine.
//!
//! The servers are measured in turns, so that whatever else the machine does meets them all, and each
//! row is told as the median of its rounds and as the median of the rounds' ratios to the first server.
//! Processor time per operation is the steadiest figure; rates and latencies need a quiet machine, and
//! `others` says how quiet it was. Every round checks what it got back: a lost, doubled, swapped or
//! altered record fails the command.
//!
//! Load is only sent to loopback addresses, and every loop is bounded in count and in time. The
//! generator runs on one thread (the writer of a fan-out on a second one), so servers and generator
//! share a small machine in a known way.

mod adapter;
mod args;
pub(crate) mod base_url;
pub(crate) mod client;
pub(crate) mod creates;
pub(crate) mod ledger;
pub(crate) mod meter;
pub(crate) mod payload;
mod plan;
pub(crate) mod reader;
mod report;
mod runner;
pub(crate) mod runtime;
mod scanner;
mod server;
mod sse;
pub(crate) mod stats;
pub(crate) mod streams;
#[cfg(test)]
mod tests;
mod web_socket;
mod workload;
mod writers;

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::workspace::{Workspace, cargo};
use adapter::Bench;
pub(crate) use args::BenchArgs;
use plan::Plan;
use server::Launcher;

/// Measures what `args` ask for, prints the figures, and fails if a check failed.
pub(crate) fn run(args: BenchArgs) -> anyhow::Result<()> {
    if args.serve_null {
        return server::serve_null();
    }
    // An unoptimised generator, or an unoptimised floor, would measure itself.
    if cfg!(debug_assertions) && !args.quick {
        return run_optimised();
    }
    let plan = Plan::new(&args);
    if let Some(reference) = &args.demand_ahead {
        let others = plan.targets.get(1..).unwrap_or_default();
        ensure!(others.contains(reference), "{reference} is not measured beside the first server");
    }
    raise_file_limit(plan.most_connections())?;
    let launcher = Launcher::prepare(&plan.targets, plan.profile, args.data_dir.as_deref())?;
    let bench = (!plan.alone.is_empty())
        .then(|| Bench::build(plan.profile, args.data_dir.as_deref()))
        .transpose()?;
    let report = runner::run(&plan, &launcher, bench.as_ref());
    // Small numbers and unoptimised builds reach nothing.
    let goals = (!args.quick).then(|| report.goals()).flatten();
    print!("\n{report}");
    if let Some(goals) = &goals {
        print!("\n{goals}");
    }
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &args.markdown {
        std::fs::write(file, report.markdown(goals.as_deref()))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let failures = report.failures();
    ensure!(failures.is_empty(), "{} of the measurements failed", failures.len());
    if let Some(reference) = &args.demand_ahead {
        let behind = report.not_ahead_of(reference);
        ensure!(behind.is_empty(), "not ahead of {reference}:\n  {}", behind.join("\n  "));
        println!("\nahead of {reference} in every row");
    }
    Ok(())
}

/// Builds this program with optimisation and becomes it.
pub(crate) fn run_optimised() -> anyhow::Result<()> {
    let workspace = Workspace::load()?;
    let built = cargo()
        .args(["build", "--quiet", "--release", "--package", "xtask"])
        .current_dir(&workspace.root)
        .status()
        .context("cannot run cargo build")?;
    ensure!(built.success(), "the load generator does not build");
    let mut command = Command::new(workspace.target.join("release/xtask"));
    Err(command.args(std::env::args_os().skip(1)).exec()).context("cannot run the optimised xtask")
}

/// Lets this process and the servers it starts have as many sockets as the load needs.
pub(crate) fn raise_file_limit(connections: u64) -> anyhow::Result<()> {
    /// Data files, logs and pipes.
    const BESIDE: u64 = 500;
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let needed = connections + BESIDE;
    ensure!(
        maximum.is_none_or(|maximum| maximum >= needed),
        "{needed} open files are needed and {maximum:?} allowed; raise the limit (ulimit -Hn)"
    );
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context("raising the file limit")
}
