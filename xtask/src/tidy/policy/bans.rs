//! No package is banned, none is there in two versions without a reason, and no member takes any version that comes.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use super::super::finding::Finding;
use super::super::locked::Locked;
use super::super::tree::Tree;
use super::{FILE, Level, is_blank};

/// `[bans]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bans {
    #[serde(rename = "multiple-versions")]
    _multiple: Level,
    #[serde(rename = "wildcards")]
    _wildcards: Level,
    /// For folders of the workspace, which have no version to choose from.
    #[serde(rename = "allow-wildcard-paths")]
    _paths: bool,
    deny: Vec<Banned>,
    skip: Vec<Skipped>,
}

/// A package that is not to be used.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Banned {
    #[serde(rename = "crate")]
    package: String,
    use_instead: Option<String>,
    reason: String,
}

/// A version that stands beside another one of the same package.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Skipped {
    #[serde(rename = "crate")]
    package: String,
    reason: String,
}

impl Bans {
    pub(super) fn check(&self, tree: &Tree, found: &mut Vec<Finding>) {
        self.reasons(found);
        for (package, banned) in tree.locked.iter().filter_map(|p| Some((p, self.ban_of(p)?))) {
            let instead = banned.use_instead.iter().map(|name| format!("; use {name}"));
            let message =
                format!("{package} is banned: {}{}", banned.reason, instead.collect::<String>());
            found.push(Finding::whole("Cargo.lock", message));
        }
        self.versions(&tree.locked, found);
        wildcards(tree, found);
    }

    fn ban_of(&self, package: &Locked) -> Option<&Banned> {
        self.deny.iter().find(|banned| package.is(&banned.package))
    }

    fn reasons(&self, found: &mut Vec<Finding>) {
        let denied = self.deny.iter().map(|banned| (&banned.package, &banned.reason));
        let skipped = self.skip.iter().map(|skipped| (&skipped.package, &skipped.reason));
        for (package, _) in denied.chain(skipped).filter(|(_, reason)| is_blank(reason)) {
            found.push(Finding::whole(FILE, format!("{package} stands there without a reason")));
        }
    }

    /// At most one version of each package beside those that are skipped, and no more of these than there are.
    fn versions(&self, locked: &[Locked], found: &mut Vec<Finding>) {
        let mut versions: BTreeMap<&str, Vec<&Locked>> = BTreeMap::new();
        for package in locked {
            versions.entry(&package.name).or_default().push(package);
        }
        let skips = |package: &Locked| self.skip.iter().any(|skipped| package.is(&skipped.package));
        for (name, all) in &versions {
            let counted = all.iter().filter(|package| !skips(package)).count();
            if counted > 1 {
                let message = format!("{counted} versions of {name}, which {FILE} does not skip");
                found.push(Finding::whole("Cargo.lock", message));
            }
        }
        for Skipped { package, .. } in &self.skip {
            let several = locked.iter().find(|one| one.is(package)).is_some_and(|one| {
                versions.get(one.name.as_str()).is_some_and(|all| all.len() > 1)
            });
            if !several {
                let message =
                    format!("skips {package}, which does not stand beside another version");
                found.push(Finding::whole(FILE, message));
            }
        }
    }
}

/// Versions of dependencies stand in the root manifest only, which another rule sees to.
fn wildcards(tree: &Tree, found: &mut Vec<Finding>) {
    let Some(root) = tree.file("Cargo.toml") else { return };
    let table: Table = match root.text.parse() {
        Ok(table) => table,
        Err(error) => return found.push(Finding::whole("Cargo.toml", format!("{error}"))),
    };
    let listed = table.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    for (name, entry) in listed.and_then(Value::as_table).into_iter().flatten() {
        let version = entry.get("version").unwrap_or(entry).as_str();
        if version.is_some_and(|version| version.contains('*')) {
            found.push(Finding::whole("Cargo.toml", format!("{name} may have any version")));
        }
    }
}
