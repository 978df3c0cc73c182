//! The Rust toolchain: at least as new as the manifest says.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, output};

/// Compares the toolchain with the `rust-version` of every member.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let said = output(Command::new("rustc").arg("--version"))?;
    for package in workspace.packages() {
        let needed = package.get("rust_version").and_then(Value::as_str);
        compare(&said, needed.context("a member names no rust-version")?)?;
    }
    println!("{:<18} {}", "rustc", said.trim());
    Ok(())
}

/// `said` is like `rustc 1.95.0 (f2d3ce0bd 2026-03-21)`, `needed` like `1.95`.
fn compare(said: &str, needed: &str) -> Result<()> {
    let version = said.split_whitespace().nth(1).and_then(parse);
    let actual = version.with_context(|| format!("no version in {said:?}"))?;
    let least = parse(needed).with_context(|| format!("{needed:?} is no version"))?;
    ensure!(
        actual >= least,
        "Rust {needed} or newer is needed, this is {}: rustup update stable",
        said.trim()
    );
    Ok(())
}

/// Major, minor, patch; a suffix such as `-nightly` counts for nothing.
fn parse(text: &str) -> Option<[u32; 3]> {
    let release = text.split('-').next()?;
    let mut parts = release.split('.').map(|part| part.parse().ok());
    let version = [parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?];
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_toolchain_is_refused() {
        for (said, needed, fits) in [
            ("rustc 1.95.0 (f2d3ce0bd 2026-03-21)", "1.95", true),
            ("rustc 1.95.1", "1.95", true),
            ("rustc 1.100.0", "1.95", true),
            ("rustc 2.0.0", "1.95", true),
            ("rustc 1.96.0-nightly (f2d3ce0bd 2026-03-21)", "1.95", true),
            ("rustc 1.94.1", "1.95", false),
            ("rustc 1.95.0", "1.95.1", false),
            ("rustc 1.9.0", "1.95", false),
            ("rustc", "1.95", false),
            ("rustc one.two", "1.95", false),
            ("rustc 1.95.0.1", "1.95", false),
            ("rustc 1.95.0", "new", false),
        ] {
            assert_eq!(compare(said, needed).is_ok(), fits, "{said} for {needed}");
        }
    }

    #[test]
    fn a_refusal_tells_what_is_needed_and_how_to_get_it() {
        let error = compare("rustc 1.94.1 (x)", "1.95").unwrap_err().to_string();
        assert!(error.contains("1.95") && error.contains("1.94.1") && error.contains("rustup"));
    }
}
