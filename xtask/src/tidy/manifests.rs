//! Every crate could be published as it is, and versions stand in one place.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::{File, Package, Tree};

const LICENSE: &str = "MIT OR Apache-2.0";

/// Both stand at the root and in every crate, because a crate is published without the rest.
const LICENSE_FILES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// The registry takes no more keywords, and no more categories.
const MOST_WORDS: usize = 5;

/// Nor a longer keyword.
const LONGEST_KEYWORD: usize = 20;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in tree.crates() {
        publishable(tree, package, &mut found);
    }
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        if !says(&file.text, "[lints]", "workspace = true") {
            found.push(Finding::whole(&file.path, "lints.workspace is not true"));
        }
        versions(file, &mut found);
        packs_all(file, &mut found);
    }
    unused(tree, &mut found);
    for license in LICENSE_FILES {
        if tree.file(license).is_none_or(|file| file.text.is_empty()) {
            found.push(Finding::whole(license, "is missing"));
        }
    }
    found
}

fn publishable(tree: &Tree, package: &Package, found: &mut Vec<Finding>) {
    let readme = format!("{}/README.md", package.folder);
    if tree.file(&readme).is_none_or(|file| file.text.trim().is_empty()) {
        found.push(Finding::whole(&readme, "is missing"));
    }
    let text = |path: &str| tree.file(path).map(|file| file.text.as_str());
    for license in LICENSE_FILES {
        let path = format!("{}/{license}", package.folder);
        if text(&path) != text(license) || text(&path).is_none() {
            found.push(Finding::whole(&path, "is not the root's"));
        }
    }
    for (field, is_there) in [
        ("description", !package.description.is_empty()),
        ("repository", !package.repository.is_empty()),
        ("readme", package.readme == "README.md"),
    ] {
        if !is_there {
            found.push(Finding::whole(&package.folder, format!("has no {field}")));
        }
    }
    for (field, words) in [("keywords", &package.keywords), ("categories", &package.categories)] {
        if words.is_empty() || words.len() > MOST_WORDS {
            let message = format!("has {} {field}, not 1 to {MOST_WORDS}", words.len());
            found.push(Finding::whole(&package.folder, message));
        }
    }
    for keyword in package.keywords.iter().filter(|keyword| !is_keyword(keyword)) {
        found.push(Finding::whole(&package.folder, format!("{keyword:?} is no keyword")));
    }
    if package.license != LICENSE {
        found.push(Finding::whole(&package.folder, format!("its licence is not {LICENSE}")));
    }
}

/// What the registry takes as a keyword.
fn is_keyword(text: &str) -> bool {
    text.len() <= LONGEST_KEYWORD
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_+".contains(c))
}

/// All that git knows of a crate is packed, so that a licence which is there is published too.
fn packs_all(file: &File, found: &mut Vec<Finding>) {
    for (section, line, key, _) in entries(&file.text) {
        if section == "package" && ["include", "exclude"].contains(&key) {
            found.push(Finding::at(&file.path, line, format!("{key}: all files are packed")));
        }
    }
}

/// Dependencies of members take their version from the root's table.
fn versions(file: &File, found: &mut Vec<Finding>) {
    for (section, line, key, value) in entries(&file.text) {
        let table = section.rsplit('.').next().unwrap_or(section);
        let listed = table.ends_with("dependencies");
        // A crate that uses its own features in its tests names its own folder.
        let from_root = (key.ends_with(".workspace") && value == "true")
            || value
                .split([',', '{', '}'])
                .any(|part| matches!(part.trim(), "workspace = true" | "path = \".\""));
        if section.contains("dependencies.") || (listed && !from_root) {
            let message = format!("{key}: versions stand in the root manifest only");
            found.push(Finding::at(&file.path, line, message));
        }
    }
}

/// What the root's table offers and nobody takes. Members are listed whether taken or not.
fn unused(tree: &Tree, found: &mut Vec<Finding>) {
    let Some(root) = tree.file("Cargo.toml") else { return };
    let used: BTreeSet<_> = tree
        .packages
        .iter()
        .flat_map(|package| &package.dependencies)
        .map(|dependency| dependency.name.as_str())
        .collect();
    for (section, line, key, value) in entries(&root.text) {
        let listed = section == "workspace.dependencies" && !value.contains("path = ");
        if listed && !used.contains(key) {
            found.push(Finding::at("Cargo.toml", line, format!("no member uses {key}")));
        }
    }
}

/// All `key = value` lines as (section, line, key, value). Enough for manifests, whose entries
/// `cargo` has already parsed properly; a value over several lines yields its first line.
fn entries(text: &str) -> impl Iterator<Item = (&str, usize, &str, &str)> {
    let mut section = "";
    (1..).zip(text.lines()).filter_map(move |(number, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
            return None;
        }
        let (key, value) = line.split_once('=')?;
        let key = key.trim();
        let is_key = key.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
        (is_key && !key.is_empty()).then(|| (section, number, key, value.trim()))
    })
}

fn says(text: &str, section: &str, wanted: &str) -> bool {
    text.lines().map(str::trim).skip_while(|line| *line != section).nth(1) == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Need;
    use super::*;

    const GOOD: &str = "[lints]\nworkspace = true\n[dependencies]\nbytes.workspace = true\n\
                        hyper = { workspace = true, features = [\"client\"] }\n";

    fn tree(manifest: &str) -> Tree {
        let root = "[workspace.dependencies]\nbytes = \"1\"\nhyper = \"1\"\n";
        let mut tree = Tree::of(&[
            ("Cargo.toml", root),
            ("crates/core/Cargo.toml", manifest),
            ("crates/core/README.md", "# Core"),
            ("crates/core/LICENSE-MIT", "text"),
            ("crates/core/LICENSE-APACHE", "text"),
            ("LICENSE-MIT", "text"),
            ("LICENSE-APACHE", "text"),
        ]);
        let needs = [("bytes", Need::Always), ("hyper", Need::Tests)];
        tree.packages = vec![Package::of("crates/core", &needs)];
        tree
    }

    #[test]
    fn a_proper_crate_passes() {
        assert_eq!(check(&tree(GOOD)), []);
    }

    #[test]
    fn planted_faults_are_found() {
        for (from, to) in [
            ("[lints]\nworkspace = true", ""),
            ("[lints]", "[package]\nexclude = [\"LICENSE-MIT\"]\n[lints]"),
            ("[lints]", "[package]\ninclude = [\n\"src\"]\n[lints]"),
            ("bytes.workspace = true", "bytes = \"1\""),
            ("bytes.workspace = true", "bytes = { version = \"1\", features = [\"x\"] }"),
            ("[dependencies]", "[dev-dependencies.x]\nversion = \"1\"\n[a]"),
            ("[dependencies]", "[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n[dependencies]"),
        ] {
            assert_eq!(check(&tree(&GOOD.replace(from, to))).len(), 1, "{to}");
        }
        for (path, count) in [
            ("crates/core/README.md", 1),
            ("crates/core/LICENSE-MIT", 1),
            ("crates/core/LICENSE-APACHE", 1),
            // The crate's own is then no copy of it.
            ("LICENSE-MIT", 2),
            ("LICENSE-APACHE", 2),
        ] {
            let mut planted = tree(GOOD);
            planted.files.retain(|file| file.path != path);
            assert_eq!(check(&planted).len(), count, "{path}");
        }
        let faults: [fn(&mut Package); 11] = [
            |package| package.description.clear(),
            |package| package.repository.clear(),
            |package| package.readme.clear(),
            |package| package.keywords.clear(),
            |package| package.keywords = vec!["word".to_owned(); MOST_WORDS + 1],
            |package| package.keywords = vec!["k".repeat(LONGEST_KEYWORD + 1)],
            |package| package.keywords = vec!["two words".to_owned()],
            |package| package.keywords = vec!["-".to_owned()],
            |package| package.categories.clear(),
            |package| package.license = "MIT".to_owned(),
            |package| package.dependencies.truncate(1),
        ];
        for fault in faults {
            let mut planted = tree(GOOD);
            planted.packages.iter_mut().for_each(fault);
            assert_eq!(check(&planted).len(), 1);
        }
    }
}
