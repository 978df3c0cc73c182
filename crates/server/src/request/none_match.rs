//! `If-None-Match`: the pages a client has.

use http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};

use super::field::has;

/// The header as it came.
#[derive(Debug, Default)]
pub(crate) struct KnownPages(Vec<HeaderValue>);

impl KnownPages {
    /// Copies what came, which is a part of a buffer that is used again. Most requests have none.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if !has(headers, &IF_NONE_MATCH) {
            return Self::default();
        }
        let values = headers.get_all(IF_NONE_MATCH).iter();
        Self(values.filter_map(|value| HeaderValue::from_bytes(value.as_bytes()).ok()).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any value of the header names this tag, or any tag at all by `*`. Weak tags count; what is no tag
    /// names nothing. Our tags hold no comma, so a list divides at each.
    pub(crate) fn names(&self, tag: &HeaderValue) -> bool {
        self.0.iter().filter_map(|value| value.to_str().ok()).any(|list| {
            list.split(',').map(str::trim).any(|one| {
                one == "*" || one.strip_prefix("W/").unwrap_or(one).as_bytes() == tag.as_bytes()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

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
            let fields: Vec<_> = values.iter().map(|value| ("if-none-match", *value)).collect();
            let known = KnownPages::of(&map(&fields));
            let tag = HeaderValue::from_static("\"1:0:5\"");
            assert_eq!(known.names(&tag), expected, "{known:?}");
        }
    }
}
