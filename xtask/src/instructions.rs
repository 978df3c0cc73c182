//! What an operation costs in instructions, counted by `valgrind --tool=callgrind`: the same on every machine, however busy it is.
//!
//! A bench is run twice with different numbers of operations; the difference, divided, is the cost of one, without what starting costs. A
//! cost above its bound is a failure. Bounds are what was counted when they were set, and a tenth; a cost that falls well below its bound is told, so
//! that the bound can follow it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::workspace::{Workspace, cargo, output};

/// Something that is counted.
struct Count {
    what: &'static str,
    package: &'static str,
    bench: &'static str,
    /// Arguments of the two runs.
    runs: [&'static [&'static str]; 2],
    /// Operations that the second run does more than the first.
    operations: u64,
    /// Most instructions for one.
    most: u64,
}

const COUNTS: &[Count] = &[
    Count {
        what: "fan-out: wake and deliver 1 message to each of 1,000",
        package: "headwater-fanout",
        bench: "deliver",
        runs: [&["1000", "10", "1"], &["1000", "30", "1"]],
        operations: 1_000 * 20,
        most: 750,
    },
    Count {
        what: "fan-out: deliver 1 of 64 messages to each of 1,000",
        package: "headwater-fanout",
        bench: "deliver",
        runs: [&["1000", "3", "64"], &["1000", "9", "64"]],
        operations: 1_000 * 6 * 64,
        most: 16,
    },
    Count {
        what: "fan-out: publish 1 message to nobody who sleeps",
        package: "headwater-fanout",
        bench: "deliver",
        runs: [&["1", "2", "1000"], &["1", "12", "1000"]],
        operations: 10_000,
        most: 560,
    },
    Count {
        what: "broker: publish 1 event to each of 1,000 bodies",
        package: "headwater-sse",
        bench: "deliver",
        runs: [&["1000", "10", "1"], &["1000", "30", "1"]],
        operations: 1_000 * 20,
        most: 1_520,
    },
    Count {
        what: "broker: 1 of 64 events to each of 1,000 bodies",
        package: "headwater-sse",
        bench: "deliver",
        runs: [&["1000", "3", "64"], &["1000", "9", "64"]],
        operations: 1_000 * 6 * 64,
        most: 27,
    },
    Count {
        what: "hub: broadcast 1 message to each of 1,000 members",
        package: "headwater-ws",
        bench: "deliver",
        runs: [&["1000", "10", "1"], &["1000", "30", "1"]],
        operations: 1_000 * 20,
        most: 490,
    },
    Count {
        what: "hub: 1 of 64 messages to each of 1,000 members",
        package: "headwater-ws",
        bench: "deliver",
        runs: [&["1000", "3", "64"], &["1000", "9", "64"]],
        operations: 1_000 * 6 * 64,
        most: 89,
    },
];

/// Counts everything, and fails when something costs more than it may.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut over = 0;
    for count in COUNTS {
        let program = build(workspace, count)?;
        let [less, more] = count.runs;
        let counted = instructions(&program, more)?.saturating_sub(instructions(&program, less)?);
        let each = counted / count.operations;
        let verdict = match each {
            _ if each > count.most => "OVER",
            _ if each < count.most - count.most / 5 => "well below: the bound can be lowered",
            _ => "",
        };
        over += u64::from(each > count.most);
        println!("{each:>8} of at most {:>8}  {} {verdict}", count.most, count.what);
    }
    ensure!(over == 0, "{over} operations take more instructions than they may");
    Ok(())
}

fn build(workspace: &Workspace, count: &Count) -> Result<PathBuf> {
    let mut build = cargo();
    build
        .args(["bench", "--quiet", "--no-run", "--message-format", "json"])
        .args(["--package", count.package, "--all-features", "--bench", count.bench])
        .current_dir(&workspace.root);
    let messages = output(&mut build)?;
    let mut executables = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_bench = message.pointer("/target/name")? == count.bench;
        is_bench.then(|| message.get("executable")?.as_str().map(PathBuf::from)).flatten()
    });
    executables.next_back().with_context(|| format!("cargo built no bench {}", count.bench))
}

fn instructions(program: &PathBuf, args: &[&str]) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program).args(args);
    let output = valgrind.output().context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{valgrind:?} ended with {}\n{said}", output.status);
    }
    collected(&said).with_context(|| format!("no count in what {valgrind:?} says\n{said}"))
}

/// The number in a line as `==123== Collected : 14154864`.
fn collected(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::collected;

    #[test]
    fn the_count_is_found_in_what_valgrind_says() {
        let said = "==7== Callgrind, a profiler\n==7== Events    : Ir\n==7== Collected : 14154864\n==7==\n";
        assert_eq!(collected(said), Some(14_154_864));
        assert_eq!(collected("==7== Collected : many\n"), None);
        assert_eq!(collected(""), None);
    }
}
