//! Compares printed lines with shown lines, where `...` stands for anything.

/// What stands for any text in a line, or alone on a line for any number of lines.
const ANY: &str = "...";

/// Whether `printed` as a whole is what `shown` says.
pub(super) fn matches(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == ANY => {
            (0..=printed.len()).any(|skip| printed.get(skip..).is_some_and(|p| matches(rest, p)))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, left)| line_matches(first, line) && matches(rest, left)),
    }
}

/// Whether some first lines of `printed` are what `shown` says.
pub(super) fn matches_start(shown: &[String], printed: &[&str]) -> bool {
    (0..=printed.len()).any(|count| printed.get(..count).is_some_and(|p| matches(shown, p)))
}

fn line_matches(shown: &str, printed: &str) -> bool {
    let Some((first, rest)) = shown.split_once(ANY) else { return shown == printed };
    let Some(mut left) = printed.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once(ANY).unwrap_or(("", rest));
    for part in middle.split(ANY) {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn check(shown: &str, printed: &str) -> bool {
        matches(&lines(shown), &printed.lines().collect::<Vec<_>>())
    }

    #[test]
    fn dots_stand_for_anything_and_nothing_else_does() {
        for (shown, printed, expected) in [
            ("a\nb", "a\nb", true),
            ("a\nb", "a", false),
            ("a", "a\nb", false),
            ("a\n...", "a\nb\nc", true),
            ("...\nc", "a\nb\nc", true),
            ("...\nc", "a\nb\nd", false),
            ("...", "", true),
            ("x-...: ...!", "x-1: hello!", true),
            ("x-...: ...!", "x-1: hello?", false),
            ("ab...ba", "aba", false),
            ("", "", true),
        ] {
            assert_eq!(check(shown, printed), expected, "{shown:?} against {printed:?}");
        }
    }

    #[test]
    fn a_start_may_be_followed_by_anything() {
        let shown = lines("a\n...\nc");
        assert!(matches_start(&shown, &["a", "b", "c", "d"]));
        assert!(!matches_start(&shown, &["a", "b"]));
    }
}
