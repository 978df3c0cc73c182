//! A `headwater` server as a child process: built, started on a free port, stopped cleanly.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

use crate::process::Group;
use crate::workspace::{Workspace, cargo};

/// How long a server may take to open its data directory and listen.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long a server may take to drain and sync after a request to end.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// What the first line of a server's standard output starts with.
const LISTENING: &str = "listening on ";

/// A cargo profile to build the server with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    /// Quick to build.
    Dev,
    /// What users run.
    Release,
}

/// Builds the server and returns the path of its binary.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--package", "headwater-server", "--bin", "headwater"]);
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    let status = command.current_dir(&workspace.root).status().context("cannot run cargo build")?;
    ensure!(status.success(), "the headwater binary does not build");
    Ok(workspace.target.join(folder).join("headwater"))
}

/// A server that listens.
#[derive(Debug)]
pub(crate) struct Server {
    group: Group,
    /// Its base URL, without a slash at the end.
    pub(crate) url: String,
}

impl Server {
    /// Starts `binary` on `storage` and waits until it listens. Its standard error goes to `log`.
    pub(crate) fn start(
        binary: &Path,
        data_dir: &Path,
        storage: &str,
        flags: &[&str],
        log: &Path,
    ) -> Result<Self> {
        let errors =
            File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--storage", storage, "--data-dir"])
            .arg(data_dir)
            .args(flags)
            .env_remove("PORT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let mut group = Group::spawn(&mut command)?;
        let stdout = group.child().stdout.take().context("standard output is piped")?;
        let first = first_line(stdout);
        let url = match first.recv_timeout(START_LIMIT) {
            Ok(line) => line
                .strip_prefix(LISTENING)
                .map(|url| url.trim().trim_end_matches('/').to_owned())
                .with_context(|| format!("the server's first line is {line:?}"))?,
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "the server does not listen after {START_LIMIT:?}; its log is {}",
                    log.display()
                )
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = group.wait_for(START_LIMIT)?;
                let said = std::fs::read_to_string(log).unwrap_or_default();
                bail!("the server ended before it listened ({status:?}):\n{said}")
            }
        };
        Ok(Self { group, url })
    }

    /// The process.
    pub(crate) fn pid(&mut self) -> u32 {
        self.group.child().id()
    }

    /// Asks the server to drain; it must end with status 0 in good time.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(status) = self.group.try_wait()? {
            bail!("the server ended by itself with {status}");
        }
        let start = Instant::now();
        self.group.signal(Signal::TERM);
        let Some(status) = self.group.wait_for(STOP_LIMIT)? else {
            bail!("the server still runs {:?} after SIGTERM", start.elapsed());
        };
        ensure!(status.success(), "the server ended with {status} after SIGTERM");
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
