//! Storage adapters on their own, beside a plain file: rows without a server.
//!
//! The work is done by a bench of `headwater-storage`, a process for each measurement; here it is built, run in turns, and what
//! it prints becomes rows like all others. So the tasks of the workspace need none of its crates to be built.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use super::ledger::Faults;
use super::report::{Entry, Row, brief};
use super::server::Profile;
use super::stats::Quantiles;
use super::workload::{Beside, Sample, Unit, Window};
use crate::process::{Echo, tee};
use crate::workspace::{Workspace, cargo, output};

/// The bench, and the crate that has it.
const BENCH: [&str; 2] = ["adapter", "headwater-storage"];

/// Opening, creating streams, packing the rest and looking again may take so much longer than the window.
const SLACK: Duration = Duration::from_secs(180);

/// What is measured, as the bench calls it. The first is what the others are compared with.
pub(crate) const ALL: &[&str] = &["journal", "plain", "sled", "memory"];

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Alone {
    /// Adapters and the plain file, by name.
    pub(crate) subjects: &'static [&'static str],
    /// Units of a group.
    pub(crate) group: u32,
    /// Streams that they go to in turn.
    pub(crate) streams: u32,
    /// How long.
    pub(crate) window: Window,
    /// MiB of payload after which it ends.
    pub(crate) most_mib: u64,
    /// What the row is about.
    pub(crate) about: About,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// How fast.
    Rate,
    /// How fast for a long time.
    Packing,
    /// How much it takes on disk.
    Disk,
}

/// What the bench prints, as it names it.
#[derive(Debug, Deserialize)]
struct Outcome {
    records: u64,
    seconds: f64,
    p50: u64,
    p99: u64,
    max: u64,
    cpu: f64,
    driver: f64,
    others: f64,
    resident: u64,
    backlog: f64,
    syncs: u64,
    sync_nanos: f64,
    late: u64,
    last: f64,
    stored: f64,
    payload: f64,
    wrong: u64,
}

/// The bench, built.
#[derive(Debug)]
pub(crate) struct Bench {
    program: PathBuf,
    root: PathBuf,
}

impl Bench {
    /// Builds it. Folders to measure in are made in `root`.
    pub(crate) fn build(profile: Profile, root: Option<&Path>) -> anyhow::Result<Self> {
        let workspace = Workspace::load()?;
        let [bench, package] = BENCH;
        let mut command = cargo();
        command.args(["build", "--message-format", "json", "--bench", bench]);
        match profile {
            Profile::Release => {
                command.args(["--release", "--package", package, "--features", "journal"]);
            }
            // With the features that everything is tested with, little is left to build.
            Profile::Dev => {
                command.args(["--workspace", "--all-features"]);
            }
        }
        let said = output(command.current_dir(&workspace.root))?;
        let program = program(&said, bench).context("cargo names no program for the bench")?;
        let root = root.map_or_else(|| workspace.target.join("bench"), Path::to_path_buf);
        std::fs::create_dir_all(&root)
            .with_context(|| format!("cannot create {}", root.display()))?;
        Ok(Self { program, root })
    }

    /// Measures a row, its subjects in turns.
    pub(crate) fn row(&self, work: &Alone, rounds: u32) -> Row {
        let entries = work.subjects.iter().map(|subject| Entry::named(subject)).collect();
        let mut row = Row { title: work.title(), unit: Unit::Record, entries };
        let count = work.subjects.len();
        for round in 0..rounds as usize {
            for turn in 0..count {
                // Whoever comes first in one round comes last in the next.
                let Some(entry) = row.entries.get_mut((turn + round) % count) else { continue };
                if entry.failure.is_some() {
                    continue;
                }
                match self.measure(work, &entry.target) {
                    Ok(sample) => {
                        let said = brief(&sample, Unit::Record);
                        println!("  round {}  {:<18} {said}", round + 1, entry.target);
                        entry.samples.push(sample);
                    }
                    Err(error) => {
                        println!("  round {}  {:<18} failed: {error:#}", round + 1, entry.target);
                        entry.fail(&error, "");
                    }
                }
            }
        }
        row
    }

    fn measure(&self, work: &Alone, subject: &str) -> anyhow::Result<Sample> {
        let folder = TempDir::with_prefix_in(format!("adapter-{subject}-"), &self.root)
            .with_context(|| format!("cannot write into {}", self.root.display()))?;
        let mut command = Command::new(&self.program);
        command.arg(format!("subject={subject}")).args(work.args());
        command.arg(format!("dir={}", folder.path().display()));
        let limit = work.window.warm_up + work.window.measured + SLACK;
        let done = tee(&mut command, limit, Echo::Hidden)?;
        ensure!(done.ending.success(), "{subject} failed ({:?}):\n{}", done.ending, done.output);
        let line = done.output.lines().find(|line| line.starts_with('{'));
        let outcome: Outcome = serde_json::from_str(line.unwrap_or_default())
            .with_context(|| format!("the bench printed {:?}", done.output))?;
        Ok(outcome.sample(work.about))
    }
}

impl Alone {
    /// What is done, for the report.
    pub(crate) fn title(&self) -> String {
        let Self { group, streams, .. } = self;
        let plural = if *streams == 1 { "" } else { "s" };
        let about = match self.about {
            About::Rate => String::new(),
            About::Packing => format!(", for {} s", self.window.measured.as_secs_f64()),
            About::Disk => format!(", {} MiB and packed", self.most_mib),
        };
        format!("adapter alone, 200 B, groups of {group}, {streams} stream{plural}{about}")
    }

    fn args(&self) -> Vec<String> {
        let Self { group, streams, window, most_mib, .. } = self;
        vec![
            format!("group={group}"),
            format!("streams={streams}"),
            format!("warm-up={}", window.warm_up.as_secs_f64()),
            format!("secs={}", window.measured.as_secs_f64()),
            format!("most={}", most_mib << 20),
        ]
    }
}

impl Outcome {
    fn sample(self, about: About) -> Sample {
        let records = self.records.max(1) as f64;
        let mut beside = Vec::new();
        if self.syncs > 0 {
            beside.push(Beside::Sync.of(self.sync_nanos / self.syncs as f64));
        }
        if self.backlog > 0.0 {
            beside.push(Beside::Backlog.of(self.backlog));
        }
        match about {
            About::Rate => {}
            About::Packing => beside.push(Beside::Last.of(self.last)),
            About::Disk => beside.push(Beside::Disk.of(self.stored / self.payload.max(1.0))),
        }
        let mut notes = vec![format!("{} syncs", self.syncs)];
        if self.late > 0 {
            notes.push(format!("{} groups were late", self.late));
        }
        Sample {
            count: self.records,
            seconds: self.seconds,
            latency: Some(Quantiles { p50: self.p50, p99: self.p99, max: self.max }),
            server_nanos: Some(self.cpu / records),
            client_nanos: self.driver / records,
            others: Some(self.others),
            resident: Some(self.resident),
            beside,
            // Each stream that does not stand where it should lacks a record at least.
            faults: Some(Faults { missing: self.wrong, ..Faults::default() }),
            notes,
        }
    }
}

/// The program of a bench among what cargo says of a build.
fn program(said: &str, bench: &str) -> Option<PathBuf> {
    said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
        let named = message.pointer("/target/name").and_then(Value::as_str) == Some(bench);
        let program = message.get("executable").and_then(Value::as_str)?;
        named.then(|| PathBuf::from(program))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"records":1000,"seconds":0.5,"p50":10,"p99":20,"max":30,"cpu":3000000,"driver":1000000,
        "others":0.1,"resident":1048576,"backlog":5,"syncs":4,"sync_nanos":400,"late":1,"last":1900.5,"stored":300,
        "payload":200,"wrong":0}"#;

    #[test]
    fn what_the_bench_prints_becomes_a_sample() {
        let outcome: Outcome = serde_json::from_str(LINE).unwrap();
        let sample = outcome.sample(About::Disk);
        assert_eq!(sample.rate(), 2000.0);
        assert_eq!((sample.server_nanos, sample.client_nanos), (Some(3000.0), 1000.0));
        let beside = [Beside::Sync.of(100.0), Beside::Backlog.of(5.0), Beside::Disk.of(1.5)];
        assert_eq!(sample.beside, beside);
        assert!(sample.faults.unwrap().is_none());
        assert_eq!(sample.notes, ["4 syncs", "1 groups were late"]);
    }

    #[test]
    fn a_stream_that_stands_elsewhere_is_a_fault() {
        let outcome: Outcome =
            serde_json::from_str(&LINE.replace("\"wrong\":0", "\"wrong\":2")).unwrap();
        assert!(!outcome.sample(About::Rate).faults.unwrap().is_none());
    }

    #[test]
    fn the_program_is_found_in_what_cargo_says() {
        let said = "{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"other\"},\"executable\":\"/b\"}\n\
            {\"target\":{\"name\":\"adapter\"},\"executable\":null}\nnot json\n\
            {\"target\":{\"name\":\"adapter\"},\"executable\":\"/a\"}\n";
        assert_eq!(program(said, "adapter"), Some("/a".into()));
        assert_eq!(program("", "adapter"), None);
    }
}
