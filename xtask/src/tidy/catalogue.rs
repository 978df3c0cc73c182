//! A newcomer finds every crate: in README's table and in the architecture page.

use super::finding::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for (page, table_only) in [("README.md", true), ("ARCHITECTURE.md", false)] {
        let Some(file) = tree.file(page) else {
            found.push(Finding::whole(page, "is missing"));
            continue;
        };
        for package in tree.crates() {
            let mut lines =
                file.text.lines().filter(|line| !table_only || line.trim_start().starts_with('|'));
            if !lines.any(|line| line.contains(&package.name) || names(line, &package.folder)) {
                let place = if table_only { "its table of crates" } else { "its text" };
                let message = format!("{} is not in {place}", package.name);
                found.push(Finding::whole(page, message));
            }
        }
    }
    found
}

/// Whether the line names this folder, and not only one whose name goes on.
fn names(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let after = line.get(at + folder.len()..).and_then(|after| after.chars().next());
        after.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree::Package;
    use super::*;

    fn faults(readme: &str, architecture: &str) -> usize {
        let mut tree = Tree::of(&[("README.md", readme), ("ARCHITECTURE.md", architecture)]);
        tree.packages = vec![Package::of("crates/core", &[])];
        check(&tree).len()
    }

    #[test]
    fn a_crate_that_no_page_names_is_found() {
        assert_eq!(faults("| `crates/core` | rules |", "See `headwater-core`."), 0);
        assert_eq!(faults("About crates/core.", "crates/core"), 1, "not in a table");
        assert_eq!(faults("| crates/core |", "nothing"), 1);
        assert_eq!(faults("| crates/corex |", "crates/core-y"), 2);
        assert_eq!(check(&Tree::of(&[])).len(), 2, "no pages");
    }
}
