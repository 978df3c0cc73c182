//! The programs that CI needs beside the Rust toolchain.
//!
//! What Debian's package manager has is installed when this is root; what is missing then is named
//! together with the way to get it, and fails the task.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::{Echo, tee};

/// Long enough for a slow package mirror.
const INSTALL_LIMIT: Duration = Duration::from_secs(240);

/// A probe answers at once.
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// A program, how to see that it is there, and how to get it.
struct Tool {
    name: &'static str,
    probe: &'static [&'static str],
    used_for: &'static str,
    /// The Debian package that holds it, where that one is recent enough.
    package: Option<&'static str>,
    hint: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "rustfmt",
        probe: &["cargo", "fmt", "--version"],
        used_for: "the format check",
        package: None,
        hint: "rustup component add rustfmt",
    },
    Tool {
        name: "clippy",
        probe: &["cargo", "clippy", "--version"],
        used_for: "lints",
        package: None,
        hint: "rustup component add clippy",
    },
    Tool {
        name: "git",
        probe: &["git", "--version"],
        used_for: "tidy, which lists the repository's files",
        package: Some("git"),
        hint: "install git",
    },
    Tool {
        name: "make",
        probe: &["make", "--version"],
        used_for: "building jemalloc; `--no-default-features` of headwater-server does without",
        package: Some("make"),
        hint: "install make",
    },
    Tool {
        name: "node 20 or newer",
        probe: &["node", "-e", "if (parseInt(process.versions.node) < 20) process.exit(1)"],
        used_for: "the protocol suite and the reference server",
        package: None,
        hint: "install Node.js 20 or newer",
    },
    Tool {
        name: "npm",
        probe: &["npm", "--version"],
        used_for: "installing the protocol suite",
        package: None,
        hint: "install npm; it comes with Node.js",
    },
    Tool {
        name: "curl",
        probe: &["curl", "--version"],
        used_for: "the commands of README.md",
        package: Some("curl"),
        hint: "install curl",
    },
    Tool {
        name: "strace",
        probe: &["strace", "--version"],
        used_for: "the test that every acknowledged append was synced",
        package: Some("strace"),
        hint: "install strace",
    },
];

/// Checks every tool and installs what it can; fails naming all that are missing.
pub(crate) fn run() -> Result<()> {
    let mut missing = Vec::new();
    for tool in TOOLS {
        let state = if tool.is_there() {
            "present"
        } else if tool.install() {
            "installed just now"
        } else {
            missing.push(format!("{} ({}): {}", tool.name, tool.used_for, tool.hint));
            "MISSING"
        };
        println!("{:<18} {state}", tool.name);
    }
    if !missing.is_empty() {
        bail!("missing tools:\n  {}", missing.join("\n  "));
    }
    Ok(())
}

impl Tool {
    fn is_there(&self) -> bool {
        succeeds(self.probe, PROBE_LIMIT, Echo::Hidden)
    }

    fn install(&self) -> bool {
        let Some(package) = self.package else { return false };
        if !rustix::process::geteuid().is_root() {
            return false;
        }
        println!("installing the Debian package {package}");
        let get = ["apt-get", "install", "--yes", "--no-install-recommends", package];
        // A fresh machine has no package lists yet, so a first failure may only mean that.
        let done = succeeds(&get, INSTALL_LIMIT, Echo::Hidden)
            || (succeeds(&["apt-get", "update"], INSTALL_LIMIT, Echo::Hidden)
                && succeeds(&get, INSTALL_LIMIT, Echo::Shown));
        done && self.is_there()
    }
}

fn succeeds(argv: &[&str], limit: Duration, echo: Echo) -> bool {
    let Some((program, args)) = argv.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    tee(&mut command, limit, echo).is_ok_and(|done| done.ending.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_not_there() {
        assert!(!succeeds(&["headwater-no-such-program"], PROBE_LIMIT, Echo::Hidden));
        assert!(!succeeds(&["bash", "-c", "exit 1"], PROBE_LIMIT, Echo::Hidden));
        assert!(succeeds(&["bash", "-c", "exit 0"], PROBE_LIMIT, Echo::Hidden));
    }
}
