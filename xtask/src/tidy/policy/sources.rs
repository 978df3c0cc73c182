//! Packages come from the registry, or are members.

use serde::Deserialize;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::{Level, REGISTRY};

/// `[sources]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sources {
    #[serde(rename = "unknown-registry")]
    _registry: Level,
    #[serde(rename = "unknown-git")]
    _git: Level,
}

impl Sources {
    pub(super) fn check(&self, tree: &Tree, found: &mut Vec<Finding>) {
        for package in &tree.locked {
            let message = match package.source.as_deref() {
                None if package.member => continue,
                Some(REGISTRY) => continue,
                None => format!("{package} lies in a folder outside of the workspace"),
                Some(source) => format!("{package} comes from {source}, not from the registry"),
            };
            found.push(Finding::whole("Cargo.lock", message));
        }
    }
}
