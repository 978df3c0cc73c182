//! Every package that the workspace is built from, with all features, for all targets.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{cargo, output};

/// A package at the version that `Cargo.lock` fixes.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Locked {
    pub(super) name: String,
    pub(super) version: String,
    /// What its manifest says of its licence.
    pub(super) license: Option<String>,
    /// Where it comes from; none for a folder.
    pub(super) source: Option<String>,
    pub(super) id: String,
    /// Whether it is a member of the workspace.
    #[serde(skip)]
    pub(super) member: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Locked>,
    workspace_members: BTreeSet<String>,
}

impl Locked {
    /// Asks cargo.
    pub(super) fn all(root: &Path) -> Result<Vec<Self>> {
        let mut command = cargo();
        command.args(["metadata", "--all-features", "--format-version", "1"]).current_dir(root);
        let metadata: Metadata = serde_json::from_str(&output(&mut command)?)
            .context("cargo metadata has packages and members")?;
        let Metadata { mut packages, workspace_members } = metadata;
        for package in &mut packages {
            package.member = workspace_members.contains(&package.id);
        }
        Ok(packages)
    }

    /// Whether it is meant by `name`, by `name@1.2.3`, or by `name@1` and `name@1.2`, which mean every such version.
    pub(super) fn is(&self, wanted: &str) -> bool {
        let (name, version) = match wanted.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (wanted, None),
        };
        let rest = |version| self.version.strip_prefix(version);
        let matches =
            |version| rest(version).is_some_and(|r| r.is_empty() || r.starts_with(['.', '+']));
        self.name == name && version.is_none_or(matches)
    }

    /// A package from where all come from.
    #[cfg(test)]
    pub(super) fn of(spelled: &str, license: &str) -> Self {
        let (name, version) = spelled.split_once('@').unwrap();
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            license: Some(license.to_owned()),
            source: Some(super::policy::REGISTRY.to_owned()),
            id: spelled.to_owned(),
            member: false,
        }
    }
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_a_version() {
        let package = Locked::of("parking_lot@0.11.2", "MIT");
        for (wanted, expected) in [
            ("parking_lot", true),
            ("parking_lot@0.11.2", true),
            ("parking_lot@0.11", true),
            ("parking_lot@0", true),
            ("parking_lot@0.1", false),
            ("parking_lot@0.11.20", false),
            ("parking_lot_core", false),
            ("parking", false),
        ] {
            assert_eq!(package.is(wanted), expected, "{wanted}");
        }
    }
}
