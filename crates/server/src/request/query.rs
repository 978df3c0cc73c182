//! The query of a read: `offset`, `live`, `cursor` and `records`. Other parameters belong to others and are ignored.

use std::borrow::Cow;

use crate::errors::Problem;

/// The parameters as they stand, percent-decoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query<'a> {
    pub(crate) offset: Option<Cow<'a, str>>,
    pub(crate) live: Option<Cow<'a, str>>,
    pub(crate) cursor: Option<Cow<'a, str>>,
    pub(crate) records: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    /// Takes the text after the question mark.
    pub(crate) fn parse(query: Option<&'a str>) -> Result<Self, Problem> {
        let mut parsed = Self::default();
        for (name, value) in pairs(query.unwrap_or_default()) {
            let slot = match name.as_ref() {
                "offset" => &mut parsed.offset,
                "live" => &mut parsed.live,
                "cursor" => &mut parsed.cursor,
                "records" => &mut parsed.records,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(Problem::invalid(format!("the parameter {name} may stand only once")));
            }
        }
        Ok(parsed)
    }
}

/// The parameters, decoded. Few queries hold anything that is encoded, and every read has one: those are taken as they stand.
fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    parts(query).filter(|part| !part.text.is_empty()).filter_map(Part::decoded)
}

/// The first of the parameters, as they stand, that means something to the caller.
pub(crate) fn first<T>(query: &str, meaning: impl FnMut(&str) -> Option<T>) -> Option<T> {
    parts(query).map(|part| part.text).find_map(meaning)
}

/// What stands between two ampersands.
struct Part<'a> {
    text: &'a str,
    /// Where its first equals sign is.
    equals: Option<usize>,
    /// Whether something in it is encoded.
    encoded: bool,
}

/// Bytes that say something in a query, by number. All are below 64.
const MARKS: u64 = 1 << b'&' | 1 << b'=' | 1 << b'%' | 1 << b'+';

/// What stands between ampersands. A query is short and looked through byte by byte, once: the library's searches are made for long texts.
fn parts(query: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some(query);
    std::iter::from_fn(move || {
        let query = rest?;
        let (mut end, mut equals, mut encoded) = (query.len(), None, false);
        for (at, byte) in query.bytes().enumerate() {
            if byte >= 64 || MARKS & (1 << byte) == 0 {
                continue;
            }
            match byte {
                b'&' => {
                    end = at;
                    break;
                }
                b'=' => equals = equals.or(Some(at)),
                _ => encoded = true,
            }
        }
        rest = query.get(end + 1..);
        Some(Part { text: query.get(..end)?, equals, encoded })
    })
}

impl<'a> Part<'a> {
    fn decoded(self) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        if self.encoded {
            return form_urlencoded::parse(self.text.as_bytes()).next();
        }
        let (name, value) = match self.equals {
            Some(at) => (self.text.get(..at)?, self.text.get(at + 1..)?),
            None => (self.text, ""),
        };
        Some((name.into(), value.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_those_of_a_form() {
        for query in [
            "",
            "&",
            "=",
            "&&a&=&=b&",
            "a=b=c&d==&e=%3D=f",
            "offset=0000000000000001_0000000000004000&live=long-poll",
            "offset=a+b&%6ffset=%zz&x=%&%26=%3d&\u{e4}=\u{f6}%C3%B6",
        ] {
            let form: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
            assert_eq!(pairs(query).collect::<Vec<_>>(), form, "{query}");
        }
    }

    #[test]
    fn known_parameters_are_taken_and_others_ignored() {
        let query = Query::parse(Some("x=1&offset=%2D1&&=&live=sse&cursor=7&a=b%zz")).unwrap();
        assert_eq!(query.offset.as_deref(), Some("-1"));
        assert_eq!(query.live.as_deref(), Some("sse"));
        assert_eq!(query.cursor.as_deref(), Some("7"));
        assert_eq!(Query::parse(None).unwrap(), Query::default());
        assert_eq!(Query::parse(Some("offset")).unwrap().offset.as_deref(), Some(""));
    }

    #[test]
    fn a_parameter_stands_once() {
        for twice in
            ["offset=a&offset=a", "live=sse&x&live=", "cursor=1&cursor=2", "offset&%6fffset"]
        {
            let problem = Query::parse(Some(twice)).unwrap_err();
            assert_eq!(problem.code.as_str(), "invalid_request", "{twice}");
        }
    }

    #[test]
    fn the_first_that_means_something_is_found_as_it_stands() {
        let meaning =
            |part: &str| matches!(part, "live=sse" | "live=long-poll").then(|| part.len());
        for (query, found) in [
            ("live=sse", Some(8)),
            ("offset=1&live=long-poll", Some(14)),
            ("offset=a=b%26&x&live=sse&live=long-poll", Some(8)),
            ("live=sse1&alive=sse&live%3Dsse&liv\u{e4}", None),
            ("&", None),
            ("", None),
        ] {
            assert_eq!(first(query, meaning), found, "{query}");
        }
    }
}
