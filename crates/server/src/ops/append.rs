//! POST: append records, close the stream, or both at once.

use bytes::Bytes;
use headwater_core::command::{Append, Body};
use headwater_core::decide::{Appended, Freshness};
use headwater_core::{ContentType, StreamKey};
use headwater_engine::Reservation;
use http::StatusCode;
use http::request::Parts;
use hyper::body::Incoming;

use super::framing;
use crate::app::App;
use crate::errors::Problem;
use crate::headers;
use crate::request::append::AppendHead;
use crate::request::{body, field};
use crate::response::{self, Reply, number, put_closed, put_next_offset, put_stream_tag};

pub(crate) async fn append(
    app: &App,
    key: &StreamKey,
    parts: Parts,
    incoming: &mut Incoming,
) -> Result<Reply, Problem> {
    let head = AppendHead::parse(&parts.headers)?;
    let content_type = field::content_type(&parts.headers);
    drop(parts);
    let mut held = app.engine.reserve(key);
    let bytes = body::read(incoming, app.body_bounds(), &mut held).await?;
    app.metrics.received.increment(bytes.len() as u64);
    let wrote = if bytes.is_empty() { Wrote::Nothing } else { Wrote::Records };
    let (content_type, body, held) = match wrote {
        // Libraries attach a content type to everything; without a body it says nothing.
        Wrote::Nothing => (None, Body::Empty, held),
        Wrote::Records => typed(content_type?, bytes, held).await?,
    };
    let AppendHead { closing, producer, stream_seq, expect } = head;
    let command = Append { content_type, body, closing, producer, stream_seq, expect };
    let done = app.engine.append(key, command, held).await?;
    Ok(reply(&done, wrote))
}

/// Whether a request brought bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Nothing,
    Records,
}

async fn typed(
    content_type: Option<ContentType>,
    bytes: Bytes,
    held: Reservation,
) -> Result<(Option<ContentType>, Body, Reservation), Problem> {
    let content_type =
        content_type.ok_or_else(|| Problem::invalid("an append needs a Content-Type"))?;
    let (body, held) = framing::frame(content_type.kind(), bytes, held).await?;
    Ok((Some(content_type), body, held))
}

/// 200 where a producer's append was taken, 204 for all else; clients of producers tell a duplicate by it.
fn reply(done: &Appended, wrote: Wrote) -> Reply {
    let status = match (&done.producer, done.freshness, wrote) {
        (Some(_), Freshness::Committed, Wrote::Records) => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    let mut reply = response::empty(status);
    let headers = reply.headers_mut();
    put_next_offset(headers, done.state.tail_offset());
    put_stream_tag(headers, &done.state);
    put_closed(headers, &done.state);
    if let Some(row) = &done.producer {
        headers.insert(headers::PRODUCER_EPOCH, number(row.epoch.get()));
        headers.insert(headers::PRODUCER_SEQ, number(row.seq.get()));
    }
    reply
}
