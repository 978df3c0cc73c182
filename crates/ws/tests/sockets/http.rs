//! WebSockets out of hyper's and axum's connections.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use headwater_ws::{
    Acceptor, Config, Connector, Deflate, Message, Origins, Protocol, Role, Scheme, Stream,
    WebSocket, WebSocketUpgrade, connect, upgrade,
};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::peer::PATIENCE;

/// Which of hyper's servers.
#[derive(Clone, Copy)]
pub(crate) enum Serve {
    Http1,
    /// The one that looks for HTTP/2 first, which wraps the socket.
    Auto,
    /// Not a TCP socket for all that hyper knows.
    Wrapped,
}

pub(crate) fn acceptor() -> Acceptor {
    Acceptor::new(Origins::same(Scheme::Http))
        .with_protocols([Protocol::new("echo").unwrap()])
        .with_deflate(Deflate::DEFAULT)
}

/// Sends back what it gets, after a line that says what it runs on.
async fn echo(mut socket: WebSocket<Stream>) {
    let on = match socket.transport() {
        Stream::Tcp(_) => "tcp",
        _ => "http",
    };
    let hello = socket.send(&Message::text(on)).await;
    while let (Ok(()), Ok(Some(message))) = (&hello, socket.recv().await) {
        if socket.send(&message).await.is_err() {
            return;
        }
    }
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(match upgrade(&acceptor(), &mut request) {
        Ok((response, upgrade)) => {
            tokio::spawn(async move {
                if let Ok(socket) = upgrade.open(Config::default()).await {
                    echo(socket).await;
                }
            });
            response.map(|()| Empty::new())
        }
        Err(rejection) => rejection.response(Empty::new()),
    })
}

pub(crate) async fn serve(how: Serve) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let service = service_fn(answer);
                let http1 = hyper::server::conn::http1::Builder::new();
                match how {
                    Serve::Http1 => {
                        let connection = http1.serve_connection(TokioIo::new(tcp), service);
                        drop(connection.with_upgrades().await);
                    }
                    Serve::Wrapped => {
                        let (reads, writes) = tcp.into_split();
                        let io = TokioIo::new(tokio::io::join(reads, writes));
                        drop(http1.serve_connection(io, service).with_upgrades().await);
                    }
                    Serve::Auto => {
                        let auto =
                            hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                        drop(auto.serve_connection_with_upgrades(TokioIo::new(tcp), service).await);
                    }
                }
            });
        }
    });
    address
}

async fn open(address: SocketAddr) -> (WebSocket<Stream>, headwater_ws::Accepted) {
    let tcp = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let connector = Connector::new()
        .with_protocols([Protocol::new("other").unwrap(), Protocol::new("echo").unwrap()])
        .with_deflate(Deflate::DEFAULT);
    let uri = format!("ws://{address}/").parse().unwrap();
    let (request, pending) = connector.request(&uri).unwrap();
    let request = request.map(|()| Empty::<Bytes>::new());
    let response = sender.send_request(request).await.unwrap();
    connect(pending, response, Config::default()).await.unwrap()
}

async fn there_and_back(address: SocketAddr, expected: &str) {
    timeout(PATIENCE, async {
        let (mut socket, accepted) = open(address).await;
        assert_eq!(accepted.protocol().unwrap().as_str(), "echo");
        assert!(accepted.deflate().is_some());
        assert!(matches!(socket.transport(), Stream::Tcp(_)));
        assert_eq!(socket.recv().await.unwrap(), Some(Message::text(expected)));
        for message in [
            Message::text("short"),
            Message::text("long enough to be compressed ".repeat(100)),
            Message::binary(vec![7; 300_000]),
        ] {
            socket.send(&message).await.unwrap();
            assert_eq!(socket.recv().await.unwrap(), Some(message));
        }
        socket.close(None).await;
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_socket_is_taken_out_of_hyper() {
    there_and_back(serve(Serve::Http1).await, "tcp").await;
    there_and_back(serve(Serve::Auto).await, "tcp").await;
}

#[tokio::test]
async fn what_is_not_a_socket_stays_where_it_is() {
    there_and_back(serve(Serve::Wrapped).await, "http").await;
}

#[derive(Clone)]
struct State(Acceptor);

impl FromRef<State> for Acceptor {
    fn from_ref(state: &State) -> Self {
        state.0.clone()
    }
}

#[tokio::test]
async fn an_extractor_of_axum() {
    let handler = |upgrade: WebSocketUpgrade| async { upgrade.on_open(Config::default(), echo) };
    let router = Router::new().route("/", get(handler)).with_state(State(acceptor()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    there_and_back(address, "tcp").await;
    let refused = raw(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 426 "), "{refused}");
    assert!(refused.to_lowercase().contains("sec-websocket-version: 13"), "{refused}");
}

/// Sends a request as it is and reads the answer's head, or what came before the end.
pub(crate) async fn raw(address: SocketAddr, request: &str) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, async {
        while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
            if tcp.read_buf(&mut answer).await.unwrap() == 0 {
                break;
            }
        }
    })
    .await
    .unwrap();
    // A server's first frame may come with the head.
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn frames_that_come_with_the_handshake_are_not_lost() {
    for how in [Serve::Http1, Serve::Auto, Serve::Wrapped] {
        let address = serve(how).await;
        let uri = format!("ws://{address}/").parse().unwrap();
        let (request, pending) = Connector::new().request(&uri).unwrap();
        let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
        for (name, value) in request.headers() {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        let mut early = Vec::new();
        let mut encoder = headwater_ws::Encoder::new(Role::Client);
        encoder.message(&Message::text("early"), &mut early).unwrap();
        bytes.extend(early.concat());
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(&bytes).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(tcp.read_u8().await.unwrap());
        }
        drop(pending);
        let accepted = Default::default();
        let mut socket =
            WebSocket::new(tcp, Role::Client, &accepted, Bytes::new(), Config::default());
        timeout(PATIENCE, async {
            assert!(socket.recv().await.unwrap().is_some(), "the server's hello");
            assert_eq!(socket.recv().await.unwrap(), Some(Message::text("early")));
        })
        .await
        .unwrap();
    }
}
