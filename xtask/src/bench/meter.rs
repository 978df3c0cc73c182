//! What the machine did during a measured window: the server's processor time and memory, the load
//! generator's own time, and what everything else on the machine used meanwhile.
//!
//! Times come from `/proc` and count in ticks of 10 ms, so a window with less than 0.2 s of server time
//! tells it to no better than 5 %.

mod proc;

use std::time::{Duration, Instant};

use anyhow::Context;

pub(crate) use proc::{Pid, peak, resident};

/// The beginning of a window.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Option<Pid>,
    start: Reading,
    begun: Instant,
}

/// What a window used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Length of the window.
    pub(crate) wall: Duration,
    /// User and system time of the server and its children; `None` if its process is not known.
    pub(crate) server: Option<Duration>,
    /// User and system time of this process.
    pub(crate) client: Duration,
    /// Cores that were busy with neither, on average; `None` if the server's process is not known.
    pub(crate) others: Option<f64>,
    /// Resident memory of the server and its children at the end of the window, in bytes.
    pub(crate) resident: Option<u64>,
    /// How often threads of the server gave up a processor of their own accord, to wait for something.
    pub(crate) waits: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    server: Option<Duration>,
    client: Duration,
    machine: Duration,
    waits: Option<u64>,
}

impl Meter {
    /// Begins a window now.
    pub(crate) fn start(server: Option<Pid>) -> anyhow::Result<Self> {
        let start = Reading::take(server)?;
        Ok(Self { server, start, begun: Instant::now() })
    }

    /// What a process used since it started, in all the time it was there: the window has no length, and others are
    /// not told apart.
    pub(crate) fn since_start(server: Pid) -> anyhow::Result<Usage> {
        Ok(Usage {
            wall: Duration::ZERO,
            server: Some(proc::time_of_tree(server)?),
            client: Duration::ZERO,
            others: None,
            resident: Some(proc::resident(server)?),
            waits: Some(proc::waits(server)?),
        })
    }

    /// When the window began.
    pub(crate) fn begun(&self) -> Instant {
        self.begun
    }

    /// Ends the window. `until` is when the measured work ended, just before this call; if there was
    /// none in it, the window lasts until now.
    pub(crate) fn stop(self, until: Instant) -> anyhow::Result<Usage> {
        let end = Reading::take(self.server)?;
        let wall = match until.saturating_duration_since(self.begun) {
            Duration::ZERO => self.begun.elapsed(),
            wall => wall,
        };
        let server =
            end.server.zip(self.start.server).map(|(end, start)| end.saturating_sub(start));
        let client = end.client.saturating_sub(self.start.client);
        let machine = end.machine.saturating_sub(self.start.machine);
        let others = server.map(|server| {
            let others = machine.saturating_sub(client).saturating_sub(server);
            others.as_secs_f64() / wall.as_secs_f64().max(f64::EPSILON)
        });
        let resident = self.server.map(proc::resident).transpose()?;
        let waits = end.waits.zip(self.start.waits).map(|(end, start)| end.saturating_sub(start));
        Ok(Usage { wall, server, client, others, resident, waits })
    }
}

impl Reading {
    fn take(pid: Option<Pid>) -> anyhow::Result<Self> {
        let server = pid
            .map(|pid| proc::time_of_tree(pid).context("the server's process has ended"))
            .transpose()?;
        let waits = pid.map(proc::waits).transpose()?;
        Ok(Self { server, client: proc::own_time()?, machine: proc::machine_time()?, waits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_child_is_the_servers_and_not_others() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sh -c 'while :; do :; done'; :"])
            .spawn()
            .unwrap();
        let meter = Meter::start(Some(Pid(child.id()))).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let busy = loop {
            let so_far = proc::time_of_tree(Pid(child.id())).unwrap();
            if so_far > Duration::from_millis(200) || Instant::now() > deadline {
                break so_far;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let usage = meter.stop(Instant::now()).unwrap();
        // The grandchild is found through the tree, so it is ended through it, too.
        for pid in proc::tree(Pid(child.id())).unwrap() {
            if let Some(pid) = rustix::process::Pid::from_raw(pid.0.cast_signed()) {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            }
        }
        child.wait().unwrap();
        assert!(busy > Duration::from_millis(200), "{busy:?}");
        assert!(usage.server.unwrap() > Duration::from_millis(150), "{usage:?}");
        assert!(usage.resident.unwrap() > 100_000, "{usage:?}");
    }
}
