//! A small Durable Streams server in memory, with at most one fault.
//!
//! It cuts reads into pages of an odd size, so that records lie across pages and events.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Less than a few records, and no multiple of one.
const PAGE: usize = 333;

/// What goes wrong, and with which append or event of a stream, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Acknowledged and not kept.
    Lose(u32),
    /// Kept twice.
    Double(u32),
    /// Kept behind the next one.
    Swap(u32),
    /// Kept with one byte changed.
    Alter(u32),
    /// Answered 503.
    Refuse(u32),
    /// Every SSE response ends after so many events.
    EndSubscriptions(u32),
    /// Every SSE response ends in the middle of an event.
    CutSubscriptions(u32),
}

#[derive(Clone, Debug, Default)]
struct Stream {
    content_type: String,
    bytes: Vec<u8>,
    appends: u32,
    held: Vec<u8>,
    closed: bool,
}

type Streams = Arc<Mutex<HashMap<String, watch::Sender<Stream>>>>;

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    content_type: String,
    closes: bool,
    body: Vec<u8>,
}

/// Starts the server on a thread of its own, and returns its base URL.
pub(super) fn serve(fault: Fault) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            let streams = Streams::default();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let streams = Arc::clone(&streams);
                // A client that goes away ends its connection's task.
                tokio::spawn(async move { converse(socket, &streams, fault).await });
            }
        });
    });
    format!("http://{address}/v1/stream")
}

async fn converse(mut socket: TcpStream, streams: &Streams, fault: Fault) -> Option<()> {
    let mut unread = Vec::new();
    loop {
        let request = next_request(&mut socket, &mut unread).await?;
        let stream = streams.lock().unwrap().get(&request.path).cloned();
        let answer = match (request.method.as_str(), stream) {
            ("PUT", _) => {
                let stream = Stream { content_type: request.content_type, ..Stream::default() };
                streams.lock().unwrap().insert(request.path, watch::Sender::new(stream));
                "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n".to_owned()
            }
            ("POST", Some(stream)) => append(&stream, &request, fault),
            ("GET", Some(stream)) => {
                let mut watched = stream.subscribe();
                drop(stream);
                let from = request.query["offset"].parse().unwrap_or(0);
                match request.query.get("live").map(String::as_str) {
                    None => page(&watched.borrow(), from),
                    Some("long-poll") => {
                        let changed = |stream: &Stream| stream.bytes.len() > from || stream.closed;
                        page(&*watched.wait_for(changed).await.ok()?, from)
                    }
                    Some(_) => {
                        subscription(&mut socket, watched, from, fault).await?;
                        continue;
                    }
                }
            }
            ("DELETE", Some(_)) => {
                streams.lock().unwrap().remove(&request.path);
                "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
            }
            _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        };
        socket.write_all(answer.as_bytes()).await.ok()?;
    }
}

async fn next_request(socket: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Request> {
    loop {
        if let Some((request, length)) = parse(unread) {
            unread.drain(..length);
            return Some(request);
        }
        if socket.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
}

fn parse(bytes: &[u8]) -> Option<(Request, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head_length) = head.parse(bytes).unwrap() else { return None };
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| std::str::from_utf8(header.value).unwrap().to_owned())
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    let body = bytes.get(head_length..head_length + length)?.to_vec();
    let (path, query) = head.path.unwrap().split_once('?').unwrap_or((head.path.unwrap(), ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let request = Request {
        method: head.method.unwrap().to_owned(),
        path: path.to_owned(),
        query: pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        content_type: header("content-type").unwrap_or_default(),
        closes: header("stream-closed").is_some_and(|value| value == "true"),
        body,
    };
    Some((request, head_length + length))
}

fn append(stream: &watch::Sender<Stream>, request: &Request, fault: Fault) -> String {
    let nth = stream.borrow().appends;
    if fault == Fault::Refuse(nth) && !request.closes {
        return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 7\r\n\r\nnot now".to_owned();
    }
    stream.send_modify(|stream| {
        stream.closed = request.closes;
        stream.appends += 1;
        let mut body = request.body.clone();
        if stream.content_type == "application/json" && !body.is_empty() {
            // Values are kept with a comma behind each.
            body = [body.strip_prefix(b"[").unwrap().strip_suffix(b"]").unwrap(), b","].concat();
        }
        match fault {
            Fault::Lose(at) if at == nth => {}
            Fault::Double(at) if at == nth => stream.bytes.extend(body.repeat(2)),
            Fault::Swap(at) if at == nth => stream.held = body,
            Fault::Alter(at) if at == nth => {
                body[50] ^= 1;
                stream.bytes.extend(body);
            }
            _ => {
                stream.bytes.extend(body);
                let held = std::mem::take(&mut stream.held);
                stream.bytes.extend(held);
            }
        }
    });
    "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
}

fn page(stream: &Stream, from: usize) -> String {
    let to = stream.bytes.len().min(from + PAGE);
    let page = String::from_utf8_lossy(&stream.bytes[from..to]).into_owned();
    let at_tail = to == stream.bytes.len();
    let closed = if at_tail && stream.closed { "Stream-Closed: true\r\n" } else { "" };
    let length = page.len();
    format!(
        "HTTP/1.1 200 OK\r\nStream-Next-Offset: {to}\r\nStream-Up-To-Date: {at_tail}\r\n{closed}\
         Content-Length: {length}\r\n\r\n{page}"
    )
}

async fn subscription(
    socket: &mut TcpStream,
    mut watched: watch::Receiver<Stream>,
    mut from: usize,
    fault: Fault,
) -> Option<()> {
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write_all(head.as_bytes()).await.ok()?;
    let mut control = format!("event: control\ndata: {{\"streamNextOffset\":\"{from}\"}}\n\n");
    for nth in 0.. {
        chunk(socket, &control).await?;
        if fault == Fault::EndSubscriptions(nth) {
            break;
        }
        let changed = |stream: &Stream| stream.bytes.len() > from || stream.closed;
        let (data, closed) = {
            let stream = watched.wait_for(changed).await.ok()?;
            let to = stream.bytes.len().min(from + PAGE);
            let data = String::from_utf8_lossy(&stream.bytes[from..to]).into_owned();
            from = to;
            (data, stream.closed && to == stream.bytes.len())
        };
        if fault == Fault::CutSubscriptions(nth) {
            chunk(socket, "event: data\ndata: @00").await?;
            break;
        }
        if !data.is_empty() {
            chunk(socket, &format!("event: data\ndata: {data}\n\n")).await?;
        }
        let end = if closed { ",\"streamClosed\":true" } else { "" };
        control = format!("event: control\ndata: {{\"streamNextOffset\":\"{from}\"{end}}}\n\n");
        if closed {
            chunk(socket, &control).await?;
            break;
        }
    }
    socket.write_all(b"0\r\n\r\n").await.ok()
}

async fn chunk(socket: &mut TcpStream, text: &str) -> Option<()> {
    socket.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await.ok()
}
