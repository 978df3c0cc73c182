//! `headwater-sse`'s broker behind axum, as its documentation has it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use headwater_sse::Event;
use headwater_sse::broker::{Broker, Options};
use headwater_sse::serve::EventBody;
use tokio::net::TcpListener;

use crate::control::Topic;

/// The server.
pub(crate) struct Server {
    /// Replaced when all subscriptions end: one that is closed takes nobody in.
    broker: RwLock<Broker>,
    joined: AtomicU64,
}

impl Server {
    /// Has to be called in a runtime.
    pub(crate) fn new() -> Self {
        Self { broker: RwLock::new(Broker::new(Options::default())), joined: AtomicU64::new(0) }
    }

    fn broker(&self) -> Broker {
        self.broker.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Topic for Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<()> {
        let router = Router::new().fallback(subscribe).with_state(self);
        let listener = axum::serve::ListenerExt::tap_io(listener, |socket| {
            // A socket that is gone already is found out by its first read.
            let _ = socket.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    }

    async fn publish(&self, message: Bytes) {
        let text = String::from_utf8_lossy(&message);
        // A broker that has been closed has no subscribers who would miss it.
        let _ = self.broker().publish(&Event::new().data(&text));
    }

    fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> u64 {
        self.broker().numbers().dropped
    }

    async fn end(&self) {
        let fresh = Broker::new(Options::default());
        let ended = {
            let mut broker = self.broker.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *broker, fresh)
        };
        ended.close().await;
    }
}

async fn subscribe(State(server): State<Arc<Server>>) -> Response {
    let Some(subscription) = server.broker().subscribe(()) else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    server.joined.fetch_add(1, Ordering::Relaxed);
    IntoResponse::into_response(EventBody::new(subscription))
}
