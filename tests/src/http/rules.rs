//! The rules that every answer of the server obeys, whatever was asked: security headers, CORS,
//! no 5xx but a deliberate 503, errors that are never stored and carry the one JSON shape.

use super::call::Audience;
use crate::http::{Head, Response};

const FOR_EVERYONE: [(&str, Option<&str>); 3] = [
    ("X-Content-Type-Options", Some("nosniff")),
    ("Cross-Origin-Resource-Policy", Some("cross-origin")),
    ("Access-Control-Allow-Origin", Some("*")),
];

const FOR_OPERATORS: [(&str, Option<&str>); 3] = [
    ("X-Content-Type-Options", Some("nosniff")),
    ("Cross-Origin-Resource-Policy", Some("same-origin")),
    ("Access-Control-Allow-Origin", None),
];

/// Every code of the error taxonomy that may come over HTTP.
const CODES: [&str; 34] = [
    "not_found",
    "gone",
    "method_not_allowed",
    "source_gone",
    "already_exists",
    "config_mismatch",
    "content_type_mismatch",
    "stream_closed",
    "sequence_conflict",
    "stream_seq_regression",
    "precondition_failed",
    "producer_fenced",
    "producer_gap",
    "producer_epoch_invalid",
    "producer_limit",
    "offset_invalid",
    "offset_beyond_tail",
    "offset_expired",
    "invalid_request",
    "invalid_name",
    "invalid_json",
    "too_large",
    "unauthenticated",
    "forbidden",
    "rate_limited",
    "quota_exceeded",
    "overloaded",
    "storage_full",
    "storage_poisoned",
    "corrupt",
    "timeout",
    "draining",
    "unknown_outcome",
    "internal",
];

#[track_caller]
pub(super) fn check_head(request: &str, method: &str, audience: Audience, head: &Head) {
    let wanted = match audience {
        Audience::Everyone => FOR_EVERYONE,
        Audience::Operators => FOR_OPERATORS,
    };
    for (name, value) in wanted {
        assert_eq!(head.header(name), value, "{name} of {request}: {head:#?}");
    }
    // Beside what passes by itself nothing is the server's fault.
    let passes = matches!(head.status, 503 | 507);
    assert!(head.status < 500 || passes, "{request}: {head:#?}");
    if head.status >= 400 || method == "HEAD" {
        let cache = head.header("Cache-Control");
        assert_eq!(cache, Some("no-store"), "Cache-Control of {request}: {head:#?}");
    }
    if passes {
        assert!(head.header("Retry-After").is_some(), "{request}: {head:#?}");
    }
}

#[track_caller]
pub(super) fn check_error_body(method: &str, response: &Response) {
    if response.status() < 400 || method == "HEAD" {
        return;
    }
    let request = &response.request;
    let json = response.header("Content-Type").unwrap_or_default();
    assert!(json.starts_with("application/json"), "{request}: an error in {json:?}: {response}");
    let code = response.error_code();
    assert!(CODES.contains(&code.as_str()), "{request}: code {code:?}: {response}");
    let body = response.json();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{request}: an error without a message: {response}");
}
