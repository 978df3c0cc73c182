//! Readers that cost the test little: a task and a connection each. What they return is what they read, in the order in which it came.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

type Sender = SendRequest<Empty<Bytes>>;

/// Follows one event stream from the beginning to the end of the stream.
pub(super) async fn follow_events(address: SocketAddr, stream: &str) -> String {
    let mut sender = connect(address).await;
    let answer = get(&mut sender, address, stream, "offset=-1&live=sse").await;
    assert_eq!(answer.status(), 200);
    let events = answer.into_body().collect().await.expect("events up to a clean end").to_bytes();
    let events = std::str::from_utf8(&events).expect("events in UTF-8");
    let (mut text, mut closed) = (String::new(), false);
    for event in events.split_terminator("\n\n") {
        assert!(!closed, "{event:?} behind the end");
        let mut lines =
            event.lines().filter(|line| !line.starts_with(':') && !line.starts_with("id:"));
        match lines.next() {
            Some("event: data") => lines.for_each(|line| text.push_str(data(line).unwrap_or(""))),
            Some("event: control") => {
                closed = lines.filter_map(data).any(|control| control.contains("streamClosed"));
            }
            None => {}
            Some(other) => panic!("{other:?} begins {event:?}"),
        }
    }
    assert!(closed, "the last event tells the end: {events}");
    text
}

/// Polls from the beginning to the end of the stream.
pub(super) async fn follow_polls(address: SocketAddr, stream: &str) -> String {
    let mut sender = connect(address).await;
    let (mut text, mut offset) = (String::new(), "-1".to_owned());
    loop {
        let query = format!("offset={offset}&live=long-poll");
        let answer = get(&mut sender, address, stream, &query).await;
        assert!(matches!(answer.status().as_u16(), 200 | 204), "{answer:?}");
        let header = |name: &str| {
            answer.headers().get(name).map(|value| value.to_str().expect("ASCII").to_owned())
        };
        let closed = header("stream-closed").is_some();
        offset = header("stream-next-offset").expect("an offset to go on from");
        let body = answer.into_body().collect().await.expect("a whole body").to_bytes();
        text.push_str(std::str::from_utf8(&body).expect("whole characters"));
        if closed {
            return text;
        }
    }
}

/// The value of a line of data.
fn data(line: &str) -> Option<&str> {
    let value = line.strip_prefix("data:")?;
    Some(value.strip_prefix(' ').unwrap_or(value))
}

async fn connect(address: SocketAddr) -> Sender {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    sender
}

async fn get(
    sender: &mut Sender,
    address: SocketAddr,
    stream: &str,
    query: &str,
) -> Response<Incoming> {
    let request = Request::builder()
        .uri(format!("/v1/stream/{stream}?{query}"))
        .header("host", address.to_string())
        .body(Empty::new())
        .expect("a request");
    sender.ready().await.expect("a connection that is still open");
    sender.send_request(request).await.expect("an answer")
}
