//! `cargo xtask soak`: the long tests at their full counts.
//!
//! The tests are the ones CI runs, with `HEADWATER_SOAK=1` in the environment. Each prints lines
//! that start with `reached:` (say `reached: 300 kill cycles, 97 % with requests in flight`); they
//! are repeated in the summary. A job that says nothing about what it reached has failed, because
//! then nobody knows what it did.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Echo, Ending, Finished, tee};
use crate::workspace::{Workspace, cargo};

/// What a line about the extent of a run starts with.
const REACHED: &str = "reached:";

/// A long test.
struct Job {
    name: &'static str,
    /// The arguments of cargo.
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
    /// Hours after which it is killed.
    limit: u32,
}

const JOBS: &[Job] = &[
    Job {
        name: "autobahn",
        args: &["run", "--package", "xtask", "--", "conformance", "--autobahn", "all"],
        env: &[],
        limit: 2,
    },
    Job {
        name: "state-machine",
        args: &[
            "test",
            "--package",
            "headwater-core",
            "--release",
            "--all-features",
            "--test",
            "state_machine",
            "--",
            "--nocapture",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 3,
    },
    Job {
        name: "differential",
        args: &[
            "test",
            "--package",
            "headwater-storage",
            "--release",
            "--all-features",
            "--test",
            "differential",
            "--",
            "--nocapture",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 3,
    },
    Job {
        name: "journal-crashes",
        args: &[
            "test",
            "--package",
            "headwater-storage",
            "--release",
            "--all-features",
            "--lib",
            "journal::tests::everywhere",
            "--",
            "--nocapture",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 3,
    },
    Job {
        name: "kill",
        args: &[
            "test",
            "--package",
            "headwater-tests",
            "--release",
            "kill",
            "--",
            "--nocapture",
            "--test-threads=1",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 3,
    },
    Job {
        name: "many-readers",
        args: &[
            "test",
            "--package",
            "headwater-tests",
            "--release",
            "many_readers::",
            "--",
            "--nocapture",
            "--test-threads=1",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 1,
    },
    Job {
        name: "remote-replay",
        args: &[
            "test",
            "--package",
            "headwater-tests",
            "--release",
            "remote_replay::shared",
            "--",
            "--nocapture",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 1,
    },
    Job {
        name: "sse-broker",
        args: &[
            "test",
            "--package",
            "headwater-sse",
            "--release",
            "--all-features",
            "--test",
            "soak",
            "--",
            "--nocapture",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 1,
    },
    Job {
        name: "ws-hub",
        args: &[
            "test",
            "--package",
            "headwater-ws",
            "--release",
            "--all-features",
            "--test",
            "soak",
            "--",
            "--nocapture",
        ],
        env: &[("HEADWATER_SOAK", "1")],
        limit: 1,
    },
];

/// Arguments of `cargo xtask soak`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only the job of this name.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(JOBS.iter().map(|job| job.name)))]
    only: Option<String>,
}

/// Runs the jobs one after the other and sums up what each reached.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    let mut summary = Vec::new();
    let mut failed = 0;
    for job in JOBS.iter().filter(|job| args.only.as_ref().is_none_or(|name| name == job.name)) {
        println!("=== {}", job.name);
        let mut command = cargo();
        command.args(job.args).envs(job.env.iter().copied()).current_dir(&workspace.root);
        let done = tee(&mut command, Duration::from_secs(3600) * job.limit, Echo::Shown)
            .with_context(|| format!("the job {} cannot run", job.name))?;
        let (result, reached) = judge(&done);
        failed += u32::from(result != Outcome::Passed);
        summary.push(format!("{}: {result:?} after {:.0} s", job.name, done.took.as_secs_f64()));
        summary.extend(reached.iter().map(|line| format!("    {line}")));
    }
    println!("\nsummary");
    summary.iter().for_each(|line| println!("  {line}"));
    ensure!(failed == 0, "{failed} soak jobs failed");
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Killed,
    SaidNothing,
}

fn judge(done: &Finished) -> (Outcome, Vec<&str>) {
    let said = |line: &'_ str| line.find(REACHED);
    let reached: Vec<_> =
        done.output.lines().filter_map(|line| line.get(said(line)?..)).map(str::trim).collect();
    let outcome = match done.ending {
        Ending::TimedOut => Outcome::Killed,
        Ending::Exited(status) if !status.success() => Outcome::Failed,
        Ending::Exited(_) if reached.is_empty() => Outcome::SaidNothing,
        Ending::Exited(_) => Outcome::Passed,
    };
    (outcome, reached)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    fn done(code: i32, output: &str) -> Finished {
        let ending = Ending::Exited(ExitStatus::from_raw(code << 8));
        Finished { ending, output: output.to_owned(), took: Duration::ZERO }
    }

    #[test]
    fn a_job_passes_only_when_it_says_what_it_reached() {
        let run = done(0, "test kill ... reached: 300 cycles\nok\n");
        assert_eq!(judge(&run), (Outcome::Passed, vec!["reached: 300 cycles"]));
        assert_eq!(judge(&done(0, "ok\n")).0, Outcome::SaidNothing);
        assert_eq!(judge(&done(101, "reached: 12 cycles\n")).0, Outcome::Failed);
    }
}
