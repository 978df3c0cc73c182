//! One request.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use headwater_core::StreamKey;
use http::header::{EXPECT, HOST};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use tracing::Instrument;

use super::identity::Identity;
use super::journal::{Entry, logged};
use crate::app::App;
use crate::errors::Problem;
use crate::gate::Seat;
use crate::headers;
use crate::metrics::Limit;
use crate::ops::{admin, append, backup, catalog, create, delete, head, options, read, truncate};
use crate::origin::Origin;
use crate::request::body::discard;
use crate::request::field::has;
use crate::response::{self, Place, Reply, ResponseBody, Sending};
use crate::router::{Door, Target, route};
use crate::server::activity::Busy;

/// Where requests come in. One for each connection: to share what all connections share takes time while others do it too.
#[derive(Debug)]
pub(crate) struct At {
    pub(crate) app: Arc<App>,
    pub(crate) door: Door,
    /// The local address.
    pub(crate) local: SocketAddr,
}

/// Answers a request. Never fails: what goes wrong is an answer too.
pub(crate) async fn handle(
    at: Arc<At>,
    busy: Busy,
    request: Request<Incoming>,
) -> Result<Response<Sending>, Infallible> {
    let At { app, door, local } = &*at;
    let (parts, body) = request.into_parts();
    let asked = Asked::of(&parts);
    // Only what writes has a body. HTTP/2 would keep others for who might still read them.
    let writes = matches!(asked.method, Method::PUT | Method::POST);
    let mut body = (writes || asked.version < Version::HTTP_2).then_some(body);
    let identity = Identity::of(&parts.headers, &app.ids);
    let routed = route(door, &app.config.stream_roots, parts.uri.path());
    let label = routed.as_ref().map(|target| target.route(&parts)).unwrap_or_default();
    let span = identity.span(&asked, label);
    let entry = Entry::begin(app, label, &asked.method, span.clone());
    let mut seat = Seat::Free;
    let answer = match admit(app, &routed, &mut seat) {
        Ok(()) => {
            let call = Call { app, door, local: *local, busy: &busy, parts };
            call.answer(routed, &mut body, &mut seat).instrument(span).await
        }
        Err(problem) => Err(problem),
    };
    entry.end(&identity, &asked, &answer);
    if let Some(body) = body.filter(|body| has_unread(&asked, body, &answer)) {
        tokio::spawn(discard(body));
    }
    let mut reply = answer.unwrap_or_else(Problem::into_reply);
    if asked.method == Method::HEAD {
        *reply.body_mut() = ResponseBody::EMPTY;
    }
    match door {
        Door::Public => headers::put_common(reply.headers_mut()),
        Door::Admin(_) => headers::put_private(reply.headers_mut()),
    }
    reply.headers_mut().insert(headers::X_REQUEST_ID, identity.into_header());
    // A live reader has a place of its own and gives back this one.
    let seat = if reply.body().is_live() { Seat::Free } else { seat };
    let place = Place { _seat: seat, busy };
    Ok(reply.map(|body| Sending::new(body, asked.version, place)))
}

/// Takes a place for what is work. How the server stands must be told when it is busy, too.
fn admit(app: &App, routed: &Result<Target, Problem>, seat: &mut Seat) -> Result<(), Problem> {
    if matches!(routed, Ok(Target::Stream(_) | Target::Truncate(_) | Target::Catalog)) {
        let pass = app.requests.enter().ok_or_else(|| Problem::busy(Limit::Requests))?;
        *seat = Seat::Request(pass);
    }
    Ok(())
}

/// A request with all that answering it needs beside its body.
///
/// Appends and reads drop the head before they wait: the head is a part of the 8 KiB that the HTTP library has read it into, and the
/// library has a new buffer by then.
struct Call<'r> {
    app: &'r Arc<App>,
    door: &'r Door,
    local: SocketAddr,
    busy: &'r Busy,
    parts: Parts,
}

impl Call<'_> {
    async fn answer(
        self,
        routed: Result<Target, Problem>,
        body: &mut Option<Incoming>,
        seat: &mut Seat,
    ) -> Result<Reply, Problem> {
        let Self { app, door, busy, ref parts, .. } = self;
        if parts.headers.len() > app.config.max_headers {
            // As the HTTP library does where it counts them itself.
            return Ok(response::empty(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        }
        if parts.method == Method::OPTIONS && matches!(door, Door::Public) {
            return Ok(options::options());
        }
        if parts.version == Version::HTTP_11 && !has(&parts.headers, &HOST) {
            return Err(Problem::invalid("the Host header is missing"));
        }
        let (posts, gets) = (parts.method == Method::POST, parts.method == Method::GET);
        match (routed?, body) {
            (Target::Stream(key), Some(body)) if posts => {
                append::append(app, &key, self.parts, body).await
            }
            // A future is as large as the largest that it may become, and is moved several times before it begins. So all that is
            // not an append is in a box of its own; an append in one was measured to be 4 % slower with 256 connections.
            (Target::Stream(key), _) if gets => {
                let asked = read::Asked::parse(self.parts)?;
                read::read(app, &key, asked, (busy, seat)).await
            }
            (target, body) => Box::pin(self.other(target, body.as_mut())).await,
        }
    }

    async fn other(self, target: Target, body: Option<&mut Incoming>) -> Result<Reply, Problem> {
        let Self { app, ref parts, .. } = self;
        let may = match (&target, &parts.method) {
            (Target::Stream(_), _) | (Target::Truncate(_) | Target::Backup, &Method::POST) => {
                Ok(())
            }
            (Target::Truncate(_) | Target::Backup, _) => Err(headers::DO_METHODS),
            (_, &Method::GET | &Method::HEAD) => Ok(()),
            _ => Err(headers::READ_METHODS),
        };
        may.map_err(Problem::method)?;
        match target {
            Target::Stream(key) => self.on_stream(&key, body).await,
            Target::Truncate(key) => truncate::truncate(app, &key, parts, body).await,
            Target::Backup => backup::backup(app).await,
            Target::Catalog => catalog::catalog(app, parts).await,
            Target::Health => Ok(admin::health()),
            Target::Ready => admin::ready(app).await,
            Target::Metrics(exporter) => Ok(admin::metrics(app, &exporter).await),
            Target::Status => Ok(admin::status(app).await),
        }
    }

    async fn on_stream(
        &self,
        key: &StreamKey,
        body: Option<&mut Incoming>,
    ) -> Result<Reply, Problem> {
        let Self { app, parts, local, .. } = self;
        match (&parts.method, body) {
            (&Method::PUT, Some(body)) => {
                let origin = Origin::of(parts, *local)?;
                create::create(app, key, &origin, parts, body).await
            }
            (&Method::HEAD, _) => head::head(app, key).await,
            (&Method::DELETE, _) => delete::delete(app, key).await,
            _ => Err(Problem::method(headers::STREAM_METHODS)),
        }
    }
}

/// What is asked, as far as it is told when it has been answered: what came is not kept for that.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) version: Version,
    /// The beginning of the path, for the log.
    pub(super) path: Box<str>,
    /// Whether its body waits for `100 Continue`.
    expects: bool,
}

impl Asked {
    fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            version: parts.version,
            path: logged(parts.uri.path()).into(),
            expects: has(&parts.headers, &EXPECT),
        }
    }
}

/// Whether a client may still be sending a body that nobody will read.
///
/// A client that waits for `100 Continue` has not begun, one that fell silent is not listened to any longer, and HTTP/2
/// tells it to stop.
fn has_unread(asked: &Asked, body: &Incoming, answer: &Result<Reply, Problem>) -> bool {
    let done = match answer {
        Ok(_) => matches!(asked.method, Method::PUT | Method::POST),
        Err(problem) => problem.code == headwater_core::Code::Timeout,
    };
    let sending = asked.version < Version::HTTP_2 && !asked.expects;
    sending && !done && !body.is_end_stream()
}
