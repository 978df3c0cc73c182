//! Finds the `headwater` binary, and examples, building each once per test run.
//!
//! `HEADWATER_BIN` names a binary to use as it is; otherwise cargo builds it and says where it put
//! it, so that a moved target directory needs no care here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The path of the server's binary.
///
/// # Panics
/// When cargo cannot build it.
pub fn headwater() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let build = || build("headwater", &["--package", "headwater-server", "--bin", "headwater"]);
    BINARY.get_or_init(|| env::var_os("HEADWATER_BIN").map_or_else(build, PathBuf::from))
}

/// The path of the example `ticker` of `headwater-sse`.
///
/// # Panics
/// When cargo cannot build it.
pub fn ticker() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let example = ["--package", "headwater-sse", "--all-features", "--example", "ticker"];
    BINARY.get_or_init(|| build("ticker", &example))
}

/// The path of the example `chat` of `headwater-ws`.
///
/// # Panics
/// When cargo cannot build it.
pub fn chat() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let example = ["--package", "headwater-ws", "--all-features", "--example", "chat"];
    BINARY.get_or_init(|| build("chat", &example))
}

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}

/// The directory cargo builds into.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

fn build(name: &str, arguments: &[&str]) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet"])
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace())
        .stderr(Stdio::inherit());
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "cargo could not build {name}");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|message| executable_of(name, message))
        .unwrap_or_else(|| panic!("cargo named no executable `{name}`"))
}

fn executable_of(name: &str, message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    if message["reason"] != "compiler-artifact" || message["target"]["name"] != name {
        return None;
    }
    message["executable"].as_str().map(PathBuf::from)
}
