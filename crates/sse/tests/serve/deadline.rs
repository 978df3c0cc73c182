//! A client that takes nothing is cut off, and one that takes a little is not.

use std::future::pending;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::Stream;
use headwater_sse::PreparedEvent;
use headwater_sse::serve::{DeadlineListener, EventBody, WriteDeadline};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::client::{self, PATIENCE, event};

const LIMIT: Duration = Duration::from_secs(1);

/// Events without an end; opens the gate when it is dropped.
struct Endless(PreparedEvent, Arc<Semaphore>);

impl Stream for Endless {
    type Item = PreparedEvent;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<PreparedEvent>> {
        Poll::Ready(Some(self.0.clone()))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.1.add_permits(1);
    }
}

fn router(dropped: &Arc<Semaphore>) -> Router {
    let dropped = Arc::clone(dropped);
    let endless = move || {
        let events = Endless(event(&"x".repeat(1000)), Arc::clone(&dropped));
        async { EventBody::new(events) }
    };
    Router::new().route("/", get(endless))
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_stuck_client_ends_with_the_deadline_and_never_without_it() {
    let (with, without) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (listener, bounded) = listen().await;
    let listener = DeadlineListener::new(listener, LIMIT);
    let app = router(&with);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let (listener, unbounded) = listen().await;
    let app = router(&without);
    tokio::spawn(async move { axum::serve(listener, app).await });

    let _stuck_for_ever = client::get(unbounded, "").await;
    let mut fast = client::get(bounded, "").await;
    let reading = tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        let start = Instant::now();
        // Twice as long as the deadline.
        while start.elapsed() < 2 * LIMIT {
            assert!(timeout(PATIENCE, fast.read(&mut buffer)).await.unwrap().unwrap() > 0);
        }
    });
    let _stuck = client::get(bounded, "").await;
    timeout(PATIENCE, with.acquire()).await.unwrap().unwrap().forget();
    timeout(PATIENCE, reading).await.unwrap().unwrap();
    assert_eq!(without.available_permits(), 0, "this is what the deadline is for");
    // The one that was read has gone by now, or goes as soon as its socket is closed.
    timeout(PATIENCE, with.acquire()).await.unwrap().unwrap().forget();
}

#[tokio::test(start_paused = true)]
async fn each_byte_that_is_taken_starts_the_time_anew() {
    let (io, mut peer) = tokio::io::duplex(1);
    let mut io = WriteDeadline::new(io, Duration::from_secs(10));
    let start = Instant::now();
    let reader = tokio::spawn(async move {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(9)).await;
            peer.read_u8().await.unwrap();
        }
        pending::<()>().await;
        drop(peer);
    });
    let error = io.write_all(&[0; 100]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 90 + 10);
    reader.abort();
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_to_write_has_no_deadline() {
    let (io, mut peer) = tokio::io::duplex(64);
    let mut io = WriteDeadline::new(io, Duration::from_secs(10));
    for _ in 0..3 {
        io.write_all(b"tick").await.unwrap();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let mut tick = [0; 4];
        peer.read_exact(&mut tick).await.unwrap();
    }
    // Pending for a while, then not; the time of before does not count.
    for _ in 0..3 {
        let (wrote, read) = tokio::join!(io.write_all(&[0; 100]), async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            peer.read_exact(&mut [0; 100]).await
        });
        wrote.unwrap();
        read.unwrap();
    }
}
