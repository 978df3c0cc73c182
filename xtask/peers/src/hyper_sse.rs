//! What the HTTP library alone costs: a hyper server that answers the head and then hands on the same prepared bytes to each
//! subscriber.
//!
//! An event is encoded once. Beside hyper there is only a queue of references for each subscriber.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame};
use hyper::Response;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::control::Topic;

/// The server.
#[derive(Default)]
pub(crate) struct Server {
    slots: Mutex<Vec<Arc<Slot>>>,
    joined: AtomicU64,
}

/// A subscriber. Only one thread works here: the locks are never contended.
#[derive(Default)]
struct Slot {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    ended: bool,
    waker: Option<Waker>,
}

/// What a subscriber is sent. It leaves with its connection.
struct Events {
    slot: Arc<Slot>,
    server: Arc<Server>,
}

impl Server {
    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribe(self: &Arc<Self>) -> Events {
        let slot = Arc::new(Slot::default());
        self.slots().push(Arc::clone(&slot));
        self.joined.fetch_add(1, Ordering::Relaxed);
        Events { slot, server: Arc::clone(self) }
    }
}

impl Slot {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

impl Topic for Server {
    async fn serve(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<()> {
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            let server = Arc::clone(&self);
            let service = service_fn(move |_| {
                let response = Response::builder().header(CONTENT_TYPE, "text/event-stream");
                std::future::ready(response.body(server.subscribe()))
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            // A connection that breaks off is the client's affair.
            tokio::spawn(async move { drop(connection.await) });
        }
    }

    async fn publish(&self, message: Bytes) {
        let event: Bytes = [b"data: ", message.as_ref(), b"\n\n"].concat().into();
        for slot in self.slots().iter() {
            slot.change(|state| state.queue.push_back(event.clone()));
        }
    }

    fn joined(&self) -> u64 {
        self.joined.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> u64 {
        0
    }

    async fn end(&self) {
        for slot in self.slots().drain(..) {
            slot.change(|state| state.ended = true);
        }
    }
}

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.queue.pop_front() {
            Some(event) => Poll::Ready(Some(Ok(Frame::data(event)))),
            None if state.ended => Poll::Ready(None),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.server.slots().retain(|slot| !Arc::ptr_eq(slot, &self.slot));
    }
}
