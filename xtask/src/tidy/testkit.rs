//! Fault-injecting code is for tests and never gets into the binary.

use super::finding::Finding;
use super::tree::Tree;

/// The feature that such code is behind, in every crate that has some.
const FEATURE: &str = "/testkit";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let planted = tree.server_features.iter().filter(|feature| feature.ends_with(FEATURE));
    planted
        .map(|feature| Finding::whole("crates/server", format!("its binary holds {feature}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::features_in_cargo_tree;
    use super::*;

    #[test]
    fn a_testkit_in_the_binary_is_found() {
        let tree = |features: &str| {
            let text = format!(
                "headwater-server v0.1.0 (x)|\nheadwater-storage v0.1.0 (y)|{features} (*)\n"
            );
            Tree { server_features: features_in_cargo_tree(&text), ..Tree::default() }
        };
        assert_eq!(check(&tree("default,sled")), []);
        assert_eq!(check(&tree("sled,testkit")).len(), 1);
        assert_eq!(check(&tree("testkit")).len(), 1);
    }
}
