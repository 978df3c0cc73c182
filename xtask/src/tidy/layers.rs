//! Which crate may know which: the layers of the architecture, arrows pointing downwards only.

use super::finding::Finding;
use super::tree::{Need, Tree};

/// A crate's place in the architecture.
struct Layer {
    /// Its folder.
    folder: &'static str,
    /// The members it may depend on.
    knows: &'static [&'static str],
    /// The members that its tests may know besides.
    tests_know: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer { folder: "crates/core", knows: &[], tests_know: &[] },
    Layer { folder: "crates/fanout", knows: &[], tests_know: &[] },
    Layer { folder: "crates/sse", knows: &["headwater-fanout"], tests_know: &[] },
    Layer { folder: "crates/ws", knows: &["headwater-fanout"], tests_know: &[] },
    Layer { folder: "crates/storage", knows: &["headwater-core"], tests_know: &[] },
    Layer {
        folder: "crates/engine",
        knows: &["headwater-core", "headwater-sse"],
        tests_know: &["headwater-storage"],
    },
    Layer {
        folder: "crates/server",
        knows: &["headwater-core", "headwater-storage", "headwater-engine", "headwater-sse"],
        tests_know: &[],
    },
    Layer { folder: "crates/client", knows: &["headwater-core", "headwater-sse"], tests_know: &[] },
    Layer { folder: "xtask", knows: &[], tests_know: &[] },
    Layer { folder: "xtask/peers", knows: &["headwater-sse", "headwater-ws"], tests_know: &[] },
    Layer {
        folder: "tests",
        knows: &[],
        tests_know: &[
            "headwater-core",
            "headwater-storage",
            "headwater-engine",
            "headwater-sse",
            "headwater-client",
        ],
    },
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for package in &tree.packages {
        let Some(layer) = LAYERS.iter().find(|layer| layer.folder == package.folder) else {
            found.push(Finding::whole(&package.folder, "has no layer: add it to the table"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.member) {
            let name = dependency.name.as_str();
            let by_tests = dependency.need == Need::Tests && layer.tests_know.contains(&name);
            // A crate may use its own features in its tests.
            let own = dependency.need == Need::Tests && name == package.name;
            if !layer.knows.contains(&name) && !by_tests && !own {
                let message = format!("must not know {name}");
                found.push(Finding::whole(&package.folder, message));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::Package;
    use super::*;

    fn faults(folder: &str, dependencies: &[(&str, Need)]) -> usize {
        let packages = vec![Package::of(folder, dependencies)];
        check(&Tree { packages, ..Tree::default() }).len()
    }

    #[test]
    fn arrows_point_downwards_only() {
        for (folder, dependency, need, expected) in [
            ("crates/storage", "headwater-core", Need::Always, 0),
            ("crates/core", "headwater-storage", Need::Always, 1),
            ("crates/core", "headwater-storage", Need::Tests, 1),
            ("crates/sse", "headwater-core", Need::Always, 1),
            ("crates/ws", "headwater-core", Need::Always, 1),
            ("crates/client", "headwater-engine", Need::Always, 1),
            ("crates/client", "headwater-server", Need::Tests, 1),
            ("crates/engine", "headwater-storage", Need::Always, 1),
            ("crates/engine", "headwater-storage", Need::Tests, 0),
            ("crates/storage", "headwater-storage", Need::Tests, 0),
            ("crates/core", "bytes", Need::Always, 0),
            ("crates/new", "bytes", Need::Always, 1),
        ] {
            assert_eq!(faults(folder, &[(dependency, need)]), expected, "{folder} {dependency}");
        }
    }
}
