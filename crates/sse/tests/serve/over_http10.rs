//! A response to HTTP/1.0 ends with its connection, whenever the stream ends.
//!
//! The library asks a body a second time in a row when it could write in between. An end that came just then, and brought no
//! bytes, was not noticed: the connection stayed open, and its client waited, until somebody else ended it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use headwater_sse::PreparedEvent;
use headwater_sse::serve::EventBody;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::client::{event, read_until};

/// One event, then nothing for so many polls, then the end. It wakes nobody.
struct Brief {
    event: Option<PreparedEvent>,
    quiet: u32,
}

impl Stream for Brief {
    type Item = PreparedEvent;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<PreparedEvent>> {
        if let Some(event) = self.event.take() {
            return Poll::Ready(Some(event));
        }
        match self.quiet.checked_sub(1) {
            Some(left) => {
                self.quiet = left;
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

#[tokio::test]
async fn an_end_between_two_polls_ends_the_connection() {
    // Two is the case of the second question.
    for quiet in 0..=2 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let service = service_fn(move |_| async move {
                // No heartbeat either: nothing but the end is to come.
                let brief = Brief { event: Some(event("only")), quiet };
                let body = EventBody::new(brief).heartbeat(None);
                Ok::<_, Infallible>(body.into_response())
            });
            let http = hyper::server::conn::http1::Builder::new();
            let _ = http.serve_connection(TokioIo::new(socket), service).await;
        });
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let seen = read_until(&mut socket, |_| false).await;
        assert!(seen.contains("data:only\n\n"), "{quiet}: {seen}");
    }
}
