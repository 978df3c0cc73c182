//! What is told of a request when it has been answered: its metrics, the end of its span, and one line in the log, at debug
//! when it was answered, at info when it was refused, at warn when the fault is ours.
//!
//! Never a payload, a query or a header; names of streams and our own words are all it tells.

use http::{Method, StatusCode};
use tokio::time::Instant;
use tracing::{Span, debug, info, warn};

use super::handle::Asked;
use super::identity::Identity;
use crate::app::App;
use crate::errors::{Problem, status};
use crate::limits::LOGGED_PATH_BYTES;
use crate::metrics::Route;
use crate::response::Reply;

/// What metrics and spans have for the status of a request whose client went away before it was answered.
const GONE_AWAY: u16 = 499;

/// A request that is being answered. Counted when it has been, and also when nobody waits for that any more.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    app: &'a App,
    route: Route,
    method: Method,
    span: Span,
    since: Instant,
    open: bool,
}

impl<'a> Entry<'a> {
    pub(super) fn begin(app: &'a App, route: Route, method: &Method, span: Span) -> Self {
        let method = method.clone();
        Self { app, route, method, span, since: Instant::now(), open: true }
    }

    pub(super) fn end(mut self, id: &Identity, asked: &Asked, answer: &Result<Reply, Problem>) {
        let span = self.span.clone();
        let _inside = span.enter();
        let (method, path, trace) = (&asked.method, &*asked.path, id.trace());
        let status = answer.as_ref().map_or_else(|problem| status(problem.code), Reply::status);
        let took = self.count(status);
        let Err(problem) = answer else {
            let status = status.as_u16();
            debug!(%id, trace, %method, path, status, ?took, "answered");
            return;
        };
        if let Some(limit) = problem.limit {
            self.app.metrics.refused(limit);
        }
        let (code, message) = (problem.code.as_str(), problem.message.as_ref());
        // A limit that does its work is no fault of ours.
        let fault = status.is_server_error() && problem.limit.is_none();
        let status = status.as_u16();
        span.record("error.type", code);
        if fault {
            span.record("otel.status_code", "ERROR");
            warn!(%id, trace, %method, path, status, code, ?took, "failed: {message}");
        } else {
            info!(%id, trace, %method, path, status, code, ?took, "refused: {message}");
        }
    }

    fn count(&mut self, status: StatusCode) -> std::time::Duration {
        self.open = false;
        let took = self.since.elapsed();
        self.app.metrics.answered(self.route, &self.method, status, took);
        // Signed, because whole numbers are signed in OTLP.
        self.span.record("http.response.status_code", i64::from(status.as_u16()));
        took
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if self.open
            && let Ok(status) = StatusCode::from_u16(GONE_AWAY)
        {
            self.count(status);
        }
    }
}

/// The beginning of a path, so that nobody fills a disk with names.
pub(super) fn logged(path: &str) -> &str {
    path.get(..path.floor_char_boundary(LOGGED_PATH_BYTES)).unwrap_or(path)
}
