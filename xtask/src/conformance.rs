//! Runs the published suite `@durable-streams/server-conformance-tests` against the server, or with `--autobahn` the
//! Autobahn suite against `crates/ws`.
//!
//! On each storage adapter a fresh server is started on an empty directory, the suite is run by
//! vitest, and the verdict is read from vitest's JSON report: not the exit status, but exact
//! counts. Against a foreign server (`--url`) the counts are printed and nothing is demanded.

mod autobahn;
mod report;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::headwater::{self, Profile, Server};
use crate::npm;
use crate::workspace::Workspace;

pub(crate) use report::Report;

/// Some tests wait for a long-poll to end and have five seconds for it.
const FLAGS: &[&str] = &["--long-poll-timeout", "500ms"];

/// How much of a failed server's log is shown.
const LOG_LINES: usize = 40;

/// Arguments of `cargo xtask conformance`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A storage adapter to test; several may be given. All of them by default.
    #[arg(long, value_enum)]
    storage: Vec<Storage>,
    /// A built `headwater` to test, instead of building one in release mode.
    #[arg(long, value_name = "PATH")]
    bin: Option<PathBuf>,
    /// Test a debug build: slower, but sooner there.
    #[arg(long, conflicts_with = "bin")]
    debug: bool,
    /// Test any running server instead, and print its counts.
    #[arg(long, conflicts_with_all = ["storage", "bin", "debug"])]
    url: Option<String>,
    /// Run the cases of the Autobahn suite against headwater-ws instead, as a server and as a client.
    #[arg(long, value_enum, value_name = "EXTENT")]
    #[arg(conflicts_with_all = ["storage", "bin", "debug", "url"])]
    autobahn: Option<autobahn::Extent>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Storage {
    Memory,
    Sled,
    Journal,
}

impl Storage {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sled => "sled",
            Self::Journal => "journal",
        }
    }
}

/// Where the report on a storage adapter lies.
pub(crate) fn report_path(workspace: &Workspace, storage: &str) -> PathBuf {
    workspace.target.join("conformance").join(format!("report-{storage}.json"))
}

/// Runs the suite as asked; fails when any adapter misses the counts.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<()> {
    if let Some(extent) = args.autobahn {
        return autobahn::run(workspace, extent);
    }
    let folder = npm::install(workspace)?;
    if let Some(url) = &args.url {
        let report = suite::run(&folder, url, &report_path(workspace, "url"))?;
        print!("{}", report.failures());
        println!("conformance of {url}: {}", report.counts);
        return Ok(());
    }
    let binary = match &args.bin {
        Some(path) => {
            path.canonicalize().with_context(|| format!("no binary {}", path.display()))?
        }
        None if args.debug => headwater::build(workspace, Profile::Dev)?,
        None => headwater::build(workspace, Profile::Release)?,
    };
    let all = Storage::value_variants();
    let asked = if args.storage.is_empty() { all } else { &args.storage };
    let mut failed = Vec::new();
    for storage in asked {
        let storage = storage.name();
        if let Err(error) = test_storage(workspace, &folder, &binary, storage) {
            println!("conformance on {storage} FAILED: {error:#}");
            failed.push(storage);
        }
    }
    ensure!(failed.is_empty(), "the protocol suite fails on {}", failed.join(" and "));
    Ok(())
}

fn test_storage(workspace: &Workspace, folder: &Path, binary: &Path, storage: &str) -> Result<()> {
    let home = tempfile::tempdir().context("no temporary directory")?;
    let log = folder.join(format!("server-{storage}.log"));
    let server = Server::start(binary, &home.path().join("data"), storage, FLAGS, &log)?;
    let passed =
        suite::run(folder, &server.url, &report_path(workspace, storage)).and_then(|report| {
            print!("{}", report.failures());
            println!("conformance on {storage}: {}", report.counts);
            report.demand_complete()
        });
    // The server must still be there and end cleanly, whatever the suite found.
    let stopped = server.stop();
    let verdict = passed.and(stopped);
    if verdict.is_err() {
        show_log(&log);
    }
    verdict
}

fn show_log(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let shown = lines.iter().rev().take(LOG_LINES).rev();
    println!("the end of the server's log, {}:", log.display());
    shown.for_each(|line| println!("  {line}"));
}
