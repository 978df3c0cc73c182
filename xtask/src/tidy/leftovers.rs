//! Nothing half-done and no test that does not test.

use super::finding::Finding;
use super::tokens::{Token, tokens};
use super::tree::{File, Tree};

/// Notes about work not done. Written apart, because this file is looked at too.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Macros that stand for code that is not there.
const HOLES: &[&str] = &["todo", "unimplemented"];

/// Files that others' programs write.
const GENERATED: &[&str] = &["Cargo.lock", "package-lock.json"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &tree.files {
        if GENERATED.iter().any(|name| file.path.ends_with(name)) {
            continue;
        }
        notes(file, &mut found);
        if file.path.ends_with(".rs") {
            code(file, &mut found);
        }
    }
    found
}

fn notes(file: &File, found: &mut Vec<Finding>) {
    let is_rust = file.path.ends_with(".rs");
    for (number, line) in (1..).zip(file.text.lines()) {
        // In Rust, notes are comments; the same letters in a string are data.
        let comment = ["//", "/*"].iter().filter_map(|mark| line.find(mark)).min();
        let said = if is_rust { comment.and_then(|at| line.get(at..)) } else { Some(line) };
        let words = said.unwrap_or_default().split(|c: char| !c.is_alphanumeric() && c != '_');
        for word in words.filter(|word| NOTES.contains(word)) {
            found.push(Finding::at(&file.path, number, format!("a note {word}")));
        }
        let is_doc = file.path.ends_with(".md") || (is_rust && comment.is_some());
        if let Some((_, info)) = line.split_once("```")
            && is_doc
            && info.split(',').any(|flag| matches!(flag.trim(), "ignore" | "should_panic"))
        {
            found.push(Finding::at(&file.path, number, "a doc test that is not run"));
        }
    }
}

fn code(file: &File, found: &mut Vec<Finding>) {
    let tokens = tokens(&file.text);
    for window in tokens.windows(2) {
        let [first, second] = window else { continue };
        let Some(word) = first.word() else { continue };
        if HOLES.contains(&word) && second.is('!') {
            found.push(Finding::at(&file.path, first.line, format!("{word}!")));
        }
        if word == "should_panic" {
            let message = "should_panic: catch the panic and look at it, or return an error";
            found.push(Finding::at(&file.path, first.line, message));
        }
    }
    for (line, attribute) in attributes(&tokens) {
        let mut words = attribute.iter().filter_map(Token::word);
        let ignores = match words.next() {
            Some("ignore") => true,
            Some("cfg_attr") => words.any(|word| word == "ignore"),
            _ => false,
        };
        if ignores {
            found.push(Finding::at(&file.path, line, "a test that is not run"));
        }
    }
}

/// The lines and contents of all attributes.
fn attributes(tokens: &[Token]) -> impl Iterator<Item = (usize, &[Token])> {
    tokens.windows(2).enumerate().filter_map(|(start, window)| match window {
        [hash, open] if hash.is('#') && open.is('[') => {
            let inside = tokens.get(start + 2..)?;
            let end = inside.iter().position(|token| token.is(']'))?;
            Some((hash.line, inside.get(..end)?))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_leftovers_are_found() {
        for source in [
            concat!("// TO", "DO: later"),
            concat!("//! FIX", "ME(me)"),
            "fn f() { todo!() }",
            "fn f() { unimplemented!(\"x\") }",
            "#[test] #[ignore] fn f() {}",
            "#[ignore = \"slow\"] fn f() {}",
            "#[cfg_attr(miri, ignore)] fn f() {}",
            "#[should_panic(expected = \"x\")] fn f() {}",
            "/// ```ignore\n/// x\n/// ```\nfn f() {}",
        ] {
            assert_eq!(check(&Tree::of(&[("a.rs", source)])).len(), 1, "{source}");
        }
        assert_eq!(check(&Tree::of(&[("a.md", concat!("a TO", "DO"))])).len(), 1);
    }

    #[test]
    fn talk_about_leftovers_is_none() {
        for source in [
            "//! Never todo!() nor #[ignore].\nfn ignore() { let todo = \"todo!()\"; }",
            concat!("fn f() { let data = \"XX", "X\"; }"),
        ] {
            assert_eq!(check(&Tree::of(&[("a.rs", source)])), [], "{source}");
        }
        assert_eq!(check(&Tree::of(&[("package-lock.json", concat!("XX", "X"))])), []);
    }
}
