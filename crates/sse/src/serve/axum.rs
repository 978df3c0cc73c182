//! What axum needs to know.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use futures_core::Stream;
use http::request::Parts;

use super::{EventBody, LastEventId, WriteDeadline};
use crate::PreparedEvents;

impl<S> IntoResponse for EventBody<S>
where
    S: Stream + Send + 'static,
    S::Item: Into<PreparedEvents>,
{
    fn into_response(self) -> Response {
        self.into_response().map(Body::new)
    }
}

impl<S: Sync> FromRequestParts<S> for LastEventId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_headers(&parts.headers))
    }
}

/// A listener for `axum::serve` whose connections have a [`WriteDeadline`].
#[derive(Debug)]
pub struct DeadlineListener<L> {
    listener: L,
    limit: Duration,
}

impl<L: Listener> DeadlineListener<L> {
    /// Gives each write on a connection that `listener` accepts the time `limit`.
    pub const fn new(listener: L, limit: Duration) -> Self {
        Self { listener, limit }
    }
}

impl<L: Listener> Listener for DeadlineListener<L> {
    type Io = WriteDeadline<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (io, address) = self.listener.accept().await;
        (WriteDeadline::new(io, self.limit), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
