//! The programs that CI needs, and the Rust toolchain it needs them beside.
//!
//! What Debian's package manager has is installed when this is root; what is missing then is named
//! together with the way to get it, and fails the task.

mod table;
mod version;

#[cfg(test)]
mod tests;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::process::{Echo, tee};
use crate::workspace::Workspace;
use table::{RUST, TOOLS, Tool};
use version::Version;

/// Long enough for a slow package mirror.
const INSTALL_LIMIT: Duration = Duration::from_secs(240);

/// A probe answers at once.
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// Checks the toolchain and every tool, and installs what it can; fails naming all that are missing or too old.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let rust = Tool { least: Some(rust_version(workspace.packages())?), ..RUST };
    provide([&rust].into_iter().chain(TOOLS), Tool::ask, Tool::install)
}

/// The newest `rust-version` that a member names; each has to name one.
fn rust_version<'a>(packages: impl Iterator<Item = &'a Value>) -> Result<Version> {
    let mut newest = None;
    for package in packages {
        let named = package.get("rust_version").and_then(Value::as_str);
        let version = named.and_then(Version::parse);
        newest = newest.max(Some(version.context("a member names no rust-version")?));
    }
    newest.context("the workspace has no members")
}

/// Asks every tool, and gets those that will not do.
fn provide<'a>(
    tools: impl IntoIterator<Item = &'a Tool>,
    ask: impl Fn(&Tool) -> Option<String>,
    install: impl Fn(&Tool) -> bool,
) -> Result<()> {
    let mut missing = Vec::new();
    for tool in tools {
        let mut state = tool.judge(ask(tool));
        if state.is_err() && install(tool) {
            state = tool.judge(ask(tool));
        }
        let name = tool.wanted();
        println!("{name:<24} {}", state.as_deref().unwrap_or("MISSING"));
        if let Err(lack) = state {
            missing.push(format!("{name} ({}): {lack}; {}", tool.used_for, tool.hint));
        }
    }
    ensure!(missing.is_empty(), "missing tools:\n  {}", missing.join("\n  "));
    Ok(())
}

impl Tool {
    /// What it prints of itself, unless it is not there.
    fn ask(&self) -> Option<String> {
        ended_well(self.probe, PROBE_LIMIT, Echo::Hidden)
    }

    /// Whether a tool that prints this will do: the line that tells its version, or what is wrong with it.
    fn judge(&self, said: Option<String>) -> Result<String, String> {
        let said = said.ok_or("it is not there")?;
        // Warnings may come before the version.
        let told = said.lines().find_map(|line| Some((line, Version::told(line)?)));
        match (self.least, told) {
            (Some(least), Some((_, version))) if version < least => {
                Err(format!("this is {version}"))
            }
            (Some(_), None) => Err(format!("it tells no version in {said:?}")),
            (_, Some((line, _))) => Ok(line.trim().to_owned()),
            (None, None) => Ok("present".to_owned()),
        }
    }

    fn wanted(&self) -> String {
        let name = self.name;
        self.least.map_or(name.to_owned(), |least| format!("{name} {least} or newer"))
    }

    /// Whether the package manager was able to install it.
    fn install(&self) -> bool {
        let Some(package) = self.package else { return false };
        if !rustix::process::geteuid().is_root() {
            return false;
        }
        println!("installing the Debian package {package}");
        let get = ["apt-get", "install", "--yes", "--no-install-recommends", package];
        let succeeds = |argv: &[&str], echo| ended_well(argv, INSTALL_LIMIT, echo).is_some();
        // A fresh machine has no package lists yet, so a first failure may only mean that.
        succeeds(&get, Echo::Hidden)
            || (succeeds(&["apt-get", "update"], Echo::Hidden) && succeeds(&get, Echo::Shown))
    }
}

/// What a program printed that ended well.
fn ended_well(argv: &[&str], limit: Duration, echo: Echo) -> Option<String> {
    let (program, args) = argv.split_first()?;
    let mut command = Command::new(program);
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    let done = tee(&mut command, limit, echo).ok()?;
    done.ending.success().then_some(done.output)
}
