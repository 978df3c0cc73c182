//! A refusal on its way to the client.

use std::borrow::Cow;
use std::time::Duration;

use headwater_core::Code;
use http::header::{HeaderName, HeaderValue};

use crate::metrics::Limit;

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
    /// The limit that refused, if one did.
    pub(crate) limit: Option<Limit>,
    /// When to try again, where it is known better than by the code.
    pub(crate) retry_after: Option<Duration>,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let limit = Limit::of(code);
        let (fields, headers) = (Vec::new(), Vec::new());
        Self { code, message: message.into(), fields, headers, limit, retry_after: None }
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

    /// A limit by number is reached.
    pub(crate) fn busy(limit: Limit) -> Self {
        let message = format!("the limit of {} is reached", limit.label());
        Self::new(Code::Overloaded, message).at(Some(limit))
    }

    /// Names the limit that refuses.
    pub(crate) fn at(self, limit: Option<Limit>) -> Self {
        match limit {
            Some(limit) => {
                let name = Field::Text(limit.label().to_owned());
                Self { limit: Some(limit), ..self }.field("limit", name)
            }
            None => self,
        }
    }

    /// Says when to try again; whole seconds, at least one.
    pub(crate) fn after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// When to try again.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.retry_after.or_else(|| super::retry_after(self.code))
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
