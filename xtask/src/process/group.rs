//! A process with a process group of its own, killed as a whole.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// The groups that are alive. A mutex, because only spawning, dropping and the one signal thread
/// touch it.
static ALIVE: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// The pause between two looks at a process, short beside anything measured here.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a group may take to end after a polite signal before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// A child process and everything it starts. Dropping it kills them all.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    pid: Pid,
}

impl Group {
    /// Starts `command` in a group of its own.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child =
            command.process_group(0).spawn().with_context(|| format!("cannot run {command:?}"))?;
        let pid = Pid::from_child(&child);
        alive(|groups| groups.insert(pid.as_raw_nonzero().get()));
        Ok(Self { child, pid })
    }

    /// The process, for its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How the process ended, if it has.
    pub(crate) fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait for a child process")
    }

    /// Sends a signal to the whole group.
    pub(crate) fn signal(&self, signal: Signal) {
        // A group that is already gone is what a signal is meant to reach.
        let _ = kill_process_group(self.pid, signal);
    }

    /// Waits for the process to end, at most `limit`.
    pub(crate) fn wait_for(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.try_wait()? {
                return Ok(Some(status));
            }
            if start.elapsed() >= limit {
                return Ok(None);
            }
            thread::sleep(PAUSE);
        }
    }

    /// Asks the group to end, and kills it if it does not within a few seconds.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.signal(Signal::TERM);
        self.wait_for(GRACE)?;
        self.signal(Signal::KILL);
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        // It was killed just now, so this returns at once; a failure leaves nothing to be done.
        let _ = self.child.wait();
        alive(|groups| groups.remove(&self.pid.as_raw_nonzero().get()));
    }
}

fn alive(change: impl FnOnce(&mut BTreeSet<i32>) -> bool) {
    change(&mut ALIVE.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Ends every [`Group`], and then this process, on Ctrl-C, a hang-up or a request to terminate.
pub(crate) fn kill_children_on_signal() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot watch signals")?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end_all();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn end_all() {
    let start = Instant::now();
    signal_all(Signal::TERM);
    while start.elapsed() < GRACE && any_alive() {
        thread::sleep(PAUSE);
    }
    signal_all(Signal::KILL);
}

fn pids() -> Vec<Pid> {
    let groups = ALIVE.lock().unwrap_or_else(PoisonError::into_inner);
    groups.iter().filter_map(|raw| Pid::from_raw(*raw)).collect()
}

fn signal_all(signal: Signal) {
    for pid in pids() {
        let _ = kill_process_group(pid, signal);
    }
}

fn any_alive() -> bool {
    pids().into_iter().any(|pid| rustix::process::test_kill_process_group(pid).is_ok())
}
