//! How many writes hyper makes of what the body gives it.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::{StreamExt, stream};
use headwater_sse::serve::EventBody;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::client::{self, event, read_until};

/// Counts calls that would be system calls.
struct Counted {
    socket: TcpStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

#[tokio::test]
async fn a_hundred_events_that_wait_are_one_write() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let writes = Arc::new(AtomicUsize::new(0));
    // What is sent to the stream comes as a burst, so that all of it is ready in the same poll.
    let (bursts, received) = mpsc::unbounded_channel::<Vec<String>>();
    let counter = Arc::clone(&writes);
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let received = Mutex::new(Some(received));
        let service = service_fn(move |_| {
            let events = stream::unfold(received.lock().unwrap().take(), |received| async {
                let mut received = received?;
                let burst = received.recv().await?;
                Some((stream::iter(burst.into_iter().map(|data| event(&data))), Some(received)))
            });
            let body = EventBody::new(events.flatten());
            async { Ok::<_, Infallible>(body.into_response()) }
        });
        let io = TokioIo::new(Counted { socket, writes: counter });
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
    });
    let mut socket = client::get(address, "").await;
    read_until(&mut socket, |seen| seen.ends_with(":\n\n\r\n")).await;
    assert_eq!(writes.load(Ordering::Relaxed), 1, "the head and the first line");
    for burst in 1..=5 {
        let last = format!("last of {burst}");
        let events = (1..100).map(|number| number.to_string()).chain([last.clone()]);
        bursts.send(events.collect()).unwrap();
        let seen = read_until(&mut socket, |seen| seen.contains(&last)).await;
        assert_eq!(seen.matches("data:").count(), 100);
        assert_eq!(writes.load(Ordering::Relaxed), 1 + burst);
    }
}
