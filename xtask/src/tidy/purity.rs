//! Core decides and nothing else: no clock, no randomness, no runtime, no I/O.
//!
//! Its whole dependency tree is looked at, not only what it names itself, and its sources for what
//! the standard library would let in.

use super::finding::Finding;
use super::tokens::{paths, tokens};
use super::tree::Tree;

/// Where core's sources lie.
const SOURCES: &str = "crates/core/src/";

/// Packages that bring in what core must not have; a `*` at the end stands for any ending.
const FOREIGN: &[&str] = &[
    "async-*",
    "chrono",
    "crossbeam*",
    "fastrand",
    "futures*",
    "getrandom",
    "h2",
    "http",
    "hyper*",
    "libc",
    "mio",
    "nats",
    "nix",
    "parking_lot*",
    "rand",
    "rand_*",
    "rustix",
    "signal-hook*",
    "sled",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio*",
    "tracing*",
    "uuid",
    "wasi*",
    "web-time",
    "winapi*",
    "windows*",
];

/// Paths of the standard library, with everything below them.
const EFFECTS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
];

/// Whole modules, whose import would hide what is used of them.
const DOORS: &[&str] = &["std", "std::*", "std::time", "std::time::self", "std::time::*"];

/// Macros that print.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found: Vec<_> = tree
        .core_needs
        .iter()
        .filter(|name| FOREIGN.iter().any(|pattern| is_like(name, pattern)))
        .map(|name| Finding::whole("crates/core", format!("its dependency tree holds {name}")))
        .collect();
    for file in tree.rust().filter(|file| file.path.starts_with(SOURCES)) {
        let tokens = tokens(&file.text);
        for (path, line) in paths(&tokens) {
            if is_effect(&path) {
                found.push(Finding::at(&file.path, line, format!("core must not use {path}")));
            }
        }
        for pair in tokens.windows(2) {
            if let [name, mark] = pair
                && mark.is('!')
                && name.word().is_some_and(|word| PRINTING.contains(&word))
            {
                found.push(Finding::at(&file.path, name.line, "core must not print"));
            }
        }
    }
    found
}

fn is_like(name: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn is_effect(path: &str) -> bool {
    let below =
        |effect: &&str| path.strip_prefix(*effect).is_some_and(|rest| rest.starts_with("::"));
    EFFECTS.contains(&path) || EFFECTS.iter().any(below) || DOORS.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::super::tree::names_in_cargo_tree;
    use super::*;

    #[test]
    fn a_foreign_package_deep_in_the_tree_is_found() {
        let text = "headwater-core v0.1.0 (crates/core)\nbytes v1.12.1\nthiserror v2.0.21\n";
        let tree = |text: &str| Tree { core_needs: names_in_cargo_tree(text), ..Tree::default() };
        assert_eq!(check(&tree(text)), []);
        for planted in ["tokio-util", "getrandom", "rand_core", "libc", "sled", "time"] {
            let found = check(&tree(&format!("{text}{planted} v1.0.0\n")));
            assert_eq!(found.len(), 1, "{planted}");
        }
    }

    #[test]
    fn effects_of_the_standard_library_are_found() {
        for source in [
            "fn f() { std::time::Instant::now(); }",
            "use std::time::{Duration, SystemTime};",
            "use std::time;",
            "use std::{collections::BTreeMap, fs};",
            "use std::net::IpAddr;",
            "fn f() { ::std::thread::yield_now(); }",
            "fn f() { println!(\"x\"); }",
        ] {
            let planted = Tree::of(&[("crates/core/src/a.rs", source)]);
            assert_eq!(check(&planted).len(), 1, "{source}");
            assert_eq!(check(&Tree::of(&[("crates/core/tests/a.rs", source)])), []);
        }
        let clean = "//! Not std::fs.\nuse std::time::Duration; use std::fmt; fn instant() {}";
        assert_eq!(check(&Tree::of(&[("crates/core/src/a.rs", clean)])), []);
    }
}
