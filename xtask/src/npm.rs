//! The pinned npm packages: the protocol suite, the reference client, the reference server and the driver of browsers.
//!
//! `xtask/conformance/` holds the manifest and the lock file; the packages themselves are never
//! committed. They are installed into `conformance/` under the target directory, and again only
//! when the lock file has changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{Echo, tee};
use crate::workspace::Workspace;

/// Far above the few seconds a healthy install takes.
const LIMIT: Duration = Duration::from_secs(300);

/// Written last into `node_modules`, so that a broken install is repeated.
const STAMP: &str = "node_modules/.headwater-installed";

/// Installs the packages if needed and returns the folder that holds `node_modules`.
pub(crate) fn install(workspace: &Workspace) -> Result<PathBuf> {
    let from = workspace.root.join("xtask/conformance");
    let to = workspace.target.join("conformance");
    fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
    // Two tasks at once must not install into one folder. The lock goes with the process.
    let lock = File::create(workspace.target.join("conformance.lock"))
        .context("cannot create the install lock")?;
    lock.lock().context("cannot lock the npm install")?;

    copy_files(&from, &to)?;
    let wanted = fs::read_to_string(from.join("package-lock.json"))
        .context("xtask/conformance/package-lock.json is not readable")?;
    if fs::read_to_string(to.join(STAMP)).is_ok_and(|installed| installed == wanted) {
        return Ok(to);
    }
    println!("installing npm packages into {}", to.display());
    // No package needs its install script: the compiled parts come as packages of their own.
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&to);
    let done = tee(&mut command, LIMIT, Echo::Hidden)
        .context("npm is needed; `cargo xtask tools` says what is missing and how to get it")?;
    ensure!(done.ending.success(), "npm ci failed ({:?}):\n{}", done.ending, done.output);
    fs::write(to.join(STAMP), wanted).context("cannot write the install stamp")?;
    Ok(to)
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    let folder = fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for file in folder {
        let file = file.context("cannot list a folder")?;
        if file.path().is_file() {
            let target = to.join(file.file_name());
            fs::copy(file.path(), &target)
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}
