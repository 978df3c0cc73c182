//! GET with `live=sse`: everything from an offset on, as events.

use std::sync::Arc;

use headwater_core::cache::CACHE_EVENTS;
use headwater_core::{ContentKind, StreamKey, StreamState};
use http::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{StatusCode, Version};

use crate::app::App;
use crate::errors::Problem;
use crate::headers;
use crate::request::read::{Arrival, EventsRead, Form};
use crate::response::page::{self, Keeping};
use crate::response::{self, Reply, ResponseBody, put_cache, put_start_offset};
use crate::sse::{Events, Session, Transport};

pub(crate) async fn events(
    app: &Arc<App>,
    key: &StreamKey,
    read: EventsRead,
    version: Version,
) -> Result<Reply, Problem> {
    let EventsRead { live, arrival } = read;
    let tail = app.engine.tail(key, live.start).await?;
    let state = Arc::clone(tail.state());
    let finished = state.closed.is_some() && tail.position() == state.tail.position;
    if finished && arrival == Arrival::Reconnect {
        // Nothing but a 204 keeps an `EventSource` from coming back for ever.
        return Ok(page::nothing_new(&state, tail.position(), Keeping::of(live.start)));
    }
    let from = state.ranges.offset(tail.position());
    let begun = Session::open(app, tail, live.form, live.cursor.as_deref()).await?;
    let transport = match version {
        Version::HTTP_11 if begun.0.may_rest() && app.reactor.takes_readers() => Transport::Socket,
        _ => Transport::Library,
    };
    let mut reply = streaming(&state, live.form, Events::new(begun, transport));
    if transport == Transport::Socket {
        // What the library has read ahead of a further request is lost with it.
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if Keeping::of(live.start) == Keeping::Sought {
        put_start_offset(reply.headers_mut(), from);
    }
    Ok(reply)
}

fn streaming(state: &StreamState, form: Form, events: Events) -> Reply {
    let mut reply = response::empty(StatusCode::OK);
    *reply.body_mut() = ResponseBody::events(events);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    put_cache(headers, CACHE_EVENTS);
    headers.insert(headers::X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    if state.content_type.kind() == ContentKind::Binary && form == Form::Payload {
        headers.insert(headers::SSE_DATA_ENCODING, HeaderValue::from_static("base64"));
    }
    reply
}
