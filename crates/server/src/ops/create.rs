//! PUT: create a stream, confirm that it is there, or fork another.

use bytes::Bytes;
use headwater_core::command::{Body, Create};
use headwater_core::{ContentKind, StreamKey};
use headwater_engine::{Created, Reservation};
use http::StatusCode;
use http::header::LOCATION;
use http::request::Parts;
use hyper::body::Incoming;

use super::framing;
use crate::app::App;
use crate::errors::Problem;
use crate::origin::Origin;
use crate::request::body;
use crate::request::create::CreateHead;
use crate::response::{self, Reply, put_closed, put_content_type, put_next_offset};

pub(crate) async fn create(
    app: &App,
    key: &StreamKey,
    origin: &Origin,
    parts: &Parts,
    incoming: &mut Incoming,
) -> Result<Reply, Problem> {
    let head = CreateHead::parse(&parts.headers, &app.config.stream_roots)?;
    let location = origin.url(parts.uri.path());
    let mut held = app.engine.reserve(key);
    let bytes = body::read(incoming, app.body_bounds(), &mut held).await?;
    app.metrics.received.increment(bytes.len() as u64);
    let (body, held) = framed(app, &head, bytes, held).await?;
    let CreateHead { content_type, expiry, retention, closing, fork } = head;
    let command = Create { content_type, expiry, retention, closing, body, fork };
    Ok(match app.engine.create(key, command, held).await? {
        Created::New(state) => {
            let mut reply = described(StatusCode::CREATED, &state);
            reply.headers_mut().insert(LOCATION, location);
            reply
        }
        Created::Confirmed(state) => described(StatusCode::OK, &state),
    })
}

/// A body without a content type is framed for the stream it will belong to: the source's for a fork.
async fn framed(
    app: &App,
    head: &CreateHead,
    bytes: Bytes,
    held: Reservation,
) -> Result<(Body, Reservation), Problem> {
    if bytes.is_empty() {
        return Ok((Body::Empty, held));
    }
    let kind = match (&head.content_type, &head.fork) {
        (Some(given), _) => given.kind(),
        // Without a source the creation is refused for that, whatever the body.
        (None, Some(fork)) => {
            app.engine.kind_of(&fork.source).await?.unwrap_or(ContentKind::Binary)
        }
        (None, None) => ContentKind::Binary,
    };
    framing::frame(kind, bytes, held).await
}

fn described(status: StatusCode, state: &headwater_core::StreamState) -> Reply {
    let mut reply = response::empty(status);
    let headers = reply.headers_mut();
    put_content_type(headers, &state.content_type);
    put_next_offset(headers, state.tail_offset());
    put_closed(headers, state);
    reply
}
