//! A process whose output can be looked at while it runs.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Group;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// How long to read on after the process has ended: a straggler that left the group may hold the
/// pipes open for ever.
const DRAIN: Duration = Duration::from_secs(2);

/// A running process and what it has printed so far. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Watched {
    group: Group,
    stdout: Captured,
    stderr: Captured,
}

impl Watched {
    /// Starts `command` without input.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::spawn(command)?;
        let stdout = group.child().stdout.take().context("standard output is piped")?;
        let stderr = group.child().stderr.take().context("standard error is piped")?;
        Ok(Self { group, stdout: Captured::new(stdout), stderr: Captured::new(stderr) })
    }

    /// The process.
    pub(crate) fn group(&mut self) -> &mut Group {
        &mut self.group
    }

    /// Pauses a moment, and tells whether the process has ended; then all it printed is there.
    pub(crate) fn look(&mut self) -> Result<Option<ExitStatus>> {
        let ended = self.group.wait_for(PAUSE)?;
        if ended.is_some() {
            self.group.signal(rustix::process::Signal::KILL);
            let start = Instant::now();
            while start.elapsed() < DRAIN && !(self.stdout.is_whole() && self.stderr.is_whole()) {
                thread::sleep(PAUSE);
            }
        }
        Ok(ended)
    }

    /// What it has printed on standard output.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What it has printed on standard error.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }
}

#[derive(Debug)]
struct Captured {
    /// A mutex, because a reader thread appends while the owner looks; neither holds it long.
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Captured {
    fn new(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            // One page of a pipe at a time; programs that print more make more rounds.
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut chunk) {
                let mut bytes = sink.lock().unwrap_or_else(PoisonError::into_inner);
                bytes.extend(chunk.iter().take(count));
            }
        });
        Self { bytes, reader }
    }

    fn is_whole(&self) -> bool {
        self.reader.is_finished()
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_there_before_and_after_the_end() {
        let script = "printf early; read -r line <fifo; echo late; echo error >&2; exit 4";
        let folder = tempfile::tempdir().unwrap();
        let mkfifo = Command::new("mkfifo").arg("fifo").current_dir(&folder).status().unwrap();
        assert!(mkfifo.success());
        let mut command = Command::new("bash");
        let mut running =
            Watched::start(command.args(["-c", script]).current_dir(&folder)).unwrap();
        let start = Instant::now();
        while running.stdout() != "early" {
            assert!(start.elapsed() < Duration::from_secs(20));
            assert!(running.look().unwrap().is_none());
        }
        std::fs::write(folder.path().join("fifo"), "go\n").unwrap();
        let status = loop {
            if let Some(status) = running.look().unwrap() {
                break status;
            }
        };
        assert_eq!(status.code(), Some(4));
        assert_eq!(running.stdout(), "earlylate\n");
        assert_eq!(running.stderr(), "error\n");
    }
}
