//! Requests by route, method and status: handles are made when they are first needed and then kept, so that a busy server
//! neither searches nor allocates, and one that never met a status does not show it.

use std::sync::OnceLock;

use http::{Method, StatusCode};
use metrics::{Counter, counter};

use super::REQUESTS;
use crate::request::query;

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Route {
    Create,
    Append,
    Read,
    LongPoll,
    Sse,
    Head,
    Delete,
    Truncate,
    Catalog,
    Health,
    Ready,
    Metrics,
    Admin,
    /// Nothing that there is.
    #[default]
    None,
}

impl Route {
    pub(crate) const COUNT: usize = 14;

    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Create,
        Self::Append,
        Self::Read,
        Self::LongPoll,
        Self::Sse,
        Self::Head,
        Self::Delete,
        Self::Truncate,
        Self::Catalog,
        Self::Health,
        Self::Ready,
        Self::Metrics,
        Self::Admin,
        Self::None,
    ];

    /// What is asked of a stream. A live read waits for others, so its time is no measure of the server.
    pub(crate) fn on_stream(method: &Method, query: Option<&str>) -> Self {
        let live = |parameter: &str| match parameter {
            "live=long-poll" => Some(Self::LongPoll),
            "live=sse" => Some(Self::Sse),
            _ => None,
        };
        match *method {
            Method::PUT => Self::Create,
            Method::POST => Self::Append,
            Method::HEAD => Self::Head,
            Method::DELETE => Self::Delete,
            Method::GET => query.and_then(|query| query::first(query, live)).unwrap_or(Self::Read),
            _ => Self::None,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Append => "append",
            Self::Read => "read",
            Self::LongPoll => "long_poll",
            Self::Sse => "sse",
            Self::Head => "head",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Catalog => "catalog",
            Self::Health => "healthz",
            Self::Ready => "readyz",
            Self::Metrics => "metrics",
            Self::Admin => "admin",
            Self::None => "none",
        }
    }
}

/// Methods that have a label of their own; what a client makes up must not become a label.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "other"];

/// What a method is called where there must not be more names than we know.
pub(crate) fn method_label(method: &Method) -> &'static str {
    METHODS.iter().find(|known| **known == method.as_str()).copied().unwrap_or("other")
}

/// Statuses that this server answers with are from here on, for this many.
const FIRST_STATUS: usize = 200;
const STATUSES: usize = 400;

/// The counters. Some 360 KB of empty cells, most of which are never touched.
pub(crate) struct Requests(Box<[OnceLock<Counter>]>);

impl Default for Requests {
    fn default() -> Self {
        let cells = Route::COUNT * METHODS.len() * STATUSES;
        Self((0..cells).map(|_| OnceLock::new()).collect())
    }
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Requests").finish_non_exhaustive()
    }
}

impl Requests {
    /// Counts an answer.
    pub(crate) fn count(&self, route: Route, method: &Method, status: StatusCode) {
        let known = METHODS.iter().position(|known| *known == method.as_str());
        let method = known.unwrap_or(METHODS.len() - 1);
        let Some(offset) = usize::from(status.as_u16()).checked_sub(FIRST_STATUS) else { return };
        let cell = (route as usize * METHODS.len() + method) * STATUSES + offset;
        if let Some(cell) = self.0.get(cell) {
            cell.get_or_init(|| {
                let method = METHODS.get(method).copied().unwrap_or("other");
                let labels = [
                    ("route", route.label().to_owned()),
                    ("method", method.to_owned()),
                    ("status", status.as_str().to_owned()),
                ];
                counter!(REQUESTS, &labels)
            })
            .increment(1);
        }
    }
}
