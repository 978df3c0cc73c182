//! An extractor for axum.

use std::future::Future;

use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use super::accept::Head;
use super::{Stream, Upgrade};
use crate::handshake::{Accepted, Acceptor, Rejection};
use crate::socket::{Config, WebSocket};

/// A request for a WebSocket that the state's [`Acceptor`] accepts. All others are answered with
/// their [`Rejection`] before the handler runs.
#[derive(Debug)]
pub struct WebSocketUpgrade {
    response: http::Response<()>,
    upgrade: Upgrade,
}

impl WebSocketUpgrade {
    /// What was agreed on.
    pub fn accepted(&self) -> &Accepted {
        self.upgrade.accepted()
    }

    /// The answer for the handler to return. The WebSocket is given to a task of its own when the
    /// answer has been sent; if the connection breaks before, there is none.
    pub fn on_open<F, Serving>(self, config: Config, serve: F) -> Response
    where
        F: FnOnce(WebSocket<Stream>) -> Serving + Send + 'static,
        Serving: Future<Output = ()> + Send + 'static,
    {
        let upgrade = self.upgrade;
        tokio::spawn(async move {
            if let Ok(socket) = upgrade.open(config).await {
                // A task for the handshake would keep its place for as long as the connection lives.
                tokio::spawn(serve(socket));
            }
        });
        self.response.map(|()| Body::empty())
    }
}

impl<S> FromRequestParts<S> for WebSocketUpgrade
where
    Acceptor: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let head = Head {
            method: parts.method.clone(),
            version: parts.version,
            headers: parts.headers.clone(),
        };
        let acceptor = Acceptor::from_ref(state);
        let (response, upgrade) = head.accept(&acceptor, &mut parts.extensions)?;
        Ok(Self { response, upgrade })
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.response(Body::from(self.to_string()))
    }
}
