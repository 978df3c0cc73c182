//! What `deny.toml` says of the packages we build from holds, also where `cargo deny` is not installed.
//!
//! The file is that tool's own, and every line of it is enforced here: a key that this rule does not know is a finding, so
//! that nothing stands there which nobody checks. The rooms: `licences`, `bans`, `sources`. Advisories need a database;
//! what can be said without one is in `unmaintained`.

mod bans;
mod licences;
mod sources;

use serde::Deserialize;

use super::finding::Finding;
use super::tree::Tree;

/// The file.
pub(super) const FILE: &str = "deny.toml";

/// Where packages come from unless the file allows others: cargo's default registry. Written apart, because no file names its
/// host.
pub(super) const REGISTRY: &str =
    concat!("registry+https://github.com/rust-lang/crates", ".io-index");

/// The file, as that tool reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    graph: Graph,
    pub(super) advisories: Advisories,
    licenses: licences::Licences,
    bans: bans::Bans,
    sources: sources::Sources,
}

/// What is looked at. `cargo metadata` is asked for the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Graph {
    all_features: bool,
}

/// What is known and accepted of advisories.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advisories {
    pub(super) ignore: Vec<Ignored>,
}

/// An advisory that is known and accepted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ignored {
    pub(super) id: String,
    reason: String,
}

/// The only severity that is used: what is not enforced is left out.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Deny,
}

impl Policy {
    /// Reads the file.
    pub(super) fn of(tree: &Tree) -> Result<Self, Finding> {
        let Some(file) = tree.file(FILE) else { return Err(Finding::whole(FILE, "is missing")) };
        toml::from_str(&file.text).map_err(|error| Finding::whole(FILE, error.to_string()))
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let policy = match Policy::of(tree) {
        Ok(policy) => policy,
        Err(finding) => return vec![finding],
    };
    let mut found = Vec::new();
    if !policy.graph.all_features {
        found.push(Finding::whole(FILE, "all-features is not true: not all is looked at"));
    }
    for ignored in policy.advisories.ignore.iter().filter(|ignored| is_blank(&ignored.reason)) {
        found.push(Finding::whole(FILE, format!("{} is ignored without a reason", ignored.id)));
    }
    policy.licenses.check(tree, &mut found);
    policy.bans.check(tree, &mut found);
    policy.sources.check(tree, &mut found);
    found
}

fn is_blank(reason: &str) -> bool {
    reason.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::locked::Locked;
    use super::*;

    const GOOD: &str = r#"
[graph]
all-features = true
[advisories]
ignore = [{ id = "RUSTSEC-2000-0001", reason = "r" }]
[licenses]
allow = ["MIT", "Zlib"]
unused-allowed-license = "deny"
[bans]
multiple-versions = "deny"
wildcards = "deny"
allow-wildcard-paths = true
deny = [{ crate = "evil", reason = "r" }, { crate = "bad", use-instead = "good", reason = "r" }]
skip = [{ crate = "old@1.0.0", reason = "r" }]
[sources]
unknown-registry = "deny"
unknown-git = "deny"
"#;

    const ROOT: &str = "[workspace.dependencies]\na = \"1\"\nb = { version = \"1\" }\n";

    fn faults(policy: &str, root: &str, change: impl FnOnce(&mut Vec<Locked>)) -> Vec<String> {
        let mut tree = Tree::of(&[(FILE, policy), ("Cargo.toml", root)]);
        tree.locked = vec![
            Locked::of("a@1.0.0", "MIT OR Apache-2.0"),
            Locked::of("b@1.0.0", "Apache-2.0/MIT"),
            Locked::of("old@1.0.0", "Zlib AND MIT"),
            Locked::of("old@2.0.0", "MIT"),
        ];
        change(&mut tree.locked);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tree_that_keeps_to_the_file_passes() {
        assert_eq!(faults(GOOD, ROOT, |_| {}), Vec::<String>::new());
        let own = |locked: &mut Vec<Locked>| {
            locked.push(Locked { source: None, member: true, ..Locked::of("own@0.1.0", "MIT") });
        };
        assert_eq!(faults(GOOD, ROOT, own), Vec::<String>::new());
    }

    #[test]
    fn planted_packages_are_found() {
        type Plant = fn() -> Locked;
        let plants: [(Plant, &str); 10] = [
            (|| Locked::of("x@1.0.0", "GPL-3.0-only"), "GPL-3.0-only"),
            (|| Locked::of("x@1.0.0", "MIT AND Apache-2.0"), "MIT AND Apache-2.0"),
            (|| Locked::of("x@1.0.0", "MIT OR Apache-2.0 WITH"), "licence"),
            (|| Locked { license: None, ..Locked::of("x@1.0.0", "") }, "no licence"),
            (|| Locked { source: None, ..Locked::of("x@1.0.0", "MIT") }, "outside"),
            (
                || Locked {
                    source: Some("git+https://example.com/x?rev=1#1".to_owned()),
                    ..Locked::of("x@1.0.0", "MIT")
                },
                "git+",
            ),
            (
                || Locked {
                    source: Some("registry+https://example.com/index".to_owned()),
                    ..Locked::of("x@1.0.0", "MIT")
                },
                "example.com",
            ),
            (|| Locked::of("evil@9.0.0", "MIT"), "banned"),
            (|| Locked::of("bad@9.0.0", "MIT"), "good"),
            (|| Locked::of("a@2.0.0", "MIT"), "2 versions"),
        ];
        for (plant, word) in plants {
            let found = faults(GOOD, ROOT, |locked| locked.push(plant()));
            assert!(matches!(&found[..], [one] if one.contains(word)), "{word}: {found:?}");
        }
    }

    #[test]
    fn planted_lines_are_found() {
        for (from, to, count) in [
            ("all-features = true", "all-features = false", 1),
            ("all-features = true", "all-features = true\ntargets = []", 1),
            ("\"MIT\", \"Zlib\"", "\"MIT\", \"Zlib\", \"ISC\"", 1),
            ("\"MIT\", \"Zlib\"", "\"MIT\"", 1),
            ("\"MIT\", \"Zlib\"", "\"MIT\", \"Zlib\", \"no such\"", 1),
            ("unused-allowed-license = \"deny\"", "unused-allowed-license = \"warn\"", 1),
            ("wildcards = \"deny\"\n", "", 1),
            ("skip = [{ crate = \"old@1.0.0\", reason = \"r\" }]", "skip = []", 1),
            ("old@1.0.0\", reason = \"r\"", "old@1.0.0\", reason = \" \"", 1),
            // Neither there nor needed, and what is there is not covered.
            ("old@1.0.0", "old@1.5.0", 2),
            ("old@1.0.0", "a@1.0.0", 2),
            ("id = \"RUSTSEC-2000-0001\", reason = \"r\"", "id = \"R\", reason = \"\"", 1),
            ("\"evil\", reason = \"r\"", "\"evil\", reason = \"\"", 1),
            ("\"evil\", reason = \"r\"", "\"evil\"", 1),
            ("unknown-git = \"deny\"", "unknown-git = \"allow\"", 1),
            ("[sources]", "[surces]", 1),
        ] {
            let policy = GOOD.replace(from, to);
            assert_ne!(policy, GOOD, "{from}");
            let found = faults(&policy, ROOT, |_| {});
            assert_eq!(found.len(), count, "{to}: {found:?}");
        }
        for root in [
            "[workspace.dependencies]\na = \"*\"\n",
            "[workspace.dependencies]\na = { version = \"*\" }\n",
        ] {
            assert_eq!(faults(GOOD, root, |_| {}).len(), 1, "{root}");
        }
        assert_eq!(check(&Tree::default()).len(), 1, "no file");
    }
}
