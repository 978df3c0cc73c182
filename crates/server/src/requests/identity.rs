//! What a request is called: in the log, in traces, and by its client.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use http::header::HeaderValue;
use http::request::Parts;
use tracing::{Span, debug_span, field};

use crate::headers::{TRACEPARENT, X_REQUEST_ID};
use crate::response::text;

/// Longest id that is taken from a client: it stands in every log line.
const MAX_ID_BYTES: usize = 128;

/// Gives every request a name of its own: of the process, and of the request in it.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u32,
    last: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self { process: rand::random(), last: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        // Only uniqueness matters, no other memory hangs on it.
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        format!("{:08x}-{number}", self.process)
    }
}

/// The name of a request, and the trace it is a part of.
#[derive(Debug)]
pub(crate) struct Identity {
    id: String,
    parent: Option<TraceParent>,
}

impl Identity {
    /// Takes the id that came with the request, or makes one. An id that is unfit for a log line is as if absent.
    pub(crate) fn of(headers: &HeaderMap, ids: &RequestIds) -> Self {
        let given = single(headers, &X_REQUEST_ID).filter(|id| is_fit(id));
        let id = given.map_or_else(|| ids.next(), str::to_owned);
        Self { id, parent: single(headers, &TRACEPARENT).and_then(TraceParent::parse) }
    }

    /// For the answer.
    pub(crate) fn header(&self) -> HeaderValue {
        text(self.id.clone())
    }

    /// The trace, for the log line.
    pub(crate) fn trace(&self) -> Option<&str> {
        self.parent.as_ref().map(|parent| parent.trace.as_str())
    }

    /// The span of the request. Made only where somebody looks at spans.
    pub(crate) fn span(&self, parts: &Parts) -> Span {
        let span = debug_span!(
            "request",
            id = %self.id,
            method = %parts.method,
            path = super::journal::logged(parts.uri.path()),
            trace_id = field::Empty,
            parent_id = field::Empty,
        );
        if let Some(parent) = self.parent.as_ref().filter(|_| !span.is_disabled()) {
            span.record("trace_id", parent.trace.as_str());
            span.record("parent_id", parent.span.as_str());
        }
        span
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn is_fit(id: &str) -> bool {
    (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where a request stands in a trace, as the W3C's Trace Context has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TraceParent {
    trace: String,
    span: String,
}

impl TraceParent {
    /// `00-` trace `-` span `-` flags. What does not parse is as if absent, as that recommendation wants it.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |text: &str, len: usize| {
            text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let some = |text: &str| text.bytes().any(|byte| byte != b'0');
        // A version to come may say more at the end; this one must not.
        let whole = parts.next().is_none() || version != "00";
        let sound = hex(version, 2) && version != "ff" && hex(trace, 32) && hex(span, 16);
        (sound && hex(flags, 2) && whole && some(trace) && some(span))
            .then(|| Self { trace: trace.to_owned(), span: span.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::field::tests::map;

    #[test]
    fn ids_are_taken_or_made() {
        let ids = RequestIds { process: 0xAB, last: AtomicU64::new(0) };
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

    #[test]
    fn a_parent_is_whole_or_ignored() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let parent = TraceParent { trace: trace.to_owned(), span: span.to_owned() };
        for (text, expected) in [
            (format!("00-{trace}-{span}-01"), Some(&parent)),
            (format!("00-{trace}-{span}-00"), Some(&parent)),
            (format!("cc-{trace}-{span}-01-what-comes"), Some(&parent)),
            (format!("00-{trace}-{span}-01-more"), None),
            (format!("ff-{trace}-{span}-01"), None),
            (format!("00-{trace}-{span}"), None),
            (format!("00-{}-{span}-01", trace.to_uppercase()), None),
            (format!("00-{}-{span}-01", "0".repeat(32)), None),
            (format!("00-{trace}-{}-01", "0".repeat(16)), None),
            (format!("0-{trace}-{span}-01"), None),
            (String::new(), None),
        ] {
            assert_eq!(TraceParent::parse(&text).as_ref(), expected, "{text}");
        }
    }
}
