//! POST under `__ds/truncate/`: a stream gives up what lies before an offset.

use headwater_core::{Offset, StreamKey};
use http::StatusCode;
use http::request::Parts;
use http_body::Body;

use crate::app::App;
use crate::errors::Problem;
use crate::request::query::Query;
use crate::request::read::token;
use crate::response::{self, Reply, put_earliest_offset, put_next_offset};

pub(crate) async fn truncate(
    app: &App,
    key: &StreamKey,
    parts: &Parts,
    body: Option<&mut impl Body>,
) -> Result<Reply, Problem> {
    let offset = before(parts.uri.query())?;
    if body.is_some_and(|body| !body.is_end_stream()) {
        return Err(Problem::invalid("a truncation has no body"));
    }
    let state = app.engine.truncate(key, offset).await?;
    let mut reply = response::empty(StatusCode::NO_CONTENT);
    put_earliest_offset(reply.headers_mut(), &state);
    put_next_offset(reply.headers_mut(), state.tail_offset());
    Ok(reply)
}

/// The offset up to which everything is given up: a token, because nothing else names the same place twice.
fn before(query: Option<&str>) -> Result<Offset, Problem> {
    let offset = Query::parse(query)?.offset;
    token(&offset.ok_or_else(|| Problem::invalid("a truncation needs an offset"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncation_names_a_place_by_its_token() {
        let given = "0000000000000003_0000000000000007";
        assert_eq!(before(Some(&format!("offset={given}"))).unwrap().to_string(), given);
        for (query, code) in [
            (None, "invalid_request"),
            (Some("x=1"), "invalid_request"),
            (Some("offset=-1&offset=-1"), "invalid_request"),
            (Some("offset="), "offset_invalid"),
            (Some("offset=-1"), "offset_invalid"),
            (Some("offset=now"), "offset_invalid"),
            (Some("offset=last:1"), "offset_invalid"),
        ] {
            assert_eq!(before(query).unwrap_err().code.as_str(), code, "{query:?}");
        }
    }
}
