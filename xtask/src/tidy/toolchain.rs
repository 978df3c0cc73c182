//! The oldest Rust that will do is what the pages say: `Rust X.Y` in prose is the manifest's `rust-version`.

use super::finding::Finding;
use super::tree::Tree;

/// Where somebody who has nothing yet looks for it.
const PAGE: &str = "CONTRIBUTING.md";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(first) = tree.packages.first() else { return found };
    let version = first.rust_version.as_str();
    for package in &tree.packages {
        if package.rust_version.is_empty() || package.rust_version != version {
            let message = format!("rust-version is not the workspace's, {version}");
            found.push(Finding::whole(&package.folder, message));
        }
    }
    let mut told = false;
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, text) in (1..).zip(file.text.lines()) {
            for named in versions(text) {
                told |= file.path == PAGE && named == version;
                if named != version {
                    let message = format!("Rust {named}, but the manifest says {version}");
                    found.push(Finding::at(&file.path, line, message));
                }
            }
        }
    }
    if !told {
        found.push(Finding::whole(PAGE, format!("does not say that Rust {version} is needed")));
    }
    found
}

/// All `X.Y` of `Rust X.Y`.
fn versions(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("Rust ").filter_map(|(at, word)| {
        let rest = line.get(at + word.len()..)?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let version = rest.get(..end)?.trim_end_matches('.');
        version.contains('.').then_some(version)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::Package;
    use super::*;

    fn faults(page: &str, other: &str, versions: [&str; 2]) -> usize {
        let mut tree = Tree::of(&[(PAGE, page), ("docs/a.md", other)]);
        tree.packages = ["crates/core", "crates/sse"].map(|folder| Package::of(folder, &[])).into();
        for (package, version) in tree.packages.iter_mut().zip(versions) {
            package.rust_version = version.to_owned();
        }
        check(&tree).len()
    }

    #[test]
    fn what_is_said_is_what_is_needed() {
        let same = ["1.95", "1.95"];
        assert_eq!(faults("You need Rust 1.95 or newer.", "A Rust program.", same), 0);
        assert_eq!(faults("You need Rust 1.95.", "With Rust 1.95, say.", same), 0);
        for (page, other, versions, count) in [
            ("You need Rust.", "", same, 1),
            ("You need Rust.", "Rust 1.95", same, 1),
            ("You need Rust 1.94.", "", same, 2),
            ("You need Rust 1.95.", "In Rust 1.85 it was new.", same, 1),
            ("You need Rust 1.95.", "", ["1.95", "1.94"], 1),
            ("You need Rust 1.95.", "", ["1.95", ""], 1),
        ] {
            assert_eq!(faults(page, other, versions), count, "{page} {other} {versions:?}");
        }
    }
}
