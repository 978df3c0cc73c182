//! What a process takes: memory at its highest, threads, descriptors.

use std::fs;

use anyhow::Context;
use serde::Serialize;

use crate::bench::meter::Pid;

/// A look at a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Vitals {
    /// The most memory that it ever had resident, in bytes.
    pub(super) peak: u64,
    pub(super) threads: u64,
    /// Open files and sockets.
    pub(super) descriptors: u64,
}

impl Vitals {
    /// Looks now.
    pub(super) fn of(pid: Pid) -> anyhow::Result<Self> {
        let folder = format!("/proc/{}", pid.0);
        let status =
            fs::read_to_string(format!("{folder}/status")).context("the server is gone")?;
        let descriptors = fs::read_dir(format!("{folder}/fd"))?.count() as u64;
        let (peak, threads) = memory_and_threads(&status).context("a strange /proc/PID/status")?;
        Ok(Self { peak, threads, descriptors })
    }
}

fn memory_and_threads(status: &str) -> Option<(u64, u64)> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let peak: u64 = field("VmHWM:")?.strip_suffix(" kB")?.trim().parse().ok()?;
    Some((peak * 1024, field("Threads:")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_be_looked_at() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\nThreads:\t7\n";
        assert_eq!(memory_and_threads(status), Some((2 << 20, 7)));
        assert_eq!(memory_and_threads("Name:\tx\n"), None);
        let own = Vitals::of(Pid(std::process::id())).unwrap();
        assert!(own.peak > 1 << 20 && own.threads > 0 && own.descriptors > 2, "{own:?}");
    }
}
