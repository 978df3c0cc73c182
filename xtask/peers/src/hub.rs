//! `headwater-ws`'s hub behind axum, as its documentation has it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use bytes::Bytes;
use headwater_ws::{
    Acceptor, ByteString, Config, Hub, HubConfig, Message, Origins, Scheme, Stream,
    WebSocketUpgrade,
};
use tokio::net::TcpListener;

use crate::control::Topic;

/// Longer than any row waits for its last messages.
const CLOSING: Duration = Duration::from_secs(30);

/// The server.
pub(crate) struct Server {
    /// Replaced when all subscriptions end: one that is closed takes nobody in.
    hub: RwLock<Hub<Stream>>,
    joined: AtomicU64,
}

impl Server {
    /// Has to be called in a runtime.
    pub(crate) fn new() -> Self {
        Self { hub: RwLock::new(Hub::new(HubConfig::default())), joined: AtomicU64::new(0) }
    }

    fn hub(&self) -> Hub<Stream> {
        self.hub.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the extractor and the handler need.
#[derive(Clone)]
struct Shared {
    server: Arc<Server>,
    acceptor: Acceptor,
}

impl FromRef<Shared> for Acceptor {
    fn from_ref(shared: &Shared) -> Self {
        shared.acceptor.clone()
    }
}

impl Topic for Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<()> {
        let acceptor = Acceptor::new(Origins::same(Scheme::Http));
        let router = Router::new().fallback(join).with_state(Shared { server: self, acceptor });
        let listener = axum::serve::ListenerExt::tap_io(listener, |socket| {
            // A socket that is gone already is found out by its first read.
            let _ = socket.set_nodelay(true);
        });
        Ok(axum::serve(listener, router).await?)
    }

    async fn publish(&self, message: Bytes) {
        let Ok(text) = ByteString::try_from(message) else { return };
        // A hub that has been closed has no members who would miss it.
        let _ = self.hub().broadcast(Message::Text(text));
    }

    fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> u64 {
        self.hub().numbers().dropped
    }

    async fn end(&self) {
        let fresh = Hub::new(HubConfig::default());
        let ended = {
            let mut hub = self.hub.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *hub, fresh)
        };
        ended.close(None, CLOSING).await;
    }
}

async fn join(State(shared): State<Shared>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_open(Config::default(), move |socket| async move {
        let Ok(mut member) = shared.server.hub().register(socket, ()) else { return };
        shared.server.joined.fetch_add(1, Ordering::Relaxed);
        // Reading answers pings; a subscriber has nothing to say.
        while let Ok(Some(_)) = member.recv().await {}
    })
}
