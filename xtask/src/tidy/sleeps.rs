//! Tests wait for a condition with a deadline; they never sleep and hope.

use super::finding::Finding;
use super::tokens::{Token, paths, tokens};
use super::tree::{File, Tree};

/// Files whose tests may sleep, each with the reason.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/sse/tests/broker/gates.rs", "moves a paused clock, which takes no time"),
    ("crates/sse/tests/serve/body.rs", "moves a paused clock, which takes no time"),
    ("crates/sse/tests/serve/deadline.rs", "moves a paused clock, which takes no time"),
    ("crates/ws/tests/sockets/liveness.rs", "time is simulated, and goes on by sleeping"),
    (
        "crates/storage/src/testkit/conformance/several.rs",
        "looks again at what another handle commits, with a deadline",
    ),
    (
        "crates/storage/src/testkit/planted/writes.rs",
        "a planted fault: a unit becomes visible piece by piece, slowly enough to be seen",
    ),
    ("tests/src/wait.rs", "the helper that looks at a condition until a deadline"),
    ("xtask/src/bench/meter.rs", "looks at a process's time until it has grown, with a deadline"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    check_allowing(tree, ALLOWED)
}

fn check_allowing(tree: &Tree, allowed: &[(&str, &str)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.rust() {
        let sleeps = sleeps(file);
        if !allowed.iter().any(|(path, _)| *path == file.path) {
            found.extend(sleeps.into_iter().map(|(path, line)| {
                let message = format!("{path} in a test: wait for a condition instead");
                Finding::at(&file.path, line, message)
            }));
        }
    }
    for (path, reason) in allowed {
        if tree.file(path).is_none_or(|file| sleeps(file).is_empty()) {
            let message = format!("no longer sleeps ({reason}): strike it from the list");
            found.push(Finding::whole(path, message));
        }
    }
    found
}

/// All paths to a sleeping function in the file's test code.
fn sleeps(file: &File) -> Vec<(String, usize)> {
    let all = tokens(&file.text);
    let code = if is_test_file(&file.path) { vec![all.as_slice()] } else { test_modules(&all) };
    code.into_iter().flat_map(paths).filter(|(path, _)| is_sleep(path)).collect()
}

/// A bare `sleep` is left out: its import is found already.
fn is_sleep(path: &str) -> bool {
    path.rsplit_once("::").is_some_and(|(module, name)| {
        let module = module.rsplit("::").next().unwrap_or(module);
        matches!(module, "thread" | "time") && name.starts_with("sleep")
    })
}

/// Whether a file holds tests only, or the suites that adapters run as tests.
fn is_test_file(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|folder| matches!(folder, "tests" | "testkit"))
        || matches!(file, "tests.rs" | "testkit.rs")
        || file.ends_with("_tests.rs")
}

/// The insides of all `#[cfg(test)]` modules.
fn test_modules(tokens: &[Token]) -> Vec<&[Token]> {
    let mut found = Vec::new();
    for start in 0..tokens.len() {
        let Some(rest) = tokens.get(start..) else { continue };
        let Some(after) = after_cfg_test(rest) else { continue };
        // The attribute belongs to a module if `mod` comes before any other body.
        let Some(open) = after.iter().position(|token| token.is('{') || token.is(';')) else {
            continue;
        };
        let head = after.get(..open).unwrap_or_default();
        if head.iter().any(|token| token.word() == Some("mod")) {
            let body = after.get(open + 1..).unwrap_or_default();
            found.push(body.get(..end_of_body(body)).unwrap_or_default());
        }
    }
    found
}

/// What follows `#[cfg(test)]`, if that is what comes first.
fn after_cfg_test(tokens: &[Token]) -> Option<&[Token]> {
    let [hash, open, cfg, left, test, rest @ ..] = tokens else { return None };
    let is_it = hash.is('#')
        && open.is('[')
        && cfg.word() == Some("cfg")
        && left.is('(')
        && test.word() == Some("test");
    rest.get(2..).filter(|_| is_it)
}

fn end_of_body(body: &[Token]) -> usize {
    let mut depth = 1;
    for (index, token) in body.iter().enumerate() {
        depth += i32::from(token.is('{')) - i32::from(token.is('}'));
        if depth == 0 {
            return index;
        }
    }
    body.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, source: &str) -> usize {
        check_allowing(&Tree::of(&[(path, source)]), &[]).len()
    }

    #[test]
    fn sleeping_tests_are_found() {
        for source in [
            "fn f() { std::thread::sleep(D); }",
            "use std::{thread::{self, sleep}, time::Duration}; fn f() { sleep(D) }",
            "async fn f() { tokio::time::sleep_until(T).await }",
            "async fn f() { time::sleep(D).await }",
        ] {
            assert_eq!(faults("tests/tests/it/a.rs", source), 1, "{source}");
            assert_eq!(faults("crates/x/src/a/tests.rs", source), 1, "{source}");
            let module = format!("#[cfg(test)]\nmod tests {{ mod m {{}} {source} }}");
            assert_eq!(faults("crates/x/src/a.rs", &module), 1, "{source}");
            assert_eq!(faults("crates/x/src/a.rs", source), 0, "not a test: {source}");
        }
    }

    #[test]
    fn other_waiting_is_no_sleep() {
        let source = "fn f() { clock.sleep(D); wait::until(\"x\", c); let asleep = 1; }";
        assert_eq!(faults("tests/a.rs", source), 0);
        let before = "fn f() { std::thread::sleep(D); } #[cfg(test)] mod tests { fn g() {} }";
        assert_eq!(faults("crates/x/src/a.rs", before), 0);
    }

    #[test]
    fn the_list_of_exceptions_is_used_and_kept_short() {
        let allowed = [("tests/wait.rs", "helper")];
        let sleeping = Tree::of(&[("tests/wait.rs", "fn f() { std::thread::sleep(D); }")]);
        assert_eq!(check_allowing(&sleeping, &allowed), []);
        assert_eq!(check_allowing(&Tree::of(&[("tests/wait.rs", "")]), &allowed).len(), 1);
        assert_eq!(check_allowing(&Tree::of(&[]), &allowed).len(), 1);
    }
}
