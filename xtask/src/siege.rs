//! `cargo xtask siege`: what a well-behaved client notices of many bad ones.
//!
//! A client that appends and reads at a fixed pace is measured on a server of its own, first alone, then besieged by
//! connections that send a byte a second, by readers that never read, and by both. The attackers are processes of their
//! own. Situations take turns in each round, and what is told is the median of the rounds' ratios of 99th percentiles, so that
//! whatever else the machine does meets both. The short run, which has to hold on a machine that does other things, compares
//! the lowest percentiles of all rounds instead: other work only ever adds to one. Each measurement reads back what was acknowledged, and asks the attackers
//! how many of them there were: a siege that did not take place shows nothing.
//!
//! Beside it, how long a few hundred creates take that are sent at once.
//!
//! Load is only sent to loopback addresses; attackers end with this process.

mod args;
mod army;
mod attack;
mod client;
mod creates;
mod report;
mod stage;
#[cfg(test)]
mod tests;
mod vitals;

use anyhow::{Context, ensure};

use crate::bench::{raise_file_limit, run_optimised};
use crate::workspace::Workspace;
pub(crate) use args::SiegeArgs;
use report::Report;
use stage::{Situation, Stage};

/// Measures what `args` ask for, prints the figures, and fails if one is not what is demanded.
pub(crate) fn run(workspace: &Workspace, args: &SiegeArgs) -> anyhow::Result<()> {
    if let Some(order) = args.order()? {
        return attack::run(order);
    }
    // An unoptimised client would measure itself; CI only wants to see that all is well.
    if cfg!(debug_assertions) && !args.quick {
        return run_optimised();
    }
    // The server has a descriptor for each attacker of both kinds, and nobody has more.
    raise_file_limit(2 * u64::from(args.each()))?;
    let stage = Stage::prepare(workspace, args)?;
    let mut report = Report::of(args.each(), &args.storage, args.rule());
    for round in 0..args.rounds() {
        for situation in Situation::in_turn(&args.against(), round) {
            let measured = stage
                .measure(situation)
                .with_context(|| format!("round {}, {}", round + 1, situation.title()))?;
            println!("  round {}  {}", round + 1, measured.brief(situation));
            report.add(situation, measured);
        }
    }
    let creates = creates::measure(&stage)?;
    report.creates = Some(creates);
    print!("\n{report}");
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let faults = report.faults();
    ensure!(faults.is_empty(), "the siege was not what it should be:\n  {}", faults.join("\n  "));
    if args.demand {
        let missed = report.missed();
        ensure!(missed.is_empty(), "not what is demanded:\n  {}", missed.join("\n  "));
        println!("\nall that is demanded was reached");
    }
    Ok(())
}
