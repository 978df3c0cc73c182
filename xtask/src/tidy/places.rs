//! Nothing committed names a machine: no absolute path of one, no host of a package registry.

use super::finding::Finding;
use super::tree::Tree;

/// Written apart, because this file is looked at too.
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("npmjs", ".org"),
    concat!("npmjs", ".com"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

/// Folders that exist on one machine only.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/tmp", "/hw"), concat!("/ro", "ot/")];

/// Cargo itself writes the name of the registry into its lock file.
const EXCEPT: &str = "Cargo.lock";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.path != EXCEPT) {
        for (number, line) in (1..).zip(file.text.lines()) {
            for host in HOSTS.iter().filter(|host| line.contains(**host)) {
                let message = format!("the registry host {host}");
                found.push(Finding::at(&file.path, number, message));
            }
            for folder in FOLDERS.iter().filter(|folder| holds_absolute(line, folder)) {
                let message = format!("the absolute path {folder}");
                found.push(Finding::at(&file.path, number, message));
            }
        }
    }
    found
}

/// Whether the path stands at a path's start, not in its middle.
fn holds_absolute(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-/}>)".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_places_are_found() {
        for text in [
            concat!("\"resolved\": \"https://registry.npmjs", ".org/x\""),
            concat!("see https://crates", ".io/crates/x"),
            concat!("cd /wo", "rk/main"),
            concat!("\"/tmp", "/hw/x\""),
            concat!("PATH=/ro", "ot/.cargo/bin"),
        ] {
            assert_eq!(check(&Tree::of(&[("a.txt", text)])).len(), 1, "{text}");
        }
    }

    #[test]
    fn relative_paths_and_the_lock_file_pass() {
        let tree = Tree::of(&[
            ("a.txt", concat!("src/wo", "rk/x.rs docs/ro", "ot/y, $DIR/wo", "rker")),
            ("Cargo.lock", concat!("github.com/rust-lang/crates", ".io-index")),
        ]);
        assert_eq!(check(&tree), []);
    }
}
