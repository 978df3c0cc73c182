//! Readings from `/proc`.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};

/// A process of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pid(pub(crate) u32);

/// The part of `/proc/PID/stat` that is used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: Pid,
    /// User and system time, of the process and of the children it has waited for, in ticks.
    own_ticks: u64,
    reaped_ticks: u64,
}

/// User and system time of this process, without its children.
pub(super) fn own_time() -> anyhow::Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    Ok(ticks(Stat::parse(&stat)?.own_ticks))
}

/// User and system time of a process and of everything it started, ended children included.
pub(super) fn time_of_tree(root: Pid) -> anyhow::Result<Duration> {
    let stats = all_stats()?;
    let tree = tree_of(root, &stats);
    ensure!(!tree.is_empty(), "no process {}", root.0);
    let stats = tree.iter().filter_map(|pid| stats.get(pid));
    Ok(ticks(stats.map(|stat| stat.own_ticks + stat.reaped_ticks).sum()))
}

/// Resident memory of a process and of everything it started, in bytes.
pub(crate) fn resident(root: Pid) -> anyhow::Result<u64> {
    memory(root, "VmRSS:")
}

/// The same at most so far; of several processes, the sum of what each had at most.
pub(crate) fn peak(root: Pid) -> anyhow::Result<u64> {
    memory(root, "VmHWM:")
}

fn memory(root: Pid, field: &str) -> anyhow::Result<u64> {
    let tree = tree(root)?;
    ensure!(!tree.is_empty(), "no process {}", root.0);
    // A child may end between the two looks; it holds no memory then.
    let statuses =
        tree.iter().filter_map(|pid| fs::read_to_string(format!("/proc/{}/status", pid.0)).ok());
    Ok(statuses.filter_map(|status| memory_in(&status, field)).sum())
}

/// How often threads of a process and of everything it started have waited: each time one of them gave up its processor of its
/// own accord. Threads that have ended are not counted.
pub(super) fn waits(root: Pid) -> anyhow::Result<u64> {
    let mut waits = 0;
    for pid in tree(root)? {
        // Both may have ended meanwhile.
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", pid.0)) else { continue };
        for thread in threads.flatten() {
            let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            waits += waits_in(&status).unwrap_or_default();
        }
    }
    Ok(waits)
}

/// A process and its living descendants; empty if it has ended.
pub(super) fn tree(root: Pid) -> anyhow::Result<Vec<Pid>> {
    Ok(tree_of(root, &all_stats()?))
}

/// The time all processors together were busy since the machine started.
pub(super) fn machine_time() -> anyhow::Result<Duration> {
    busy_in(&fs::read_to_string("/proc/stat")?).map(ticks)
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs(count)
        / u32::try_from(rustix::param::clock_ticks_per_second()).unwrap_or(100)
}

fn all_stats() -> anyhow::Result<HashMap<Pid, Stat>> {
    let mut stats = HashMap::new();
    for entry in fs::read_dir("/proc").context("reading /proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse() else { continue };
        // A process may end between the listing and the look at it.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        stats.insert(Pid(pid), Stat::parse(&stat)?);
    }
    Ok(stats)
}

fn tree_of(root: Pid, stats: &HashMap<Pid, Stat>) -> Vec<Pid> {
    let mut tree: Vec<Pid> = stats.contains_key(&root).then_some(root).into_iter().collect();
    let mut seen = 0;
    while let Some(&parent) = tree.get(seen) {
        tree.extend(stats.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid));
        seen += 1;
    }
    tree
}

impl Stat {
    fn parse(text: &str) -> anyhow::Result<Self> {
        // The command's name stands in parentheses and may itself hold spaces and parentheses.
        let (_, fields) = text.rsplit_once(')').context("a strange /proc/PID/stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |at: usize| -> anyhow::Result<u64> {
            fields.get(at).context("a short /proc/PID/stat")?.parse().context("a strange number")
        };
        Ok(Self {
            parent: Pid(u32::try_from(number(1)?)?),
            own_ticks: number(11)? + number(12)?,
            reaped_ticks: number(13)? + number(14)?,
        })
    }
}

/// A field of a `/proc/PID/status`, in bytes; a kernel thread or a zombie has none.
fn memory_in(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn waits_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// Busy ticks of a `/proc/stat`: all but idle and waiting for a disk; time the host took counts as busy.
fn busy_in(stat: &str) -> anyhow::Result<u64> {
    let line =
        stat.lines().find_map(|line| line.strip_prefix("cpu ")).context("a strange /proc/stat")?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .map(|field| field.parse().context("a strange number in /proc/stat"))
        .collect::<anyhow::Result<_>>()?;
    // user nice system idle iowait irq softirq steal; guest time is part of user already.
    let idle = [3, 4];
    let counted = fields.iter().take(8).enumerate();
    Ok(counted.filter(|(at, _)| !idle.contains(at)).map(|(_, ticks)| ticks).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let text = "42 (a) b (c) d) S 7 42 42 0 -1 4194304 1 2 3 4 100 20 3 1 20 0 9 0 55 1 2";
        let expected = Stat { parent: Pid(7), own_ticks: 120, reaped_ticks: 4 };
        assert_eq!(Stat::parse(text).unwrap(), expected);
        assert!(Stat::parse("42 (x) S 7").is_err());
        assert!(Stat::parse("").is_err());
    }

    #[test]
    fn a_tree_is_followed_down_only() {
        let child_of = |parent| Stat { parent: Pid(parent), own_ticks: 1, reaped_ticks: 0 };
        let stats = HashMap::from([
            (Pid(1), child_of(0)),
            (Pid(10), child_of(1)),
            (Pid(11), child_of(10)),
            (Pid(12), child_of(11)),
            (Pid(13), child_of(10)),
            (Pid(20), child_of(1)),
        ]);
        let mut tree = tree_of(Pid(10), &stats);
        tree.sort_by_key(|pid| pid.0);
        assert_eq!(tree, [Pid(10), Pid(11), Pid(12), Pid(13)]);
        assert_eq!(tree_of(Pid(99), &stats), []);
    }

    #[test]
    fn busy_time_leaves_idle_out() {
        let text = "cpu  10 20 30 4000 500 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_in(text).unwrap(), 10 + 20 + 30 + 6 + 7 + 8);
        assert!(busy_in("intr 1").is_err());
    }

    #[test]
    fn memory_is_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2000 kB\nVmRSS:\t    1234 kB\n";
        assert_eq!(memory_in(status, "VmRSS:"), Some(1234 * 1024));
        assert_eq!(memory_in(status, "VmHWM:"), Some(2000 * 1024));
        assert_eq!(memory_in("Name:\tkthreadd\n", "VmRSS:"), None);
    }

    #[test]
    fn a_thread_that_waits_is_counted() {
        let status = "voluntary_ctxt_switches:\t42\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(waits_in(status), Some(42));
        assert_eq!(waits_in("Name:\tx\n"), None);
        let own = Pid(std::process::id());
        let (_kept, nothing) = std::sync::mpsc::channel::<()>();
        // Threads of other tests end meanwhile, and take what they waited with them.
        let counted = (0..1000).any(|_| {
            let before = waits(own).unwrap();
            nothing.recv_timeout(Duration::from_millis(1)).unwrap_err();
            waits(own).unwrap() > before
        });
        assert!(counted);
    }

    #[test]
    fn an_ended_process_is_an_error() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid(child.id());
        child.wait().unwrap();
        assert!(time_of_tree(pid).is_err() && resident(pid).is_err());
        assert!(time_of_tree(Pid(std::process::id())).is_ok());
    }
}
