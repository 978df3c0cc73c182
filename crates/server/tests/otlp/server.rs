//! The program with an export, and a client that keeps its connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// No wait of a test lasts longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A running server, killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    said: JoinHandle<String>,
    _home: tempfile::TempDir,
}

/// How a server ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) took: Duration,
    pub(crate) stderr: String,
}

impl Server {
    /// Starts it with spans going to this address, a batch as often as this.
    pub(crate) fn start(endpoint: &str, every: Duration) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_headwater"))
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "off", "--storage", "sled"])
            .args(["--otlp-endpoint", endpoint])
            .env_clear()
            .env("OTEL_BSP_SCHEDULE_DELAY", every.as_millis().to_string())
            .env("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=told")
            .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests")
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let said = thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).unwrap();
            said
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("{first:?}")).parse().unwrap();
        thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
        Self { child, address, said, _home: home }
    }

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Client { stream: BufReader::new(stream) }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> Ended {
        let begun = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let (ended, end) = mpsc::channel();
        let said = std::mem::replace(&mut self.said, thread::spawn(String::new));
        // Its standard error ends when it does.
        thread::spawn(move || ended.send(said.join().unwrap()));
        let stderr = end.recv_timeout(DEADLINE).expect("the server stops");
        let took = begun.elapsed();
        Ended { status: self.child.wait().unwrap(), took, stderr }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Sends a request and returns the status of its answer. Headers end with CRLF each.
    pub(crate) fn call(&mut self, method: &str, target: &str, headers: &str, body: &str) -> u16 {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.stream.read_line(&mut head).unwrap(), 0, "{head:?}");
        }
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).unwrap();
        head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}
