//! One request.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::cache::CACHE_NEVER;
use headwater_core::{Code, StreamKey};
use http::header::{CONTENT_TYPE, EXPECT, HOST, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;

use super::journal::Entry;
use crate::app::App;
use crate::errors::Problem;
use crate::headers;
use crate::ops::{append, catalog, create, delete, head, options, read};
use crate::origin::Origin;
use crate::request::body::discard;
use crate::response::{self, Reply, ResponseBody, put_cache};
use crate::router::{Target, route};

/// Answers a request that came in on the local address. Never fails: what goes wrong is an answer too.
pub(crate) async fn handle(app: Arc<App>, local: SocketAddr, request: Request<Incoming>) -> Reply {
    let entry = Entry::begin(&app.ids);
    let (parts, mut body) = request.into_parts();
    let answer = answer(&app, local, &parts, &mut body).await;
    entry.end(&parts, &answer);
    if has_unread(&parts, &body, &answer) {
        tokio::spawn(discard(body));
    }
    let mut reply = answer.unwrap_or_else(Problem::into_reply);
    if parts.method == Method::HEAD {
        *reply.body_mut() = ResponseBody::EMPTY;
    }
    headers::put_common(reply.headers_mut());
    reply
}

async fn answer(
    app: &Arc<App>,
    local: SocketAddr,
    parts: &Parts,
    body: &mut Incoming,
) -> Result<Reply, Problem> {
    if parts.method == Method::OPTIONS {
        return Ok(options::options());
    }
    if parts.version == Version::HTTP_11 && !parts.headers.contains_key(HOST) {
        return Err(Problem::invalid("the Host header is missing"));
    }
    match route(&app.config.stream_roots, parts.uri.path())? {
        Target::Stream(key) => on_stream(app, &key, local, parts, body).await,
        Target::Catalog => {
            readable(&parts.method)?;
            catalog::catalog(app, parts).await
        }
        Target::Health => {
            readable(&parts.method)?;
            Ok(health())
        }
    }
}

async fn on_stream(
    app: &Arc<App>,
    key: &StreamKey,
    local: SocketAddr,
    parts: &Parts,
    body: &mut Incoming,
) -> Result<Reply, Problem> {
    match parts.method {
        Method::POST => append::append(app, key, parts, body).await,
        Method::GET => read::read(app, key, parts).await,
        Method::HEAD => head::head(app, key).await,
        Method::PUT => {
            let origin = Origin::of(parts, local)?;
            create::create(app, key, &origin, parts, body).await
        }
        Method::DELETE => delete::delete(app, key).await,
        _ => Err(Problem::method(headers::STREAM_METHODS)),
    }
}

/// What is no stream can only be read.
fn readable(method: &Method) -> Result<(), Problem> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(Problem::method(headers::READ_METHODS)),
    }
}

fn health() -> Reply {
    let mut reply = response::empty(StatusCode::OK);
    *reply.body_mut() = ResponseBody::full(Bytes::from_static(b"ok"));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    put_cache(reply.headers_mut(), CACHE_NEVER);
    reply
}

/// Whether a client may still be sending a body that nobody will read.
///
/// A client that waits for `100 Continue` has not begun, one that fell silent is not listened to any longer, and HTTP/2
/// tells it to stop.
fn has_unread(parts: &Parts, body: &Incoming, answer: &Result<Reply, Problem>) -> bool {
    let done = match answer {
        Ok(_) => matches!(parts.method, Method::PUT | Method::POST),
        Err(problem) => problem.code == Code::Timeout,
    };
    let sending = parts.version < Version::HTTP_2 && !parts.headers.contains_key(EXPECT);
    sending && !done && !body.is_end_stream()
}
