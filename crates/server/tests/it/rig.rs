//! A server on a socket of its own, and a client that shows every byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use headwater_engine::{Engine, Options, SystemClock};
use headwater_server::{Config, Ending, Server};
use headwater_storage::MemoryStorage;
use headwater_storage::testkit::Faulty;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No wait of a test lasts longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// How long a request is watched to be really waiting.
const WATCHED: Duration = Duration::from_millis(150);

/// A running server.
pub(crate) struct Rig {
    pub(crate) faulty: Arc<Faulty>,
    pub(crate) engine: Engine,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Ending>,
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default(), Options::default()).await
    }

    pub(crate) async fn with(config: Config, options: Options) -> Self {
        let faulty = Faulty::over(Arc::new(MemoryStorage::new()));
        let storage: Arc<Faulty> = Arc::clone(&faulty);
        let engine = Engine::start(storage, Arc::new(SystemClock::new()), options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = Server::new(engine.clone(), config);
        let serving = tokio::spawn(server.serve(listener, async {
            drop(stopped.await);
        }));
        Self { faulty, engine, address, stop, serving }
    }

    /// Stops the server and tells how it ended.
    pub(crate) async fn stop(self) -> Ending {
        drop(self.stop);
        timeout(DEADLINE, self.serving).await.expect("the server stops").unwrap()
    }

    /// Sends a request to a stream and waits for the whole answer.
    pub(crate) async fn call(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> Answer {
        self.begin(method, target, headers, body).finish().await
    }

    /// Sends a request, and leaves the answer to come. Headers end with CRLF each.
    pub(crate) fn begin(&self, method: &str, target: &str, headers: &str, body: &str) -> Pending {
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        let request = format!(
            "{method} /v1/stream/{target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             {length}{headers}\r\n{body}"
        );
        self.raw(request)
    }

    /// Sends bytes, and leaves the answer to come.
    pub(crate) fn raw(&self, request: String) -> Pending {
        let address = self.address;
        let (method, _) = request.split_once(' ').unwrap();
        let what = method.to_owned();
        let task = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            Answer::parse(answer)
        });
        Pending { what, task }
    }

    /// Opens an event stream.
    pub(crate) async fn events(&self, target: &str) -> Events {
        self.open(&format!("GET /v1/stream/{target} HTTP/1.1\r\nHost: test\r\n\r\n")).await
    }

    /// Opens a connection and sends these bytes.
    pub(crate) async fn open(&self, bytes: &str) -> Events {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        Events { stream, read: String::new() }
    }
}

/// An answer that is still to come.
pub(crate) struct Pending {
    what: String,
    task: JoinHandle<Answer>,
}

impl Pending {
    /// Requires that no answer has come so far.
    pub(crate) fn expect_no_answer_yet(&self) {
        assert!(!self.task.is_finished(), "{} was answered", self.what);
    }

    /// Watches that no answer comes.
    pub(crate) async fn expect_waiting(&mut self) {
        if let Ok(answer) = timeout(WATCHED, &mut self.task).await {
            panic!("{} was answered: {:?}", self.what, answer.unwrap());
        }
    }

    pub(crate) async fn finish(self) -> Answer {
        timeout(DEADLINE, self.task).await.expect("an answer").unwrap()
    }
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(bytes: Vec<u8>) -> Self {
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The code of an error body.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["error"]["code"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_error(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.code(), code, "{answer:?}");
        answer
    }
}

/// An event stream as it comes, chunk framing and all.
pub(crate) struct Events {
    stream: TcpStream,
    pub(crate) read: String,
}

impl Events {
    /// Reads until the text has come.
    pub(crate) async fn until(&mut self, text: &str) {
        let reading = async {
            while !self.read.contains(text) {
                assert!(self.some().await, "ended before {text:?}: {}", self.read);
            }
        };
        timeout(DEADLINE, reading).await.unwrap_or_else(|_| panic!("{text:?} never came"));
    }

    /// Reads until the connection ends.
    pub(crate) async fn until_end(&mut self) {
        let reading = async { while self.some().await {} };
        timeout(DEADLINE, reading).await.expect("the connection ends");
    }

    /// Watches that nothing comes.
    pub(crate) async fn expect_waiting(&mut self) {
        if timeout(WATCHED, self.some()).await.is_ok() {
            panic!("came: {}", self.read);
        }
    }

    /// Reads until nothing comes for as long as a request is watched to be waiting.
    pub(crate) async fn until_quiet(&mut self) {
        while let Ok(more) = timeout(WATCHED, self.some()).await {
            assert!(more, "ended after {} bytes", self.read.len());
        }
    }

    /// Whether the response came to its own end, rather than being broken off.
    pub(crate) fn ended_cleanly(&self) -> bool {
        self.read.ends_with("\r\n0\r\n\r\n")
    }

    async fn some(&mut self) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        // A connection that is reset has ended too.
        let read = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.read.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        read > 0
    }
}
