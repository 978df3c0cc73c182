//! What a request is called: in the log, in traces, and by its client.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use headwater_core::digits;
use http::HeaderMap;
use http::header::HeaderValue;
use tracing::{Span, debug_span, field};

use super::handle::Asked;
use super::trace::TraceParent;
use crate::headers::{TRACEPARENT, X_REQUEST_ID};
use crate::metrics::{Route, method_label};
use crate::request::field::single;
use crate::response::short;

/// Longest id that is taken from a client: it stands in every log line.
const MAX_ID_BYTES: usize = 128;

/// Gives every request a name of its own: of the process, and of the request in it.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// The part before the number.
    process: String,
    last: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self::of(rand::random())
    }

    fn of(process: u32) -> Self {
        Self { process: format!("{process:08x}-"), last: AtomicU64::new(0) }
    }

    fn next(&self) -> HeaderValue {
        // Only uniqueness matters, no other memory hangs on it.
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        short(|line| {
            line.write_str(&self.process)?;
            digits::write_to(line, number)
        })
    }
}

/// The name of a request, and the trace it is a part of.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Visible ASCII.
    id: HeaderValue,
    parent: Option<TraceParent>,
}

impl Identity {
    /// Takes the id that came with the request, or makes one. An id that is unfit for a log line is as if absent.
    pub(crate) fn of(headers: &HeaderMap, ids: &RequestIds) -> Self {
        let given = text(headers, &X_REQUEST_ID).filter(|id| is_fit(id));
        // Copied: what came is a part of a buffer that is used again.
        let given = given.and_then(|id| HeaderValue::from_str(id).ok());
        let id = given.unwrap_or_else(|| ids.next());
        Self { id, parent: text(headers, &TRACEPARENT).and_then(TraceParent::parse) }
    }

    /// For the answer.
    pub(crate) fn into_header(self) -> HeaderValue {
        self.id
    }

    /// The trace, for the log line.
    pub(crate) fn trace(&self) -> Option<&str> {
        self.parent.as_ref().map(TraceParent::trace)
    }

    /// The span of the request, a part of the trace it came with. Made only where somebody looks at spans.
    ///
    /// Its fields are called as OpenTelemetry's conventions have it. As in the log there is no query, no header and no
    /// payload among them, and its name is made of our own words alone.
    pub(super) fn span(&self, asked: &Asked, route: Route) -> Span {
        let span = debug_span!(
            "request",
            otel.name = %format_args!("{} {}", method_label(&asked.method), route.label()),
            otel.kind = "server",
            otel.status_code = field::Empty,
            id = %self,
            http.request.method = %asked.method,
            http.route = route.label(),
            url.path = &*asked.path,
            http.response.status_code = field::Empty,
            "error.type" = field::Empty,
            trace_id = field::Empty,
            parent_id = field::Empty,
        );
        if let Some(parent) = self.parent.as_ref().filter(|_| !span.is_disabled()) {
            parent.adopt(&span);
        }
        span
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.to_str().unwrap_or_default())
    }
}

/// The text of a header that stands once.
fn text<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<&'h str> {
    single(headers, name).ok()??.to_str().ok()
}

fn is_fit(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    #[test]
    fn ids_are_taken_or_made() {
        let ids = RequestIds::of(0xAB);
        let id = |fields: &[(&str, &str)]| Identity::of(&map(fields), &ids).to_string();
        assert_eq!(id(&[("x-request-id", "abc/1=2")]), "abc/1=2");
        let long = "x".repeat(MAX_ID_BYTES);
        assert_eq!(id(&[("x-request-id", &long)]), long);
        for (number, unfit) in ["", "a b", "a\tb", &format!("{long}x")].into_iter().enumerate() {
            assert_eq!(id(&[("x-request-id", unfit)]), format!("000000ab-{}", number + 1));
        }
        assert_eq!(id(&[("x-request-id", "a"), ("x-request-id", "a")]), "000000ab-5");
        assert_eq!(id(&[]), "000000ab-6");
    }
}
