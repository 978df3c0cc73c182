//! `If-None-Match`: the pages a client has.

use http::header::HeaderValue;

/// Whether any value of the header names this tag, or any tag at all by `*`. Weak tags count; what is no tag
/// names nothing. Our tags hold no comma, so a list divides at each.
pub(crate) fn names<'a>(
    values: impl IntoIterator<Item = &'a HeaderValue>,
    tag: &HeaderValue,
) -> bool {
    values.into_iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|one| {
            one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_weak_tags_and_any() {
        for (values, expected) in [
            (&["\"1:0:5\""][..], true),
            (&["W/\"1:0:5\""], true),
            (&["\"a\", \"1:0:5\""], true),
            (&["\"a\"", " W/\"1:0:5\" ,\"b\""], true),
            (&["*"], true),
            (&[], false),
            (&[""], false),
            (&["\"1:0:5:c\""], false),
            (&["1:0:5"], false),
            (&["w/\"1:0:5\""], false),
            (&["nonsense"], false),
        ] {
            let values: Vec<_> = values.iter().map(|v| HeaderValue::from_static(v)).collect();
            let tag = HeaderValue::from_static("\"1:0:5\"");
            assert_eq!(names(&values, &tag), expected, "{values:?}");
        }
    }
}
