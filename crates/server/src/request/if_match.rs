//! `If-Match` on an append: the stream as the caller saw it.

use headwater_core::Lineage;
use headwater_core::cache::{Ending, InvalidTag, StreamTag};
use headwater_core::command::Expect;
use http::HeaderMap;
use http::header::IF_MATCH;

use super::field::single_text;
use crate::errors::Problem;

/// The tag of no stream, because lineages count from 1. A well-formed tag that this server never wrote means
/// the same.
const NEVER: StreamTag = StreamTag { lineage: Lineage(0), tail: 0, ending: Ending::Open };

/// What the caller expects of the tail: one strong tag, or nothing.
pub(crate) fn parse(headers: &HeaderMap) -> Result<Expect, Problem> {
    let Some(value) = single_text(headers, &IF_MATCH)? else { return Ok(Expect::Anything) };
    match StreamTag::parse(value) {
        Ok(tag) => Ok(Expect::Tag(tag)),
        Err(InvalidTag) if is_strong_tag(value) => Ok(Expect::Tag(NEVER)),
        Err(error @ InvalidTag) => Err(Problem::invalid(error.to_string())),
    }
}

/// One entity tag in quotes, as HTTP defines it.
fn is_strong_tag(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().all(|byte| byte > b' ' && byte != b'"' && byte != 0x7F))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    #[test]
    fn one_strong_tag_and_nothing_else() {
        let of = |value: &str| parse(&map(&[("if-match", value)])).ok();
        let tag = StreamTag { lineage: Lineage(3), tail: 7, ending: Ending::Closed };
        assert_eq!(of("\"3:7:c\""), Some(Expect::Tag(tag)));
        for unknown in ["\"\"", "\"stale\"", "\"3:07\"", "\"a,b\"", "\"3:7:0\""] {
            assert_eq!(of(unknown), Some(Expect::Tag(NEVER)), "{unknown}");
        }
        for bad in [
            "*",
            "",
            "\"",
            "W/\"3:7\"",
            "\"a\", \"b\"",
            "\"a\",\"b\"",
            "3:7",
            "\"3:7\"x",
            "\"a b\"",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert_eq!(parse(&map(&[])).ok(), Some(Expect::Anything));
        assert!(parse(&map(&[("if-match", "\"3:7\""), ("if-match", "\"3:7\"")])).is_err());
    }
}
