//! The house rules that no compiler knows, each in a module of its own with a planted fault.
//!
//! A rule looks at a [`Tree`], the repository as git sees it, and returns [`Finding`]s. Rules know
//! nothing of each other, and none of them changes a file.

mod catalogue;
mod dependencies;
mod finding;
mod layers;
mod leftovers;
mod length;
mod links;
mod locked;
mod manifests;
mod places;
mod policy;
mod purity;
mod sleeps;
mod testkit;
mod tokens;
mod toolchain;
mod tree;
mod unmaintained;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

use finding::Finding;
use tree::Tree;

type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("file length", length::check),
    ("layers", layers::check),
    ("dependencies", dependencies::check),
    ("purity of core", purity::check),
    ("testkit", testkit::check),
    ("leftovers", leftovers::check),
    ("sleeping tests", sleeps::check),
    ("manifests", manifests::check),
    ("toolchain", toolchain::check),
    ("links", links::check),
    ("hosts and paths", places::check),
    ("crate catalogue", catalogue::check),
    ("dependency policy", policy::check),
    ("unmaintained crates", unmaintained::check),
];

/// Applies every rule; fails when any of them finds something.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let tree = Tree::load(workspace)?;
    let mut total = 0;
    for (name, rule) in RULES {
        let found = rule(&tree);
        for finding in &found {
            println!("{name}: {finding}");
        }
        total += found.len();
    }
    length::long_files(&tree).iter().for_each(|warning| println!("warning: {warning}"));
    println!("{}", length::summary(&tree));
    println!("{} rules, {} files, {total} findings", RULES.len(), tree.files.len());
    if total > 0 {
        bail!("the house rules are broken in {total} places");
    }
    Ok(())
}
