//! HTTP/2 without TLS, by prior knowledge: the same answers, many at once on one connection.

use std::time::Duration;

use bytes::Bytes;
use headwater_tests::{Server, on_each_storage};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) type Body = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;
pub(crate) type Sender = http2::SendRequest<Body>;

/// As long as any answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(server: &Server) -> Sender {
    connect_as(server, &http2::Builder::new(TokioExecutor::new())).await
}

/// Connects as a client of these settings.
pub(crate) async fn connect_as(server: &Server, client: &http2::Builder<TokioExecutor>) -> Sender {
    let stream = TcpStream::connect(server.address()).await.expect("a connection");
    let handshake = client.handshake(TokioIo::new(stream));
    let (sender, connection) = handshake.await.expect("HTTP/2 by prior knowledge");
    tokio::spawn(connection);
    sender
}

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

pub(crate) fn request(
    server: &Server,
    method: &str,
    path_and_query: &str,
    body: Body,
) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(format!("http://{}/v1/stream/{path_and_query}", server.address()))
        .header("content-type", "text/plain")
        .body(body)
        .expect("a request")
}

pub(crate) async fn send(sender: &Sender, request: Request<Body>) -> Response<Incoming> {
    let mut sender = sender.clone();
    sender.ready().await.expect("a ready connection");
    timeout(PATIENCE, sender.send_request(request)).await.expect("in time").expect("an answer")
}

pub(crate) async fn text(response: Response<Incoming>) -> String {
    let body = timeout(PATIENCE, response.into_body().collect()).await.expect("in time");
    String::from_utf8(body.expect("a body").to_bytes().to_vec()).expect("UTF-8")
}

fn on_each_storage_async(test: impl AsyncFn(&Server) + Sync) {
    on_each_storage(&["--long-poll-timeout", "60s"], |server| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(test(server));
    });
}

#[test]
fn every_operation_works() {
    on_each_storage_async(async |server| {
        let sender = connect(server).await;
        let ask = async |method: &str, path: &str, body: &'static str| {
            send(&sender, request(server, method, path, whole(body))).await
        };
        let made = ask("PUT", "s", "").await;
        assert_eq!(made.status(), 201);
        let location = format!("http://{}/v1/stream/s", server.address());
        assert_eq!(made.headers()["location"], location.as_str());
        assert_eq!(made.headers()["x-content-type-options"], "nosniff");
        assert_eq!(ask("POST", "s", "hello").await.status(), 204);
        assert_eq!(text(ask("GET", "s?offset=-1", "").await).await, "hello");
        let head = ask("HEAD", "s", "").await;
        assert_eq!(head.status(), 200);
        assert!(head.headers().contains_key("stream-next-offset"));
        assert_eq!(ask("OPTIONS", "s", "").await.status().as_u16() / 100, 2);
        let refused = ask("GET", "s?offset=bad", "").await;
        assert_eq!(refused.status(), 400);
        assert!(text(refused).await.contains("\"code\""));
        assert_eq!(ask("PATCH", "s", "").await.status(), 405);
        assert_eq!(ask("DELETE", "s", "").await.status(), 204);
        assert_eq!(ask("GET", "s", "").await.status(), 404);
    });
}

#[test]
fn a_body_without_a_length_is_taken() {
    on_each_storage_async(async |server| {
        let sender = connect(server).await;
        send(&sender, request(server, "PUT", "s", whole(""))).await;
        let frames: Vec<Result<Frame<Bytes>, std::io::Error>> =
            ["in ", "three ", "frames"].map(|part| Ok(Frame::data(Bytes::from(part)))).into();
        let body = StreamBody::new(futures_of(frames)).boxed();
        assert_eq!(send(&sender, request(server, "POST", "s", body)).await.status(), 204);
        assert_eq!(server.read_text("s"), "in three frames");
    });
}

/// A stream of ready items.
fn futures_of<T: Send + Sync + 'static>(
    items: Vec<T>,
) -> impl futures_core::Stream<Item = T> + Send + Sync {
    struct Items<T>(std::vec::IntoIter<T>);
    impl<T> Unpin for Items<T> {}
    impl<T> futures_core::Stream for Items<T> {
        type Item = T;
        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<T>> {
            std::task::Poll::Ready(self.0.next())
        }
    }
    Items(items.into_iter())
}

#[test]
fn a_request_that_breaks_off_commits_nothing() {
    on_each_storage_async(async |server| {
        let sender = connect(server).await;
        send(&sender, request(server, "PUT", "s", whole(""))).await;
        let frames = vec![
            Ok(Frame::data(Bytes::from("half"))),
            Err(std::io::Error::other("the client breaks off")),
        ];
        let body = StreamBody::new(futures_of(frames)).boxed();
        let mut broken = sender.clone();
        let answer = broken.send_request(request(server, "POST", "s", body)).await;
        let accepted = answer.is_ok_and(|answer| answer.status().is_success());
        assert!(!accepted, "a broken request was accepted");
        assert_eq!(send(&sender, request(server, "POST", "s", whole("x"))).await.status(), 204);
        assert_eq!(server.read_text("s"), "x");
    });
}

#[test]
fn one_connection_carries_many_waiting_readers_and_a_writer() {
    const READERS: usize = 150;
    on_each_storage_async(async |server| {
        let sender = connect(server).await;
        send(&sender, request(server, "PUT", "s", whole(""))).await;
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..READERS {
            let asked = request(server, "GET", "s?offset=-1&live=long-poll", whole(""));
            let sender = sender.clone();
            readers.spawn(async move {
                let answer = send(&sender, asked).await;
                (answer.status(), text(answer).await)
            });
        }
        let wrote = send(&sender, request(server, "POST", "s", whole("for all"))).await;
        assert_eq!(wrote.status(), 204);
        while let Some(read) = readers.join_next().await {
            assert_eq!(read.expect("a reader"), (hyper::StatusCode::OK, "for all".to_owned()));
        }
    });
}

#[test]
fn events_flow_and_end() {
    on_each_storage_async(async |server| {
        let sender = connect(server).await;
        send(&sender, request(server, "PUT", "s", whole("first"))).await;
        let live = send(&sender, request(server, "GET", "s?offset=-1&live=sse", whole(""))).await;
        assert_eq!(live.headers()["content-type"], "text/event-stream");
        let mut body = live.into_body();
        let mut seen = String::new();
        while !seen.contains("upToDate") {
            let frame = timeout(PATIENCE, body.frame()).await.expect("in time");
            let frame = frame.expect("more events").expect("no error");
            seen.push_str(&String::from_utf8_lossy(&frame.into_data().expect("data")));
        }
        assert!(seen.contains("data:first\n"), "{seen}");
        server.close("s");
        let rest = timeout(PATIENCE, body.collect()).await.expect("in time").expect("a clean end");
        let rest = String::from_utf8_lossy(&rest.to_bytes()).into_owned();
        assert!(rest.contains("streamClosed"), "{rest}");
    });
}
