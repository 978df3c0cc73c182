//! Runs a process to its end, showing what it prints as it comes and keeping it.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Group;

/// How often the end of the process is looked for while it prints nothing.
const LOOK: Duration = Duration::from_millis(20);

/// How long to read on after the process has ended: a straggler that left the group may hold the
/// pipes open for ever.
const DRAIN: Duration = Duration::from_secs(2);

/// Whether output is also shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// Shown while it comes.
    Shown,
    /// Kept only.
    Hidden,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// Killed at its limit.
    TimedOut,
}

impl Ending {
    /// Whether it ended by itself and with status 0.
    pub(crate) fn success(&self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }
}

/// A process that is no more.
#[derive(Debug)]
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) ending: Ending,
    /// What it printed on standard output and standard error, in order of arrival.
    pub(crate) output: String,
    /// How long it ran.
    pub(crate) took: Duration,
}

/// Runs `command` without input for at most `limit`; then its whole group is killed.
pub(crate) fn tee(command: &mut Command, limit: Duration, echo: Echo) -> Result<Finished> {
    let start = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command)?;
    // Unbounded, because the readers must never make the process wait for us; what it prints is
    // kept whole anyway.
    let (lines, printed) = mpsc::channel();
    let stdout = group.child().stdout.take().context("standard output is piped")?;
    let stderr = group.child().stderr.take().context("standard error is piped")?;
    forward(stdout, lines.clone());
    forward(stderr, lines);

    let mut output = String::new();
    let ending = loop {
        take(&printed, LOOK, echo, &mut output);
        if let Some(status) = group.try_wait()? {
            break Ending::Exited(status);
        }
        if start.elapsed() >= limit {
            group.end()?;
            break Ending::TimedOut;
        }
    };
    let took = start.elapsed();
    drop(group);
    let drained = Instant::now();
    while drained.elapsed() < DRAIN && take(&printed, LOOK, echo, &mut output) == Pipes::Open {}
    Ok(Finished { ending, output, took })
}

#[derive(PartialEq, Eq)]
enum Pipes {
    Open,
    Closed,
}

/// Takes all lines that are there, waiting for the first at most `wait`.
fn take(printed: &Receiver<String>, wait: Duration, echo: Echo, output: &mut String) -> Pipes {
    let mut next = printed.recv_timeout(wait);
    loop {
        match next {
            Ok(line) => {
                if echo == Echo::Shown {
                    print!("{line}");
                }
                output.push_str(&line);
            }
            Err(ended) => {
                // A closed standard output is no reason to stop the work.
                let _ = std::io::stdout().flush();
                if ended == RecvTimeoutError::Disconnected {
                    thread::sleep(wait);
                    return Pipes::Closed;
                }
                return Pipes::Open;
            }
        }
        next = printed.try_recv().map_err(|error| match error {
            mpsc::TryRecvError::Empty => RecvTimeoutError::Timeout,
            mpsc::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        });
    }
}

fn forward(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(count) if count > 0) {
            if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use rustix::process::{Pid, Signal, kill_process, test_kill_process};

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn keeps_both_streams_and_the_status() {
        let done =
            tee(&mut shell("echo out; echo err >&2; exit 3"), Duration::MAX, Echo::Hidden).unwrap();
        assert!(done.output.contains("out\n") && done.output.contains("err\n"), "{done:?}");
        assert!(matches!(done.ending, Ending::Exited(status) if status.code() == Some(3)));
    }

    fn process(id: &str) -> Pid {
        Pid::from_raw(id.trim().parse().unwrap()).unwrap()
    }

    #[test]
    fn kills_the_whole_group_at_the_limit() {
        let script = "sleep 300 & echo $!; wait";
        // On a busy machine the shell may not even have started at the first limit.
        let killed = [1, 4, 16, 64].into_iter().find_map(|seconds| {
            let limit = Duration::from_secs(seconds);
            let done = tee(&mut shell(script), limit, Echo::Hidden).unwrap();
            assert!(matches!(done.ending, Ending::TimedOut), "{done:?}");
            (!done.output.is_empty()).then(|| process(&done.output))
        });
        let child = killed.unwrap();
        let start = Instant::now();
        while test_kill_process(child).is_ok() {
            assert!(start.elapsed() < Duration::from_secs(20), "the grandchild lives on");
            thread::yield_now();
        }
    }

    #[test]
    fn does_not_wait_for_a_straggler_outside_the_group() {
        let mut straggling = shell("setsid sleep 300 & echo $!");
        let done = tee(&mut straggling, Duration::from_secs(200), Echo::Hidden).unwrap();
        assert!(done.ending.success(), "{done:?}");
        assert!(test_kill_process(process(&done.output)).is_ok(), "the straggler was waited for");
        kill_process(process(&done.output), Signal::KILL).unwrap();
    }
}
