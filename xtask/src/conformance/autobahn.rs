//! Runs the cases of the Autobahn suite against the example `echo` of `crates/ws`, as a server and as a client.
//!
//! The runner is a Python package, pinned with its hashes in `xtask/autobahn/requirements.txt` and installed into a
//! virtual environment under the target directory. Every case has to end as it should, to the letter; those that
//! the suite itself only reports are listed.

mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use self::verdict::Verdict;
use crate::process::{Echo, Ending, tee};
use crate::workspace::{Workspace, cargo};

/// Far above the few seconds a healthy install takes.
const INSTALL_LIMIT: Duration = Duration::from_secs(200);

/// How much of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Extent {
    /// Everything but compression of large data: sections 1 to 7, 9 and 10.
    Quick,
    /// All sections. Those on compression send gigabytes.
    All,
}

impl Extent {
    fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::Quick => &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"],
            Self::All => &["*"],
        }
    }

    fn cases(self) -> usize {
        match self {
            Self::Quick => 301,
            Self::All => 517,
        }
    }

    /// For one side; beyond the minutes that it takes on a busy machine.
    fn limit(self) -> Duration {
        match self {
            Self::Quick => Duration::from_secs(100),
            Self::All => Duration::from_secs(2400),
        }
    }
}

/// Runs the cases for both sides; fails when any ends otherwise than it should.
pub(super) fn run(workspace: &Workspace, extent: Extent) -> Result<()> {
    let python = install(workspace)?;
    let echo = build(workspace, extent)?;
    let mut whole = Verdict::default();
    for side in ["server", "client"] {
        let start = Instant::now();
        let verdict = test(workspace, extent, &python, &echo, side)?;
        println!("Autobahn, as a {side}: {verdict}, in {:.0} s", start.elapsed().as_secs_f64());
        whole += verdict;
    }
    // In the words of `cargo test`, which CI counts, and in those of a soak run.
    let outcome = if whole.failed == 0 { "ok" } else { "FAILED" };
    println!("reached: {} cases of the Autobahn suite", whole.passed + whole.failed);
    println!("test result: {outcome}. {} passed; {} failed; 0 ignored", whole.passed, whole.failed);
    ensure!(whole.failed == 0, "{} cases of the Autobahn suite fail", whole.failed);
    Ok(())
}

fn test(
    workspace: &Workspace,
    extent: Extent,
    python: &Path,
    echo: &Path,
    side: &str,
) -> Result<Verdict> {
    let report = folder(workspace).join(format!("report-{side}.json"));
    if report.exists() {
        fs::remove_file(&report).context("cannot remove the last report")?;
    }
    let mut command = Command::new(python);
    command.arg(workspace.root.join("xtask/autobahn/run.py")).arg(side).arg(echo).arg(&report);
    command.args(extent.patterns());
    let done = tee(&mut command, extent.limit(), Echo::Hidden)?;
    if let Ending::TimedOut = done.ending {
        bail!("the cases did not end within {:?}:\n{}", extent.limit(), done.output);
    }
    let text = fs::read_to_string(&report)
        .with_context(|| format!("the suite left no report:\n{}", done.output))?;
    let verdict = Verdict::of(&text, extent.cases())?;
    if verdict.failed > 0 {
        println!("{}", done.output);
    }
    Ok(verdict)
}

/// The server and client under test. `cargo test` has built it before, but not for speed, which all of the suite needs.
fn build(workspace: &Workspace, extent: Extent) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--package", "headwater-ws", "--all-features"]);
    command.args(["--example", "echo"]);
    let profile = match extent {
        Extent::Quick => "debug",
        Extent::All => {
            command.arg("--release");
            "release"
        }
    };
    let status = command.current_dir(&workspace.root).status().context("cannot run cargo build")?;
    ensure!(status.success(), "the example echo of headwater-ws does not build");
    Ok(workspace.target.join(profile).join("examples/echo"))
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("autobahn")
}

/// Installs the package if needed and returns the Python that has it.
fn install(workspace: &Workspace) -> Result<PathBuf> {
    let to = folder(workspace);
    fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
    // Two tasks at once must not install into one folder. The lock goes with the process.
    let lock = fs::File::create(workspace.target.join("autobahn.lock"))
        .context("cannot create the install lock")?;
    lock.lock().context("cannot lock the install")?;
    let python = to.join("venv/bin/python");
    let (requirements, stamp) =
        (workspace.root.join("xtask/autobahn/requirements.txt"), to.join("installed"));
    let wanted = fs::read_to_string(&requirements).context("the requirements are not readable")?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && python.exists() {
        return Ok(python);
    }
    println!("installing the Autobahn cases into {}", to.display());
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(to.join("venv"));
    succeed(&mut create)
        .context("Python is needed, with venv; `cargo xtask tools` says how to get it")?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]);
    succeed(install.arg(&requirements))?;
    fs::write(&stamp, wanted).context("cannot write the install stamp")?;
    Ok(python)
}

fn succeed(command: &mut Command) -> Result<()> {
    let done = tee(command, INSTALL_LIMIT, Echo::Hidden)?;
    ensure!(done.ending.success(), "{command:?} failed ({:?}):\n{}", done.ending, done.output);
    Ok(())
}
