//! A WebSocket hub as one is written on tokio-tungstenite: a list of senders, and for each connection a bounded queue and a task
//! that writes what is in it.
//!
//! A connection whose queue is full is dropped, so that one that does not read holds up nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, Sender, error::TrySendError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes, protocol::CloseFrame};

use crate::control::Topic;

/// Sixteen times what the generator lets be on its way, so that nobody is dropped who reads.
const CAPACITY: usize = 1024;

/// The hub.
#[derive(Default)]
pub(crate) struct Server {
    senders: Mutex<Vec<Sender<Message>>>,
    joined: AtomicU64,
    dropped: AtomicU64,
}

impl Server {
    fn senders(&self) -> MutexGuard<'_, Vec<Sender<Message>>> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn converse(&self, socket: TcpStream) -> anyhow::Result<()> {
        socket.set_nodelay(true)?;
        let (mut sink, mut stream) = tokio_tungstenite::accept_async(socket).await?.split();
        let (sender, mut queue) = mpsc::channel(CAPACITY);
        self.senders().push(sender);
        self.joined.fetch_add(1, Ordering::Relaxed);
        loop {
            tokio::select! {
                message = queue.recv() => match message {
                    Some(message) => sink.send(message).await?,
                    None => break,
                },
                // Reading answers pings; a subscriber has nothing to say.
                heard = stream.next() => match heard {
                    Some(heard) => drop(heard?),
                    None => return Ok(()),
                },
            }
        }
        let normal = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        sink.send(Message::Close(Some(normal))).await?;
        while let Some(Ok(_)) = stream.next().await {}
        Ok(())
    }
}

impl Topic for Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<()> {
        loop {
            let (socket, _) = listener.accept().await?;
            let server = Arc::clone(&self);
            // A connection that breaks off is the client's affair.
            tokio::spawn(async move { drop(server.converse(socket).await) });
        }
    }

    async fn publish(&self, message: Bytes) {
        let Ok(text) = Utf8Bytes::try_from(message) else { return };
        let message = Message::Text(text);
        self.senders().retain(|sender| match sender.try_send(message.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                false
            }
            Err(TrySendError::Closed(_)) => false,
        });
    }

    fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    async fn end(&self) {
        // A queue ends, after what is in it, when its sender is gone.
        self.senders().clear();
    }
}
