//! The programs that CI needs, and the Rust toolchain it needs them beside.
//!
//! What Debian's package manager has is installed when this is root; what is missing then is named
//! together with the way to get it, and fails the task.

mod rust;
mod table;

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::process::{Echo, tee};
use crate::workspace::Workspace;
use table::{TOOLS, Tool};

/// Long enough for a slow package mirror.
const INSTALL_LIMIT: Duration = Duration::from_secs(240);

/// A probe answers at once.
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// Checks the toolchain and every tool, and installs what it can; fails naming all that are missing.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    rust::check(workspace)?;
    provide(TOOLS, Tool::is_there, Tool::install)
}

/// Looks for every tool, and gets those that are not there.
fn provide(
    tools: &[Tool],
    is_there: impl Fn(&Tool) -> bool,
    install: impl Fn(&Tool) -> bool,
) -> Result<()> {
    let mut missing = Vec::new();
    for tool in tools {
        let state = if is_there(tool) {
            "present"
        } else if install(tool) {
            "installed just now"
        } else {
            missing.push(format!("{} ({}): {}", tool.name, tool.used_for, tool.hint));
            "MISSING"
        };
        println!("{:<18} {state}", tool.name);
    }
    ensure!(missing.is_empty(), "missing tools:\n  {}", missing.join("\n  "));
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

    const ABSENT: Tool = Tool {
        name: "absent",
        probe: &["headwater-no-such-program"],
        used_for: "showing what is said",
        package: None,
        hint: "there is no way",
    };

    #[test]
    fn an_absent_tool_fails_and_is_named_with_its_use_and_the_way_to_get_it() {
        let there = Tool { name: "there", probe: &["bash", "-c", "exit 0"], ..ABSENT };
        let tools = [ABSENT, there, Tool { name: "absent too", ..ABSENT }];
        let error = provide(&tools, Tool::is_there, Tool::install).unwrap_err().to_string();
        let expected = "missing tools:\n  absent (showing what is said): there is no way\n  \
                        absent too (showing what is said): there is no way";
        assert_eq!(error, expected);
    }

    #[test]
    fn every_tool_of_the_table_can_be_the_missing_one() {
        for absent in TOOLS {
            let is_there = |tool: &Tool| tool.name != absent.name;
            let error = provide(TOOLS, is_there, |_| false).unwrap_err().to_string();
            for text in [absent.name, absent.used_for, absent.hint] {
                assert!(!text.is_empty() && error.contains(text), "{error}");
            }
            assert_eq!(error.lines().count(), 2, "{error}");
        }
    }

    #[test]
    fn what_could_be_installed_is_not_missing() {
        assert!(provide(&[ABSENT], |_| false, |_| true).is_ok());
        assert!(provide(TOOLS, |_| true, |tool| panic!("{} is there", tool.name)).is_ok());
    }
}
