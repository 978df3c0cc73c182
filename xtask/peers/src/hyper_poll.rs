//! What the HTTP library alone costs where readers wait in a long poll: a hyper server that holds each request until there is a
//! record, and answers it.
//!
//! Streams are kept in memory, and nothing is told of one but its records, where to go on, and that it is closed.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

const NEXT_OFFSET: &str = "stream-next-offset";
const CLOSED: &str = "stream-closed";

/// A stream. A reader's offset is how many records it has.
#[derive(Default)]
struct Log {
    records: Vec<Bytes>,
    closed: bool,
}

/// Streams by path. Only one thread works here: the lock is never contended.
#[derive(Default)]
struct Server {
    streams: Mutex<HashMap<String, Arc<watch::Sender<Log>>>>,
}

/// Listens, says where, and serves until the process ends.
pub(crate) async fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let server = Arc::new(Server::default());
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let server = Arc::clone(&server);
        let service = service_fn(move |request| {
            let server = Arc::clone(&server);
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        // A connection that breaks off is the client's affair.
        tokio::spawn(async move { drop(connection.await) });
    }
}

impl Server {
    fn streams(&self) -> MutexGuard<'_, HashMap<String, Arc<watch::Sender<Log>>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if request.method() == Method::PUT {
            self.streams().insert(path.to_owned(), Arc::default());
            return empty(StatusCode::CREATED);
        }
        let Some(stream) = self.streams().get(path).cloned() else {
            return empty(StatusCode::NOT_FOUND);
        };
        match *request.method() {
            Method::GET => poll(&stream, offset(request.uri().query())).await,
            Method::POST => append(&stream, request).await,
            Method::DELETE => {
                self.streams().remove(path);
                empty(StatusCode::NO_CONTENT)
            }
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }
}

async fn append(stream: &watch::Sender<Log>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let closes = request.headers().contains_key(CLOSED);
    let Ok(record) = request.into_body().collect().await else {
        return empty(StatusCode::BAD_REQUEST);
    };
    let record = record.to_bytes();
    stream.send_modify(|log| {
        log.records.extend((!record.is_empty()).then_some(record));
        log.closed |= closes;
    });
    empty(StatusCode::NO_CONTENT)
}

async fn poll(stream: &watch::Sender<Log>, offset: usize) -> Response<Full<Bytes>> {
    let mut news = stream.subscribe();
    let Ok(log) = news.wait_for(|log| log.closed || log.records.len() > offset).await else {
        return empty(StatusCode::NOT_FOUND);
    };
    let body = match log.records.get(offset..).unwrap_or_default() {
        [one] => one.clone(),
        several => several.concat().into(),
    };
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("text/plain"));
    headers.insert(NEXT_OFFSET, log.records.len().into());
    if log.closed {
        headers.insert(CLOSED, hyper::header::HeaderValue::from_static("true"));
    }
    response
}

/// How many records a reader has; none where it says nothing that is known here.
fn offset(query: Option<&str>) -> usize {
    let mut parameters = query.unwrap_or_default().split('&');
    let offset = parameters.find_map(|parameter| parameter.strip_prefix("offset="));
    offset.and_then(|offset| offset.parse().ok()).unwrap_or_default()
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
