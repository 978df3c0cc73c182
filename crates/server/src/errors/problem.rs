//! A refusal on its way to the client.

use std::borrow::Cow;

use headwater_core::Code;
use http::header::{HeaderName, HeaderValue};

/// A field of the error body beside code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Number(u64),
    Text(String),
}

/// Why a request is refused, and what the caller needs to act.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) message: Cow<'static, str>,
    pub(crate) fields: Vec<(&'static str, Field)>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), headers: Vec::new() }
    }

    /// The request is malformed.
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    /// The body exceeds `limit` bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(Code::TooLarge, format!("the body exceeds the limit of {limit} bytes"))
            .field("limitBytes", Field::Number(limit as u64))
    }

    /// The method does not exist for this resource.
    pub(crate) fn method(allowed: HeaderValue) -> Self {
        Self::new(Code::MethodNotAllowed, "the method is not allowed here")
            .header(http::header::ALLOW, allowed)
    }

    pub(crate) fn field(mut self, name: &'static str, value: Field) -> Self {
        self.fields.push((name, value));
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
