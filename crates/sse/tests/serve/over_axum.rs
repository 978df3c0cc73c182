//! A whole axum server on a real socket.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use futures_util::stream;
use headwater_sse::PreparedEvent;
use headwater_sse::broker::{Broker, Options};
use headwater_sse::serve::{EventBody, LastEventId};
use tokio::net::TcpListener;

use crate::client::{self, event, read_until};

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

#[tokio::test]
async fn a_silent_stream_has_its_head_at_once() {
    let body =
        || EventBody::new(stream::pending::<PreparedEvent>()).retry(Duration::from_millis(1500));
    has_its_head_at_once(body, "content-type: text/event-stream").await;
}

#[tokio::test]
async fn a_head_names_the_charset_if_it_is_to() {
    let body = || {
        let silent = EventBody::new(stream::pending::<PreparedEvent>()).name_charset();
        silent.retry(Duration::from_millis(1500))
    };
    has_its_head_at_once(body, "content-type: text/event-stream; charset=utf-8").await;
}

async fn has_its_head_at_once(
    body: fn() -> EventBody<stream::Pending<PreparedEvent>>,
    content_type: &str,
) {
    let address = serve(Router::new().route("/", get(move || async move { body() }))).await;
    let start = Instant::now();
    let mut socket = client::get(address, "").await;
    let seen = read_until(&mut socket, |seen| seen.contains("retry")).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.lines().filter(|line| !line.starts_with("date:")).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "HTTP/1.1 200 OK",
            "cache-control: no-cache, no-transform",
            content_type,
            "transfer-encoding: chunked",
            "x-accel-buffering: no",
        ]
    );
    assert_eq!(body, "D\r\nretry: 1500\n\n\r\n");
}

/// Of an event every 50 ms the first ones come while the others are still to be made.
async fn a_ticker_ticks() {
    let ticks = || async {
        let pace = tokio::time::interval(Duration::from_millis(50));
        let ticks = stream::unfold((pace, 0), |(mut pace, number)| async move {
            pace.tick().await;
            Some((event(&format!("tick {number}")), (pace, number + 1)))
        });
        EventBody::new(ticks)
    };
    let address = serve(Router::new().route("/", get(ticks))).await;
    let mut socket = client::get(address, "").await;
    read_until(&mut socket, |seen| seen.contains("data:tick 2\n\n")).await;
}

#[tokio::test]
async fn a_ticker_ticks_on_one_thread() {
    a_ticker_ticks().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticker_ticks_on_many() {
    a_ticker_ticks().await;
}

#[tokio::test]
async fn an_ended_stream_ends_the_response_and_not_the_connection() {
    let address = serve(Router::new().route(
        "/",
        get(|last: LastEventId| async move {
            let id = last.as_deref().unwrap_or("none").to_owned();
            EventBody::new(stream::iter([event(&id)]))
        }),
    ))
    .await;
    let mut socket = client::get(address, "Last-Event-ID: \u{e9}:7\r\n").await;
    let seen = read_until(&mut socket, |seen| seen.ends_with("0\r\n\r\n")).await;
    assert!(seen.contains(":\n\ndata:\u{e9}:7\n\n"), "{seen}");
    tokio::io::AsyncWriteExt::write_all(&mut socket, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let seen = read_until(&mut socket, |seen| seen.ends_with("0\r\n\r\n")).await;
    assert!(seen.contains("data:none\n\n"), "{seen}");
}

#[tokio::test]
async fn a_client_that_is_gone_leaves_the_broker() {
    let broker: Broker = Broker::new(Options::default());
    let joining = broker.clone();
    let subscribe = move || {
        let events = joining.subscribe(()).unwrap();
        async { EventBody::new(events) }
    };
    let address = serve(Router::new().route("/", get(subscribe))).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut socket = client::get(address, "").await;
        read_until(&mut socket, |seen| seen.ends_with(":\n\n\r\n")).await;
        clients.push(socket);
    }
    assert_eq!(broker.count(), 8);
    clients.truncate(3);
    let left = async {
        while broker.count() > 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(client::PATIENCE, left).await.unwrap();
    broker.publish_prepared(event("still there")).unwrap();
    for socket in &mut clients {
        read_until(socket, |seen| seen.contains("still there")).await;
    }
}
