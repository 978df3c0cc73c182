//! A collector: takes spans over HTTP as a real one does, or behaves as badly as a real one can.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use prost::Message;

use crate::message::{Export, ResourceSpans, Span};
use crate::server::DEADLINE;

/// How requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// With this status.
    Status(u16),
    /// Never.
    Silent,
}

#[derive(Debug)]
struct Inner {
    manner: Manner,
    /// The bodies that were answered with 200.
    taken: Vec<Vec<u8>>,
    /// All requests.
    met: usize,
}

/// A collector that listens until the end of the tests.
#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    shared: Arc<(Mutex<Inner>, Condvar)>,
}

impl Collector {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Inner { manner, taken: Vec::new(), met: 0 };
        let shared = Arc::new((Mutex::new(inner), Condvar::new()));
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&serving);
                thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.shared.0.lock().unwrap().manner = manner;
    }

    /// Every body that was taken, as it came.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.shared.0.lock().unwrap().taken.clone()
    }

    /// What was taken, by what sent it.
    pub(crate) fn resources(&self) -> Vec<ResourceSpans> {
        resources(&self.shared.0.lock().unwrap())
    }

    /// Every span that was taken.
    pub(crate) fn spans(&self) -> Vec<Span> {
        spans(&self.shared.0.lock().unwrap())
    }

    /// Waits for a span.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
        self.wait(what, |inner| spans(inner).into_iter().find(|span| wanted(span)))
    }

    /// Waits until it was asked something.
    #[track_caller]
    pub(crate) fn wait_until_met(&self) {
        self.wait("a request comes", |inner| (inner.met > 0).then_some(()));
    }

    #[track_caller]
    fn wait<T>(&self, what: &str, look: impl Fn(&Inner) -> Option<T>) -> T {
        let (inner, changed) = &*self.shared;
        let waiting = |inner: &mut Inner| look(inner).is_none();
        let (inner, _) =
            changed.wait_timeout_while(inner.lock().unwrap(), DEADLINE, waiting).unwrap();
        look(&inner).unwrap_or_else(|| panic!("waited for {what}; came: {:#?}", spans(&inner)))
    }
}

fn resources(inner: &Inner) -> Vec<ResourceSpans> {
    let exports = inner.taken.iter().map(|body| Export::decode(body.as_slice()).unwrap());
    exports.flat_map(|export| export.resources).collect()
}

fn spans(inner: &Inner) -> Vec<Span> {
    let scopes = resources(inner).into_iter().flat_map(|resource| resource.scopes);
    scopes.flat_map(|scope| scope.spans).collect()
}

/// One connection.
fn serve(stream: TcpStream, (inner, changed): &(Mutex<Inner>, Condvar)) {
    let mut stream = BufReader::new(stream);
    while let Some(body) = request(&mut stream) {
        let answer = {
            let mut inner = inner.lock().unwrap();
            inner.met += 1;
            if inner.manner == Manner::Status(200) {
                inner.taken.push(body);
            }
            inner.manner
        };
        changed.notify_all();
        let Manner::Status(status) = answer else {
            // Until the other side gives up.
            drop(stream.read(&mut [0]));
            return;
        };
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
        if stream.get_mut().write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The body of the next request, which must be one that a collector takes.
fn request(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /v1/traces http/1.1\r\n"), "{head}");
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    assert_eq!(field("content-type:"), Some("application/x-protobuf"), "{head}");
    assert!(field("host:").is_some(), "{head}");
    // Every server of these tests is told to send it.
    assert_eq!(field("x-collector-key:"), Some("told"), "{head}");
    let length = field("content-length:").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or_else(|| panic!("no length: {head}"))];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}
