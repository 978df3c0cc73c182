//! `cargo xtask fuzz`: every fuzz target of every crate, each for a given time.
//!
//! A target is a test in the module `targets` of a test binary that is called `fuzz`; a new one is covered the
//! day it appears. `cargo test` gives each a number of random inputs. Here libFuzzer drives them by what the code under
//! test does, which needs a C++ compiler and no other toolchain: the compiler's flags that it takes are stable.
//! What it has learned is kept under the target directory, and so is what makes a target fail.

mod build;
mod run;

use std::time::Duration;

use anyhow::{Result, ensure};

use self::build::Binary;
use crate::workspace::Workspace;

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Run only targets whose name, such as `headwater-sse decoder`, contains this.
    #[arg(long)]
    only: Option<String>,
    /// What makes the inputs.
    #[arg(long, value_enum, default_value_t = Engine::Libfuzzer)]
    engine: Engine,
}

/// What makes inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    /// Looks at what an input makes the code do, and goes on from those that are new.
    Libfuzzer,
    /// By chance, for machines without a C++ compiler.
    Random,
}

/// Runs the targets one after the other and sums up what each reached.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let time = Duration::from_secs(args.seconds.max(1));
    let mut summary = Vec::new();
    let mut failed = 0;
    for package in build::packages(workspace) {
        let binary = Binary::build(workspace, package, args.engine)?;
        for target in binary.targets()? {
            let name = format!("{package} {target}");
            if args.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
                continue;
            }
            println!("=== {name}");
            let outcome = run::run(workspace, &binary, &target, args.engine, time)?;
            failed += u32::from(outcome.is_err());
            summary.push(match outcome {
                Ok(reached) => format!("{name}: {reached}"),
                Err(failure) => format!("{name}: FAILED: {failure}"),
            });
        }
    }
    println!("\nsummary");
    summary.iter().for_each(|line| println!("  {line}"));
    ensure!(!summary.is_empty(), "no target has such a name");
    ensure!(failed == 0, "{failed} fuzz targets failed");
    Ok(())
}
