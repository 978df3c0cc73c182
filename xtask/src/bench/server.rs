//! The servers that are measured: what `--target` names, started fresh for every row and ended with it.
//!
//! A server is whatever says `listening on http://ADDR:PORT` in its first line; one that is named by
//! its URL is used as it is and left running.

mod dsr;
mod launch;
mod null;
mod peers;
mod process;
mod target;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::base_url::BaseUrl;
use super::meter::{Meter, Pid};
pub(crate) use dsr::Durability;
pub(crate) use launch::{Launcher, Profile};
pub(crate) use null::serve as serve_null;
pub(crate) use peers::Peer;
use process::Process;
pub(crate) use target::Target;

/// What a server can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// It answers appends and keeps nothing.
    Appends,
    /// It is a Durable Streams server.
    Streams,
    /// Its readers wait in a long poll for what is appended, which it keeps in memory.
    Polls,
    /// It hands on what it is told to publish, and keeps nothing.
    Broadcast {
        /// How its subscribers are reached.
        wires: &'static [Wire],
        /// Whether one that does not read leaves the others alone.
        stuck: Stuck,
    },
}

/// How a subscriber is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Server-Sent Events.
    Sse,
    /// WebSocket.
    WebSocket,
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sse => "SSE",
            Self::WebSocket => "WebSocket",
        })
    }
}

/// What becomes of everybody else when one subscriber does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// They go on.
    Alone,
    /// They wait for it.
    Waited,
}

/// What a row asks of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// An answer to appends.
    Appends,
    /// A Durable Streams server.
    Streams,
    /// Readers that wait in a long poll.
    Polls,
    /// Live subscribers, over this wire.
    Subscribers(Wire),
    /// The same, and that one which does not read leaves the others alone.
    Isolation(Wire),
}

impl Ability {
    /// Whether a server has what a row asks for.
    pub(crate) fn meets(self, needs: Needs) -> bool {
        match (self, needs) {
            (Self::Streams, Needs::Subscribers(wire) | Needs::Isolation(wire)) => wire == Wire::Sse,
            (Self::Streams, _) | (Self::Appends, Needs::Appends) | (Self::Polls, Needs::Polls) => {
                true
            }
            (Self::Broadcast { wires, .. }, Needs::Subscribers(wire)) => wires.contains(&wire),
            (Self::Broadcast { wires, stuck }, Needs::Isolation(wire)) => {
                wires.contains(&wire) && stuck == Stuck::Alone
            }
            (Self::Appends | Self::Polls | Self::Broadcast { .. }, _) => false,
        }
    }
}

/// A server that listens. Dropping it ends the process and removes the data directory, if they are ours.
#[derive(Debug)]
pub(crate) struct Server {
    /// As in `--target`, for the report.
    pub(crate) name: String,
    /// Where its streams are.
    pub(crate) base: BaseUrl,
    /// Its process, if known.
    pub(crate) pid: Option<Pid>,
    /// What it can do.
    pub(crate) ability: Ability,
    /// Where it is told what to publish, if it is one that broadcasts.
    pub(crate) control: Option<SocketAddr>,
    /// How it was started, if it is ours.
    pub(crate) own: Option<Own>,
    // The order of these two matters: the process ends before its directory goes.
    process: Option<Process>,
    _folder: Option<TempDir>,
}

/// What it takes to start a server like this one.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    /// Has what it takes.
    pub(crate) launcher: Launcher,
    /// What was started.
    pub(crate) target: Target,
    /// Its data directory.
    pub(crate) data: PathBuf,
}

impl Server {
    /// A server that runs already and is left running.
    pub(crate) fn running(name: &str, base: BaseUrl, pid: Option<Pid>, ability: Ability) -> Self {
        Self {
            name: name.to_owned(),
            base,
            pid,
            ability,
            control: None,
            own: None,
            process: None,
            _folder: None,
        }
    }

    /// What the server last wrote on standard error, to explain a failure.
    pub(crate) fn last_words(&self) -> String {
        self.process.as_ref().map(Process::last_words).unwrap_or_default()
    }

    /// Waits until the server has nothing left to do from the last round, so that it does not disturb
    /// the next one; a server that is busy of its own accord is waited for only so long.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        /// Two ticks of 10 ms in this time are a fifth of a core: still at work.
        const LOOK: Duration = Duration::from_millis(100);
        const PATIENCE: Duration = Duration::from_secs(5);
        let begun = Instant::now();
        while self.pid.is_some() && begun.elapsed() < PATIENCE {
            let meter = Meter::start(self.pid)?;
            std::thread::sleep(LOOK);
            let usage = meter.stop(Instant::now())?;
            if usage.server.unwrap_or_default() < Duration::from_millis(20) {
                break;
            }
        }
        Ok(())
    }

    /// Asks the server to end and waits for it.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.process.take().map_or(Ok(()), Process::stop)
    }
}
