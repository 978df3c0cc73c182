//! A server's process: started, heard until it listens, ended.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::Signal;

use super::super::meter::Pid;
use crate::process::Group;

/// How long a server may take to start. Some replay all that they were sent since their last checkpoint, which takes most of a
/// minute on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(120);

/// How long a server may take to drain and sync when asked to end.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How many lines of its standard error explain a failure.
const LAST_LINES: usize = 20;

/// A server of ours that listens. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    group: Group,
    log: PathBuf,
}

/// Where a server listens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listening {
    /// Without a slash at its end.
    pub(super) url: String,
    /// Where it is told what to publish, if it says so.
    pub(super) control: Option<SocketAddr>,
}

impl Listening {
    /// Some say their name before, or where their data is behind it.
    fn read(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once("listening on ")?;
        let mut words = rest.split_whitespace();
        let url = words.next()?.trim_end_matches('/').to_owned();
        let control = match (words.next(), words.next()) {
            // Like all load, what is published stays on this machine.
            (Some("control"), Some(address)) => {
                let address: SocketAddr = address.parse().ok()?;
                Some(address.ip().is_loopback().then_some(address)?)
            }
            _ => None,
        };
        Some(Self { url, control })
    }
}

impl Process {
    /// Starts `command`, with its standard error in the file `log`, and returns it with where it says
    /// it listens.
    pub(super) fn start(mut command: Command, log: PathBuf) -> anyhow::Result<(Self, Listening)> {
        let errors =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        // Standard input stays open as long as this process lives: the helpers end with it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut process = Self { group: Group::spawn(&mut command)?, log };
        let stdout = process.group.child().stdout.take().context("standard output is piped")?;
        let line = first_line(stdout).recv_timeout(START_LIMIT).ok();
        let listening = line.as_deref().and_then(Listening::read).with_context(|| {
            let program = command.get_program().display();
            let said = line.as_deref().unwrap_or_default();
            format!("{program} did not say where it listens but {said:?}\n{}", process.last_words())
        })?;
        Ok((process, listening))
    }

    /// The process.
    pub(super) fn pid(&mut self) -> Pid {
        Pid(self.group.child().id())
    }

    /// The end of what it wrote on standard error.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n")
    }

    /// Asks it to end and waits until it has.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        self.group.signal(Signal::TERM);
        let ended = self.group.wait_for(STOP_LIMIT)?;
        ensure!(ended.is_some(), "the server still runs {STOP_LIMIT:?} after SIGTERM");
        Ok(())
    }
}

/// Hands over the first line, and reads on so that the server never waits for the pipe.
fn first_line(stdout: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, first) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        if let Some(line) = lines.next() {
            // The receiver may have given up waiting.
            let _ = sender.send(line);
        }
        drop(sender);
        lines.for_each(drop);
    });
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_where() {
        for (line, url, control) in [
            ("listening on http://127.0.0.1:80/", "http://127.0.0.1:80", None),
            ("name 1.0: listening on http://127.0.0.1:80 (data)", "http://127.0.0.1:80", None),
            (
                "listening on http://127.0.0.1:80 control 127.0.0.1:81",
                "http://127.0.0.1:80",
                Some("127.0.0.1:81".parse().unwrap()),
            ),
        ] {
            let expected = Listening { url: url.to_owned(), control };
            assert_eq!(Listening::read(line), Some(expected), "{line}");
        }
        for line in [
            "",
            "listening on ",
            "hello",
            "listening on http://127.0.0.1:80 control nowhere",
            "listening on http://127.0.0.1:80 control 10.1.1.1:80",
        ] {
            assert_eq!(Listening::read(line), None, "{line}");
        }
    }
}
