//! `durable-streams`, the protocol authors' own server in Rust: one pinned version, installed from the registry.
//!
//! It is built once, with its own lock file, into a folder under the target directory that carries the version. It takes
//! minutes, on the way to a measurement only: neither CI nor anything else of the project needs it.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Echo, tee};
use crate::workspace::{Workspace, cargo};

const CRATE: &str = "durable-streams";

/// Figures are only comparable with figures of the same version.
const VERSION: &str = "0.1.5";

/// What the crate calls its program.
const PROGRAM: &str = "durable-streams-server";

/// A cold build of its hundred dependencies on two busy cores.
const LIMIT: Duration = Duration::from_secs(1800);

/// When it says that an append is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// When its log is synced, which is its default.
    Wal,
    /// When it is in the page cache.
    Memory,
}

impl Durability {
    fn flag(self) -> &'static str {
        match self {
            Self::Wal => "wal",
            Self::Memory => "memory",
        }
    }
}

/// Installs the server, unless it is there, and returns its program.
pub(super) fn install(workspace: &Workspace) -> Result<PathBuf> {
    let tools = workspace.target.join("tools");
    std::fs::create_dir_all(&tools)
        .with_context(|| format!("cannot create {}", tools.display()))?;
    // Two tasks at once must not build the same thing. The lock goes with the process.
    let lock = File::create(tools.join("install.lock")).context("cannot create a lock")?;
    lock.lock().context("cannot lock the folder of tools")?;
    let root = tools.join(format!("{CRATE}-{VERSION}"));
    let program = root.join("bin").join(PROGRAM);
    if program.is_file() {
        return Ok(program);
    }
    println!("installing {CRATE} {VERSION} into {}: this takes minutes, once", root.display());
    let mut command = Command::new("nice");
    command.arg(cargo().get_program()).args(["install", CRATE, "--locked", "--version"]);
    command.arg(format!("={VERSION}")).arg("--root").arg(&root);
    let done = tee(&mut command, LIMIT, Echo::Hidden).context("cannot run cargo install")?;
    ensure!(
        done.ending.success() && program.is_file(),
        "{CRATE} {VERSION} cannot be installed ({:?}); without the registry the targets dsr and dsr-mem cannot be \
         measured:\n{}",
        done.ending,
        done.output
    );
    Ok(program)
}

/// How it is started on a directory.
pub(super) fn command(program: &Path, durability: Durability, data: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    command.args(["--host", "127.0.0.1", "--port", &free_port()?.to_string()]);
    command.args(["--durability", durability.flag()]).arg("--data-dir").arg(data);
    Ok(command)
}

/// A port that nobody has. Another program could take it in the moment before the server does, which then says so: it
/// prints the port it was told, so it cannot be left to choose one.
fn free_port() -> Result<u16> {
    let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(probe.local_addr()?.port())
}
