//! Lints every combination of features of every library crate by itself, so that no feature
//! silently needs another one, or leaves code behind that nothing uses.
//!
//! The combinations come from the manifests: a new feature is covered the day it appears.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, cargo};

/// Above this many features of one crate the combinations would be too many to try all.
const MOST_FEATURES: usize = 6;

/// Lints each combination; stops at the first that fails.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    for package in workspace.packages() {
        let name = package.get("name").and_then(Value::as_str).context("a package has a name")?;
        let features = features_of(package);
        if features.is_empty() {
            continue;
        }
        ensure!(
            features.len() <= MOST_FEATURES,
            "{name} has {} features: name the combinations to try instead of trying all",
            features.len()
        );
        for chosen in combinations(&features) {
            lint(workspace, name, &chosen.join(","))?;
        }
    }
    Ok(())
}

fn lint(workspace: &Workspace, package: &str, features: &str) -> Result<()> {
    println!("{package} with features [{features}]");
    let status = cargo()
        .args(["clippy", "--quiet", "--package", package])
        .args(["--no-default-features", "--features", features, "--", "-D", "warnings"])
        .current_dir(&workspace.root)
        .status()
        .context("cannot run cargo clippy")?;
    ensure!(status.success(), "{package} fails with features [{features}] alone");
    Ok(())
}

fn features_of(package: &Value) -> Vec<&str> {
    let table = package.get("features").and_then(Value::as_object);
    table
        .into_iter()
        .flat_map(serde_json::Map::keys)
        .map(String::as_str)
        .filter(|name| *name != "default")
        .collect()
}

/// All subsets, the empty one first.
fn combinations<'a>(features: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut all = vec![Vec::new()];
    for feature in features {
        let with: Vec<_> =
            all.iter().map(|chosen| [chosen.as_slice(), &[*feature]].concat()).collect();
        all.extend(with);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subset_is_tried_once() {
        assert_eq!(
            combinations(&["sled", "testkit"]),
            [vec![], vec!["sled"], vec!["testkit"], vec!["sled", "testkit"]]
        );
    }

    #[test]
    fn the_default_set_is_no_feature_of_its_own() {
        let package = serde_json::json!({"features": {"default": ["sled"], "sled": []}});
        assert_eq!(features_of(&package), ["sled"]);
    }
}
