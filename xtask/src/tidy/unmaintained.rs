//! Nobody looks after some packages any more. None of them is built in without a reason, and no reason outlives its
//! package.
//!
//! The advisory database of the Rust project can't be asked at every run, so `unmaintained.toml` has the names: those the database
//! had on the day that stands there, and those that we know of ourselves. A package that is one of them needs an
//! entry that says why it is still here and what takes its place.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::finding::Finding;
use super::policy::{self, Policy};
use super::tree::Tree;

/// The list.
const FILE: &str = "unmaintained.toml";

/// What advisories of the database are called.
const ADVISORY: &str = "RUSTSEC-";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    kept: Vec<Kept>,
    /// Names, each with its advisory or with how we know.
    known: BTreeMap<String, String>,
}

/// A package that is used all the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    #[serde(rename = "crate")]
    package: String,
    /// Which of our dependencies brings it.
    through: String,
    /// Why that is borne.
    reason: String,
    /// What takes its place, and when.
    until: String,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.file(FILE) else { return vec![Finding::whole(FILE, "is missing")] };
    let list: List = match toml::from_str(&file.text) {
        Ok(list) => list,
        Err(error) => return vec![Finding::whole(FILE, error.to_string())],
    };
    let mut found = Vec::new();
    unexplained(&list, tree, &mut found);
    outlived(&list, tree, &mut found);
    // Where the file is missing, the rule about it says so.
    if let Ok(policy) = Policy::of(tree) {
        ignored(&list, &policy, &mut found);
    }
    found
}

/// What is known to be unmaintained, is built in, and has no entry.
fn unexplained(list: &List, tree: &Tree, found: &mut Vec<Finding>) {
    for package in &tree.locked {
        let known = list.known.iter().find(|(name, _)| package.is(name));
        let kept = list.kept.iter().any(|kept| package.is(&kept.package));
        match known {
            Some((_, how)) if !kept => {
                let message = format!(
                    "{package} is not maintained ({how}): replace it, or say in {FILE} why it stays"
                );
                found.push(Finding::whole("Cargo.lock", message));
            }
            None if kept => {
                let message =
                    format!("{package} is kept, and nothing says that it is not maintained");
                found.push(Finding::whole(FILE, message));
            }
            _ => {}
        }
    }
}

/// Entries that say nothing, or about nothing.
fn outlived(list: &List, tree: &Tree, found: &mut Vec<Finding>) {
    for Kept { package, through, reason, until } in &list.kept {
        if [through, reason, until].iter().any(|text| text.trim().is_empty()) {
            let message = format!("{package}: through, reason and until must say something");
            found.push(Finding::whole(FILE, message));
        }
        let built_in = |name: &String| tree.locked.iter().any(|locked| locked.is(name));
        if !built_in(package) {
            found.push(Finding::whole(FILE, format!("{package} is not built in any more")));
        } else if !built_in(through) {
            let message = format!("{package} cannot come through {through}, which is not built in");
            found.push(Finding::whole(FILE, message));
        }
    }
}

/// `cargo deny` has to know the same advisories as accepted, and no others.
fn ignored(list: &List, policy: &Policy, found: &mut Vec<Finding>) {
    let accepted: Vec<_> = list
        .kept
        .iter()
        .filter_map(|kept| {
            let name = kept.package.split('@').next()?;
            list.known.get(name).filter(|how| how.starts_with(ADVISORY))
        })
        .collect();
    let ignored: Vec<_> = policy.advisories.ignore.iter().map(|ignored| &ignored.id).collect();
    for id in accepted.iter().filter(|id| !ignored.contains(id)) {
        found.push(Finding::whole(policy::FILE, format!("{id} is kept, and not ignored here")));
    }
    for id in ignored.iter().filter(|id| !accepted.contains(id)) {
        found.push(Finding::whole(policy::FILE, format!("{id} is ignored, and not in {FILE}")));
    }
}

#[cfg(test)]
mod tests {
    use super::super::locked::Locked;
    use super::*;

    const LIST: &str = r#"
[[kept]]
crate = "old@1.0.0"
through = "user"
reason = "r"
until = "u"
[known]
"old@1" = "superseded"
dusty = "RUSTSEC-2000-0001"
"#;

    const KEEPING_DUSTY: &str =
        "[[kept]]\ncrate = \"dusty\"\nthrough = \"user\"\nreason = \"r\"\nuntil = \"u\"\n";

    fn policy(ignored: &str) -> String {
        format!(
            "[graph]\nall-features = true\n[advisories]\nignore = [{ignored}]\n\
             [licenses]\nallow = []\nunused-allowed-license = \"deny\"\n\
             [bans]\nmultiple-versions = \"deny\"\nwildcards = \"deny\"\nallow-wildcard-paths = true\ndeny = []\nskip = []\n\
             [sources]\nunknown-registry = \"deny\"\nunknown-git = \"deny\"\n"
        )
    }

    fn faults(list: &str, ignored: &str, packages: &[&str]) -> Vec<String> {
        let mut tree = Tree::of(&[(FILE, list), (policy::FILE, &policy(ignored))]);
        tree.locked = packages.iter().map(|package| Locked::of(package, "MIT")).collect();
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_explained_passes() {
        let there = ["old@1.0.0", "old@2.0.0", "user@1.0.0"];
        assert_eq!(faults(LIST, "", &there), Vec::<String>::new());
        let list = format!("{KEEPING_DUSTY}{LIST}");
        let ignored = "{ id = \"RUSTSEC-2000-0001\", reason = \"r\" }";
        let there = ["old@1.0.0", "user@1.0.0", "dusty@3.0.0"];
        assert_eq!(faults(&list, ignored, &there), Vec::<String>::new());
    }

    #[test]
    fn planted_faults_are_found() {
        let there = ["old@1.0.0", "user@1.0.0"];
        for (list, packages, word) in [
            (
                LIST.to_owned(),
                &["old@1.0.0", "user@1.0.0", "dusty@3.0.0"][..],
                "dusty@3.0.0 is not maintained",
            ),
            (
                LIST.to_owned(),
                &["old@1.0.0", "old@1.1.0", "user@1.0.0"],
                "old@1.1.0 is not maintained",
            ),
            (LIST.to_owned(), &["old@2.0.0", "user@1.0.0"], "old@1.0.0 is not built in any more"),
            (LIST.to_owned(), &["old@1.0.0"], "cannot come through user"),
            (LIST.replace("\"u\"", "\" \""), &there, "must say something"),
            (LIST.replace("reason = \"r\"", "reason = \"\""), &there, "must say something"),
            (LIST.replace("reason = \"r\"\n", ""), &there, "missing field"),
            (LIST.replace("\"old@1\" = \"superseded\"\n", ""), &there, "nothing says"),
            (LIST.replace("[known]", "[knwon]"), &there, "unknown field"),
        ] {
            let found = faults(&list, "", packages);
            assert!(matches!(&found[..], [one] if one.contains(word)), "{word}: {found:?}");
        }
        let dusty = ["old@1.0.0", "user@1.0.0", "dusty@3.0.0"];
        let found = faults(&format!("{KEEPING_DUSTY}{LIST}"), "", &dusty);
        assert!(matches!(&found[..], [one] if one.contains("not ignored")), "{found:?}");
        let found = faults(LIST, "{ id = \"RUSTSEC-2000-0002\", reason = \"r\" }", &there);
        assert!(matches!(&found[..], [one] if one.contains("not in unmaintained")), "{found:?}");
        assert_eq!(check(&Tree::default()).len(), 1, "no file");
    }
}
