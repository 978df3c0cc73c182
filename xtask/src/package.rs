//! `cargo xtask package`: every published crate packs as it would for the registry.
//!
//! Cargo packs them together, which needs what they depend on among themselves and nothing that is published;
//! building what was packed is left to the other steps. What a reader of a crate needs has to be in it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, cargo, output};

/// What every crate holds beside its sources. Both licences ask to come with the code.
const NEEDED: &[&str] = &["Cargo.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE", "src/lib.rs"];

/// Packs the crates; fails when one does not pack or lacks a file.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let names = published(workspace.packages())?;
    for name in &names {
        let mut command = cargo();
        command.args(["package", "--list", "--locked", "--allow-dirty", "--package", name]);
        let files = output(command.current_dir(&workspace.root))?;
        let missing = missing(&files);
        ensure!(missing.is_empty(), "{name} would be published without {}", missing.join(", "));
        println!("{name}: {} files", files.lines().count());
    }
    let mut command = cargo();
    command.args(["package", "--quiet", "--no-verify", "--locked", "--allow-dirty"]);
    for name in &names {
        command.args(["--package", name]);
    }
    let status = command.current_dir(&workspace.root).status().context("cannot run cargo")?;
    ensure!(status.success(), "the crates do not pack");
    Ok(())
}

/// The names of the members that are not marked `publish = false`.
fn published<'a>(packages: impl Iterator<Item = &'a Value>) -> Result<Vec<&'a str>> {
    let mut names = Vec::new();
    for package in packages {
        let name = package.get("name").and_then(Value::as_str).context("a package has a name")?;
        // Cargo says `null` for every registry, and a list of none for `publish = false`.
        if package.get("publish").is_none_or(Value::is_null) {
            names.push(name);
        }
    }
    ensure!(!names.is_empty(), "no member is for publication");
    Ok(names)
}

fn missing(files: &str) -> Vec<&'static str> {
    let listed = |wanted: &str| files.lines().any(|file| file == wanted);
    NEEDED.iter().copied().filter(|wanted| !listed(wanted)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_of_our_own_are_not_published() {
        let packages = [
            json!({"name": "headwater-core", "publish": null}),
            json!({"name": "xtask", "publish": []}),
        ];
        assert_eq!(published(packages.iter()).unwrap(), ["headwater-core"]);
        assert!(published(packages[1..].iter()).is_err());
    }

    #[test]
    fn every_file_that_lacks_is_named() {
        let all = NEEDED.join("\n");
        assert_eq!(missing(&all), Vec::<&str>::new());
        for file in NEEDED {
            assert_eq!(missing(&all.replace(file, "else")), [*file]);
        }
    }
}
