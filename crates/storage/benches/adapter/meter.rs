//! Processor time and memory of this process, and what a folder takes on disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Fault;

/// The kernel tells times to programs in hundredths of a second, whatever it counts in itself.
const TICK: Duration = Duration::from_millis(10);

/// `stat` counts blocks of this many bytes, whatever the file system's are.
const BLOCK: u64 = 512;

/// Processor times at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) at: Instant,
    /// Of this process.
    pub(crate) process: Duration,
    /// Of the thread that asks.
    pub(crate) thread: Duration,
    /// Of all processors.
    machine: Duration,
}

impl Times {
    /// Now, for the thread that calls.
    pub(crate) fn now() -> Result<Self, Fault> {
        Ok(Self {
            at: Instant::now(),
            process: own("/proc/self/stat")?,
            thread: own("/proc/thread-self/stat")?,
            machine: busy(&fs::read_to_string("/proc/stat")?)?,
        })
    }

    /// Cores that were busy with something else since then.
    pub(crate) fn others_since(&self, then: &Self) -> f64 {
        let machine = self.machine.saturating_sub(then.machine);
        let others = machine.saturating_sub(self.process.saturating_sub(then.process));
        others.as_secs_f64() / (self.at - then.at).as_secs_f64().max(f64::EPSILON)
    }
}

fn own(file: &str) -> Result<Duration, Fault> {
    let text = fs::read_to_string(file)?;
    // The command's name stands in parentheses and may hold spaces.
    let (_, fields) = text.rsplit_once(')').ok_or("a strange stat file")?;
    let times = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks = times.sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// All but idle and waiting for a disk, of user nice system idle iowait irq softirq steal.
fn busy(stat: &str) -> Result<Duration, Fault> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).ok_or("no processors")?;
    let fields: Vec<u64> =
        line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>()?;
    let ticks: u64 =
        fields.iter().zip(0..).filter(|(_, at)| ![3, 4].contains(at)).map(|(ticks, _)| ticks).sum();
    Ok(Duration::from_millis(10 * ticks))
}

/// Resident memory of this process at most so far, in bytes.
pub(crate) fn peak() -> Result<u64, Fault> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? * 1024)
}

/// What a folder takes on disk, in bytes. Files that go meanwhile take nothing.
pub(crate) fn stored(folder: &Path) -> Result<u64, Fault> {
    let mut total = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        total += metadata.blocks() * BLOCK;
        if metadata.is_dir() {
            total += stored(&path)?;
        }
    }
    Ok(total)
}
