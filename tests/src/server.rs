//! A running server process: where it listens, what it said, and the ways to end it.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use crate::exit::Exit;
use crate::http::{Call, Conn};
use crate::launch::Launch;
use crate::wait;

/// Where streams live.
pub const ROOT: &str = "/v1/stream/";

/// A server process. Dropping it kills the process, and fails the test if the process ever panicked.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    launch: Launch,
    stdout: Captured,
    stderr: Captured,
}

impl Server {
    #[track_caller]
    pub(crate) fn spawn(launch: &Launch) -> Self {
        let mut server = Self::spawn_only(launch);
        server.wait_until_it_serves();
        server
    }

    /// Waits until a process that was only started serves.
    ///
    /// # Panics
    /// When it ends before it serves, or says anything else first.
    #[track_caller]
    pub fn wait_until_it_serves(&mut self) {
        let first = self.stdout.first_line();
        let Some(address) = first.strip_prefix("listening on http://") else {
            let exit = self.child.try_wait();
            panic!(
                "the first line of output is {first:?}; exit {exit:?}; standard error:\n{}",
                self.stderr()
            );
        };
        self.address = address.trim().parse().expect("the address in the first line");
    }

    /// Starts the process and waits for nothing.
    ///
    /// # Panics
    /// When the binary cannot be run.
    pub fn spawn_only(launch: &Launch) -> Self {
        let mut child = launch.command().spawn().expect("the headwater binary runs");
        let stdout = Captured::new(child.stdout.take().expect("piped"));
        let stderr = Captured::new(child.stderr.take().expect("piped"));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { child, address, launch: launch.clone(), stdout, stderr }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens to operators: the second line of its output.
    ///
    /// # Panics
    /// When that line says anything else.
    #[track_caller]
    pub fn admin(&self) -> SocketAddr {
        let line = wait::until("the second line of output", || {
            self.stdout()
                .split_inclusive('\n')
                .nth(1)
                .filter(|line| line.ends_with('\n'))
                .map(str::to_owned)
        });
        let address = line.trim().strip_prefix("admin on http://").expect("the operators' address");
        address.parse().expect("an address in the second line")
    }

    /// A request to the operators' listener.
    #[track_caller]
    pub fn operate(&self, target: &str) -> Call {
        Call::of_operator(self.admin(), target)
    }

    /// How it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// A connection of the test's own, for bytes that no client library would send.
    #[track_caller]
    pub fn connect(&self) -> Conn {
        Conn::open(self.address).expect("the server accepts connections")
    }

    /// A request for any target.
    pub fn call(&self, method: &str, target: &str) -> Call {
        Call::new(self.address, method, target)
    }

    /// `PUT` of a stream, named by its path under the root.
    pub fn put(&self, stream: &str) -> Call {
        self.call("PUT", &target(stream))
    }

    /// `POST` to a stream.
    pub fn post(&self, stream: &str) -> Call {
        self.call("POST", &target(stream))
    }

    /// `GET` of a stream; `query` comes without its question mark and may be empty.
    pub fn get(&self, stream: &str, query: &str) -> Call {
        let mark = if query.is_empty() { "" } else { "?" };
        self.call("GET", &format!("{}{mark}{query}", target(stream)))
    }

    /// `HEAD` of a stream.
    pub fn head(&self, stream: &str) -> Call {
        self.call("HEAD", &target(stream))
    }

    /// `DELETE` of a stream.
    pub fn delete(&self, stream: &str) -> Call {
        self.call("DELETE", &target(stream))
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the process takes signals");
    }

    /// Kills it at once, as a crash would, and waits until it is gone.
    pub fn kill9(&mut self) {
        // A process that has already gone is what is wanted.
        let _ = self.child.kill();
        self.child.wait().expect("a killed process ends");
    }

    /// Whether the process has a file open.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn has_open(&self, path: &Path) -> bool {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("procfs");
        let mut links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.any(|link| link == path)
    }

    /// Whether the process has asked to be told of a signal instead of being ended by it.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn catches(&self, signal: Signal) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("procfs");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.expect("SigCgt").trim(), 16).expect("a mask");
        caught >> (signal.as_raw() - 1) & 1 == 1
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the process can be asked").is_none()
    }

    /// Waits until the process has ended by itself, and tells how.
    ///
    /// # Panics
    /// When it still runs at the deadline.
    #[track_caller]
    pub fn wait_for_exit(mut self) -> Exit {
        let status = wait::until("the server process ends", || {
            self.child.try_wait().expect("the process can be asked")
        });
        let (stdout, stderr) = (self.stdout.all(), self.stderr.all());
        Exit { code: status.code(), stdout, stderr }
    }

    /// Stops it with SIGTERM and requires exit code 0.
    #[track_caller]
    pub fn stop(self) -> Launch {
        self.terminate();
        let launch = self.launch.clone();
        let exit = self.wait_for_exit();
        assert_eq!(exit.code, Some(0), "a terminated server exits 0: {exit:#?}");
        launch
    }

    /// Stops it cleanly and starts another on the same directory.
    #[track_caller]
    pub fn restart(self) -> Self {
        self.stop().start()
    }

    /// Kills it and starts another on the same directory.
    #[track_caller]
    pub fn crash_and_restart(mut self) -> Self {
        self.kill9();
        self.launch.start()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
        let said = self.stderr.all();
        if thread::panicking() {
            eprintln!("--- standard error of the server\n{said}---");
        } else {
            let unexpected = unexpected_panic(&said, self.launch.panics_in());
            assert!(unexpected.is_none(), "the server panicked: {unexpected:?}\n{said}");
        }
    }
}

/// The line of a panic that no test asked for.
fn unexpected_panic<'a>(said: &'a str, allowed: Option<&str>) -> Option<&'a str> {
    let unexpected = |line: &&str| !allowed.is_some_and(|place| line.contains(place));
    said.lines().filter(|line| line.contains("panicked")).find(unexpected)
}

/// The request target of a stream.
pub fn target(stream: &str) -> String {
    format!("{ROOT}{stream}")
}

/// What a pipe of the process has delivered, read by a thread so that the process never blocks.
#[derive(Debug)]
struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn new(pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                sink.lock().expect("no panic while held").append(&mut line);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panic while held")).into_owned()
    }

    /// The first line, or all there is when the pipe ends without one.
    #[track_caller]
    fn first_line(&self) -> String {
        wait::until("the server says its first line", || {
            let ended = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            let text = self.text();
            (ended || text.contains('\n')).then(|| text.lines().next().unwrap_or("").to_owned())
        })
    }

    /// Everything up to the end of the pipe, once the process has ended.
    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the pipe's reader");
        }
        self.text()
    }
}

#[cfg(test)]
mod tests {
    use super::unexpected_panic;

    #[test]
    fn a_panic_is_seen_unless_its_place_is_expected() {
        let said = "INFO ready\n\nthread 'a' (7) panicked at src/main.rs:3:5:\noh\nINFO stopped\n";
        let line = "thread 'a' (7) panicked at src/main.rs:3:5:";
        assert_eq!(unexpected_panic(said, None), Some(line));
        assert_eq!(unexpected_panic(said, Some("other.rs")), Some(line));
        assert_eq!(unexpected_panic(said, Some("src/main.rs")), None);
        assert_eq!(unexpected_panic("INFO ready\n", None), None);
    }
}
