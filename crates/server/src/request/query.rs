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
    parts(query).filter(|part| !part.is_empty()).filter_map(decoded)
}

/// Whether one of the parameters is this one, as it stands.
pub(crate) fn has(query: &str, parameter: &str) -> bool {
    parts(query).any(|part| part == parameter)
}

/// What stands between ampersands. A query is short, so it is looked through byte by byte: the library's searches are made for long texts.
fn parts(query: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(query);
    std::iter::from_fn(move || {
        let query = rest?;
        let end = query.bytes().position(|byte| byte == b'&').unwrap_or(query.len());
        rest = query.get(end + 1..);
        query.get(..end)
    })
}

fn decoded(part: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    if part.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return form_urlencoded::parse(part.as_bytes()).next();
    }
    let (name, value) = match part.bytes().position(|byte| byte == b'=') {
        Some(at) => (part.get(..at)?, part.get(at + 1..)?),
        None => (part, ""),
    };
    Some((name.into(), value.into()))
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
}
