//! A source file has one subject, and its length shows when it has more.

use super::finding::Finding;
use super::tree::Tree;

/// Longer files fail.
const MOST: usize = 700;

/// Longer files are warned of.
const LONG: usize = 500;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    longer_than(tree, MOST)
        .map(|(path, lines)| Finding::whole(path, format!("{lines} lines; at most {MOST}")))
        .collect()
}

/// Files that are near the limit.
pub(super) fn long_files(tree: &Tree) -> Vec<Finding> {
    longer_than(tree, LONG)
        .filter(|(_, lines)| *lines <= MOST)
        .map(|(path, lines)| Finding::whole(path, format!("{lines} lines; aim for under 200")))
        .collect()
}

fn longer_than(tree: &Tree, limit: usize) -> impl Iterator<Item = (&str, usize)> {
    tree.rust()
        .map(|file| (file.path.as_str(), file.text.lines().count()))
        .filter(move |(_, lines)| *lines > limit)
}

/// How long files are on the whole.
pub(super) fn summary(tree: &Tree) -> String {
    let mut lengths: Vec<_> = tree.rust().map(|file| file.text.lines().count()).collect();
    lengths.sort_unstable();
    let quantile = |percent: usize| {
        let rank = (lengths.len() * percent).div_ceil(100).max(1);
        lengths.get(rank - 1).copied().unwrap_or_default()
    };
    format!(
        "{} Rust files, {} lines: median {}, p90 {}, longest {}",
        lengths.len(),
        lengths.iter().sum::<usize>(),
        quantile(50),
        quantile(90),
        quantile(100)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_warned_of_and_a_longer_one_fails() {
        let text = |lines: usize| "\n".repeat(lines);
        let tree = Tree::of(&[
            ("a.rs", &text(701)),
            ("b.rs", &text(700)),
            ("c.rs", &text(500)),
            ("d.md", &text(2000)),
        ]);
        assert_eq!(check(&tree), [Finding::whole("a.rs", "701 lines; at most 700")]);
        assert_eq!(long_files(&tree), [Finding::whole("b.rs", "700 lines; aim for under 200")]);
    }

    #[test]
    fn the_summary_takes_quantiles_by_rank() {
        let texts: Vec<_> = (1..=10).map(|n| (format!("{n}.rs"), "\n".repeat(n * 10))).collect();
        let files: Vec<_> = texts.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        assert_eq!(
            summary(&Tree::of(&files)),
            "10 Rust files, 550 lines: median 50, p90 90, longest 100"
        );
    }
}
