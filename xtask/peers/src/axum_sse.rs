//! Server-Sent Events as axum's documentation and its examples lead to: a `tokio::sync::broadcast` channel, and a stream of
//! its receiver for each subscriber.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, Sender, error::RecvError};

use crate::control::Topic;

/// Sixteen times what the generator lets be on its way, so that nobody lags who reads.
const CAPACITY: usize = 1024;

/// The server.
pub(crate) struct Server {
    /// Replaced when all subscriptions end: a receiver ends with its sender.
    sender: RwLock<Sender<Arc<str>>>,
    joined: AtomicU64,
    dropped: AtomicU64,
}

impl Default for Server {
    fn default() -> Self {
        let sender = RwLock::new(broadcast::channel(CAPACITY).0);
        Self { sender, joined: AtomicU64::new(0), dropped: AtomicU64::new(0) }
    }
}

impl Server {
    fn sender(&self) -> Sender<Arc<str>> {
        self.sender.read().unwrap_or_else(PoisonError::into_inner).clone()
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
        // Nobody listens: nobody misses it.
        let _ = self.sender().send(String::from_utf8_lossy(&message).into());
    }

    fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    async fn end(&self) {
        let mut sender = self.sender.write().unwrap_or_else(PoisonError::into_inner);
        *sender = broadcast::channel(CAPACITY).0;
    }
}

async fn subscribe(
    State(server): State<Arc<Server>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = server.sender().subscribe();
    server.joined.fetch_add(1, Ordering::Relaxed);
    let events = stream::unfold((server, receiver), |(server, mut receiver)| async {
        loop {
            match receiver.recv().await {
                Ok(message) => {
                    return Some((Ok(Event::default().data(message)), (server, receiver)));
                }
                Err(RecvError::Lagged(count)) => {
                    server.dropped.fetch_add(count, Ordering::Relaxed);
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
