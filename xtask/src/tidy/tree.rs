//! The repository as the rules see it: its files, its packages, core's dependencies.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::locked::Locked;
use crate::workspace::{Workspace, cargo, output};

/// The package whose dependencies are looked at as a whole tree.
const CORE: &str = "headwater-core";

/// The package that makes the binary.
const SERVER: &str = "headwater-server";

/// A file that git tracks, or would.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// From the root, with slashes.
    pub(super) path: String,
    /// Empty for a file that is not text.
    pub(super) text: String,
}

/// When a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// By the package itself, or to build it.
    Always,
    /// By its tests.
    Tests,
}

/// What a package depends on directly.
#[derive(Clone, Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) need: Need,
    /// Whether it is a member of the workspace.
    pub(super) member: bool,
}

/// A member of the workspace.
#[derive(Clone, Debug)]
pub(super) struct Package {
    pub(super) name: String,
    /// Its folder from the root, say `crates/core`.
    pub(super) folder: String,
    pub(super) description: String,
    pub(super) license: String,
    pub(super) repository: String,
    /// Its README, from its own folder.
    pub(super) readme: String,
    pub(super) keywords: Vec<String>,
    pub(super) categories: Vec<String>,
    /// The oldest Rust it builds with, say `1.95`.
    pub(super) rust_version: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// All that the rules look at.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
    pub(super) packages: Vec<Package>,
    /// Everything the workspace is built from.
    pub(super) locked: Vec<Locked>,
    /// The names of all packages that core needs, however indirectly, tests apart.
    pub(super) core_needs: BTreeSet<String>,
    /// The features that end up in the server's binary, as `package/feature`.
    pub(super) server_features: BTreeSet<String>,
}

impl Tree {
    /// Reads the repository.
    pub(super) fn load(workspace: &Workspace) -> Result<Self> {
        let root = &workspace.root;
        let list = output(
            Command::new("git")
                .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
                .current_dir(root),
        )?;
        let mut files = Vec::new();
        for path in list.split('\0').filter(|path| !path.is_empty()) {
            // A file that is deleted but still in the index has nothing to look at.
            if let Ok(bytes) = std::fs::read(root.join(path)) {
                let text = String::from_utf8(bytes).unwrap_or_default();
                files.push(File { path: path.to_owned(), text });
            }
        }
        let packages = workspace
            .packages()
            .map(|package| Package::parse(package, workspace))
            .collect::<Result<_>>()?;
        let core = cargo_tree(root, &["--package", CORE, "--all-features", "--format", "{p}"])?;
        let server = cargo_tree(root, &["--package", SERVER, "--format", "{p}|{f}"])?;
        Ok(Self {
            files,
            packages,
            locked: Locked::all(root)?,
            core_needs: names_in_cargo_tree(&core),
            server_features: features_in_cargo_tree(&server),
        })
    }

    /// The file at `path`, if there is one.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// All Rust sources.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The library crates: everything under `crates/`.
    pub(super) fn crates(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.folder.starts_with("crates/"))
    }

    /// A tree of these files alone.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file =
            |(path, text): &(&str, &str)| File { path: (*path).into(), text: (*text).into() };
        Self { files: files.iter().map(file).collect(), ..Self::default() }
    }
}

/// One line for each package that is needed to build, tests apart.
fn cargo_tree(root: &Path, args: &[&str]) -> Result<String> {
    let mut command = cargo();
    command.args(["tree", "--edges", "normal,build", "--target", "all", "--prefix", "none"]);
    output(command.args(args).current_dir(root))
}

/// All `package/feature` of lines like `name v1.0.0 (path)|feature,feature (*)`.
pub(super) fn features_in_cargo_tree(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter_map(|line| line.split_once('|'));
    lines
        .flat_map(|(package, features)| {
            let name = package.split(' ').next().unwrap_or(package);
            let features = features.trim_end_matches(" (*)").split(',');
            features.filter(|feature| !feature.is_empty()).map(move |f| format!("{name}/{f}"))
        })
        .collect()
}

/// The first word of every line, without the root's own.
pub(super) fn names_in_cargo_tree(text: &str) -> BTreeSet<String> {
    text.lines().skip(1).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

impl Package {
    fn parse(package: &Value, workspace: &Workspace) -> Result<Self> {
        let text = |field: &str| package.get(field).and_then(Value::as_str).map(str::to_owned);
        let list = |field: &str| {
            let values = package.get(field).and_then(Value::as_array).into_iter().flatten();
            values.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let name = text("name").context("a package has a name")?;
        let manifest = text("manifest_path").context("a package has a manifest")?;
        let folder = Path::new(&manifest)
            .parent()
            .and_then(|folder| folder.strip_prefix(&workspace.root).ok())
            .with_context(|| format!("{manifest} is outside the repository"))?
            .display()
            .to_string();
        let dependencies = package
            .get("dependencies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|dependency| {
                Some(Dependency {
                    name: dependency.get("name")?.as_str()?.to_owned(),
                    need: match dependency.get("kind").and_then(Value::as_str) {
                        Some("dev") => Need::Tests,
                        _ => Need::Always,
                    },
                    member: dependency.get("path").is_some_and(Value::is_string),
                })
            })
            .collect();
        Ok(Self {
            name,
            folder,
            description: text("description").unwrap_or_default(),
            license: text("license").unwrap_or_default(),
            repository: text("repository").unwrap_or_default(),
            readme: text("readme").unwrap_or_default(),
            keywords: list("keywords"),
            categories: list("categories"),
            rust_version: text("rust_version").unwrap_or_default(),
            dependencies,
        })
    }

    /// A package with these dependencies, each a member if its name says so.
    #[cfg(test)]
    pub(super) fn of(folder: &str, dependencies: &[(&str, Need)]) -> Self {
        let name = format!("headwater-{}", folder.trim_start_matches("crates/"));
        let dependency = |(name, need): &(&str, Need)| Dependency {
            name: (*name).to_owned(),
            need: *need,
            member: name.starts_with("headwater-"),
        };
        Self {
            name,
            folder: folder.to_owned(),
            description: "A crate.".to_owned(),
            license: "MIT OR Apache-2.0".to_owned(),
            repository: "https://example.com/headwater".to_owned(),
            readme: "README.md".to_owned(),
            keywords: vec!["stream".to_owned()],
            categories: vec!["database".to_owned()],
            rust_version: "1.95".to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }
}
