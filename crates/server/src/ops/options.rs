//! OPTIONS: what a browser asks before it sends a request from a page of another origin.
//!
//! Answered the same for any path, because a page may create what is not there yet.

use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, ALLOW,
    HeaderValue,
};

use crate::headers;
use crate::response::{self, Reply};

/// How long a browser may remember the answer; the most that any of them honours.
const REMEMBER: HeaderValue = HeaderValue::from_static("86400");

pub(crate) fn options() -> Reply {
    let mut reply = response::empty(StatusCode::NO_CONTENT);
    let headers = reply.headers_mut();
    headers.insert(ALLOW, headers::STREAM_METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, headers::STREAM_METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers::ALLOWED);
    headers.insert(ACCESS_CONTROL_MAX_AGE, REMEMBER);
    reply
}
