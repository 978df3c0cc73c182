//! The trace that a request is a part of, as its client says in `traceparent`.

use tracing::Span;

/// Where a request stands in a trace, as the W3C's Trace Context has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TraceParent {
    trace: String,
    span: String,
    /// Whether who sent it keeps the trace, and so wants our part of it.
    sampled: bool,
}

impl TraceParent {
    /// `00-` trace `-` span `-` flags. What does not parse is as if absent, as that recommendation wants it.
    pub(super) fn parse(text: &str) -> Option<Self> {
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
        if !(sound && hex(flags, 2) && whole && some(trace) && some(span)) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self { trace: trace.to_owned(), span: span.to_owned(), sampled })
    }

    /// The name of the whole trace.
    pub(super) fn trace(&self) -> &str {
        &self.trace
    }

    /// Makes a span that nobody entered yet a part of the trace: a field for the log, the parent for an exporter.
    pub(super) fn adopt(&self, span: &Span) {
        span.record("trace_id", self.trace.as_str());
        span.record("parent_id", self.span.as_str());
        #[cfg(feature = "otel")]
        self.lead(span);
    }

    #[cfg(feature = "otel")]
    fn lead(&self, span: &Span) {
        use opentelemetry::Context;
        use opentelemetry::trace::{
            SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
        };
        use tracing_opentelemetry::OpenTelemetrySpanExt;

        let ids = (TraceId::from_hex(&self.trace), SpanId::from_hex(&self.span));
        let (Ok(trace), Ok(parent)) = ids else { return };
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        let parent = SpanContext::new(trace, parent, flags, true, TraceState::NONE);
        // It fails where nothing is exported, and there nobody asks for a parent.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_whole_or_ignored() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let parent =
            |sampled| TraceParent { trace: trace.to_owned(), span: span.to_owned(), sampled };
        for (text, expected) in [
            (format!("00-{trace}-{span}-01"), Some(parent(true))),
            (format!("00-{trace}-{span}-02"), Some(parent(false))),
            (format!("cc-{trace}-{span}-01-what-comes"), Some(parent(true))),
            (format!("00-{trace}-{span}-01-more"), None),
            (format!("ff-{trace}-{span}-01"), None),
            (format!("00-{trace}-{span}"), None),
            (format!("00-{}-{span}-01", trace.to_uppercase()), None),
            (format!("00-{}-{span}-01", "0".repeat(32)), None),
            (format!("00-{trace}-{}-01", "0".repeat(16)), None),
            (format!("0-{trace}-{span}-01"), None),
            (String::new(), None),
        ] {
            assert_eq!(TraceParent::parse(&text), expected, "{text}");
        }
    }
}
