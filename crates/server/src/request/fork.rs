//! The headers that make a PUT a fork.

use headwater_core::command::ForkRequest;
use headwater_core::{Code, Offset};
use http::HeaderMap;

use super::field::{canonical_number, single_text};
use crate::errors::Problem;
use crate::headers;
use crate::roots::StreamRoots;
use crate::router::key_of;

/// What is to be forked, and where.
pub(crate) fn parse(
    headers: &HeaderMap,
    roots: &StreamRoots,
) -> Result<Option<ForkRequest>, Problem> {
    let source = single_text(headers, &headers::FORKED_FROM)?;
    let offset = single_text(headers, &headers::FORK_OFFSET)?;
    let sub_offset = single_text(headers, &headers::FORK_SUB_OFFSET)?;
    let Some(source) = source else {
        return match (offset, sub_offset) {
            (None, None) => Ok(None),
            _ => Err(Problem::invalid(
                "Stream-Fork-Offset and Stream-Fork-Sub-Offset need Stream-Forked-From",
            )),
        };
    };
    let offset = offset.map(str::parse::<Offset>).transpose().map_err(|error| {
        Problem::new(Code::OffsetInvalid, format!("Stream-Fork-Offset: {error}"))
    })?;
    let sub_offset = match sub_offset {
        None => 0,
        Some(text) => canonical_number(text).ok_or_else(|| {
            Problem::invalid(
                "Stream-Fork-Sub-Offset must be a whole number in digits, without leading zeros",
            )
        })?,
    };
    Ok(Some(ForkRequest { source: source_key(source, roots)?, offset, sub_offset }))
}

/// The source is named as a request line would name it, without the origin, under any root.
fn source_key(path: &str, roots: &StreamRoots) -> Result<headwater_core::StreamKey, Problem> {
    match roots.strip(path) {
        Some(encoded) if !encoded.contains(['?', '#']) => Ok(key_of(encoded)?),
        _ => Err(Problem::invalid(format!(
            "Stream-Forked-From must be the path of a stream under {roots}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    const FROM: (&str, &str) = ("stream-forked-from", "/v1/stream/a/b%2Fc");
    const AT: (&str, &str) = ("stream-fork-offset", "0000000000000003_0000000000000007");

    fn parsed(fields: &[(&str, &str)]) -> Result<Option<ForkRequest>, Problem> {
        parse(&map(fields), &StreamRoots::new(["/v1/stream", "/streams"]).unwrap())
    }

    #[test]
    fn a_fork_names_its_source_like_a_request() {
        assert_eq!(parsed(&[]).unwrap(), None);
        let fork = parsed(&[FROM, AT, ("stream-fork-sub-offset", "2")]).unwrap().unwrap();
        assert_eq!(fork.source.path(), "a/b%2Fc");
        assert_eq!(fork.offset, Some(AT.1.parse().unwrap()));
        assert_eq!(fork.sub_offset, 2);
        let fork = parsed(&[("stream-forked-from", "/streams/a")]).unwrap().unwrap();
        assert_eq!(fork.source.path(), "a");
        let fork = parsed(&[FROM]).unwrap().unwrap();
        assert_eq!((fork.offset, fork.sub_offset), (None, 0));
    }

    #[test]
    fn everything_else_is_refused() {
        for (fields, code) in [
            (&[AT][..], "invalid_request"),
            (&[("stream-fork-sub-offset", "0")], "invalid_request"),
            (&[("stream-forked-from", "")], "invalid_request"),
            (&[("stream-forked-from", "a/b")], "invalid_request"),
            (&[("stream-forked-from", "/elsewhere/a")], "invalid_request"),
            (&[("stream-forked-from", "http://host/v1/stream/a")], "invalid_request"),
            (&[("stream-forked-from", "/v1/stream/a?offset=-1")], "invalid_request"),
            (&[("stream-forked-from", "/v1/stream/")], "invalid_name"),
            (&[("stream-forked-from", "/v1/stream/a/../b")], "invalid_name"),
            (&[FROM, FROM], "invalid_request"),
            (&[FROM, ("stream-fork-offset", "")], "offset_invalid"),
            (&[FROM, ("stream-fork-offset", "-1")], "offset_invalid"),
            (&[FROM, ("stream-fork-sub-offset", "")], "invalid_request"),
            (&[FROM, ("stream-fork-sub-offset", "05")], "invalid_request"),
            (&[FROM, ("stream-fork-sub-offset", "-1")], "invalid_request"),
        ] {
            assert_eq!(parsed(fields).unwrap_err().code.as_str(), code, "{fields:?}");
        }
    }
}
