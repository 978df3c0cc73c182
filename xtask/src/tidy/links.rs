//! Every link from a Markdown file into the repository leads somewhere.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::finding::Finding;
use super::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let folders: BTreeSet<_> = tree.files.iter().flat_map(|file| ancestors(&file.path)).collect();
    let mut found = Vec::new();
    for file in markdown(tree) {
        for (target, line) in links(&file.text) {
            if let Err(why) = resolve(tree, &folders, file, &target) {
                found.push(Finding::at(&file.path, line, format!("link to {target}: {why}")));
            }
        }
    }
    found
}

fn markdown(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.path.ends_with(".md"))
}

/// All folders above a path.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(end, _)| path.get(..end))
}

fn resolve(
    tree: &Tree,
    folders: &BTreeSet<&str>,
    from: &File,
    target: &str,
) -> Result<(), &'static str> {
    let is_elsewhere = ["http://", "https://", "mailto:"].iter().any(|s| target.starts_with(s));
    if is_elsewhere {
        return Ok(());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if path.is_empty() {
        Some(from)
    } else {
        let path = join(&from.path, path).ok_or("outside the repository")?;
        if folders.contains(path.as_str()) || path.is_empty() {
            return Ok(());
        }
        tree.file(&path)
    };
    let file = file.ok_or("no such file")?;
    let is_found = anchor.is_empty()
        || !file.path.ends_with(".md")
        || headings(&file.text).iter().any(|heading| heading == anchor);
    if is_found { Ok(()) } else { Err("no such heading") }
}

/// The path of `target` as seen from the file `from`; none if it leads out of the repository.
fn join(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    (!target.starts_with('/')).then(|| parts.join("/"))
}

fn links(text: &str) -> Vec<(String, usize)> {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter();
    events
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let before = text.get(..range.start).unwrap_or_default();
                Some((dest_url.into_string(), before.matches('\n').count() + 1))
            }
            _ => None,
        })
        .collect()
}

/// The anchors of a file's headings, as code hosts make them.
fn headings(text: &str) -> Vec<String> {
    let mut headings = Vec::new();
    let mut current: Option<String> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => current = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => headings.extend(current.take().map(|h| anchor(&h))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut current {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    headings
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(link: &str) -> usize {
        let text = format!("# Title, `code` & more\n\nSee {link}\n");
        let files = [("docs/a.md", text.as_str()), ("README.md", "# Top"), ("src/x.rs", "")];
        check(&Tree::of(&files)).len()
    }

    #[test]
    fn good_links_pass() {
        for link in [
            "[x](../README.md)",
            "[x](../README.md#top)",
            "[x](#title-code--more)",
            "[x](../src)",
            "[x](../src/x.rs#L3)",
            "[x](https://example.org/none.md)",
            "`[x](none.md)`",
            "[x][r]\n\n[r]: ../README.md",
        ] {
            assert_eq!(faults(link), 0, "{link}");
        }
    }

    #[test]
    fn broken_links_are_found() {
        for link in [
            "[x](README.md)",
            "[x](../README.md#bottom)",
            "[x](#nowhere)",
            "[x](../../other/README.md)",
            "[x](/README.md)",
            "![x](picture.png)",
            "[x][r]\n\n[r]: none.md",
            "\n\n| a |\n|---|\n| [x](none.md) |\n",
        ] {
            assert_eq!(faults(link), 1, "{link}");
        }
    }
}
