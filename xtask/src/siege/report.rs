//! The figures, and whether they are what is demanded.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::attack::Kind;
use super::client::Seen;
use super::creates::{AT_ONCE, Creates};
use super::stage::{Attack, Measured, Situation};
use crate::bench::stats::median;

/// A besieged client's 99th percentile may be so many times the undisturbed one.
pub(super) const MOST_RATIO: f64 = 2.0;

/// A few hundred creates may take so long, in seconds.
pub(super) const MOST_FOR_CREATES: f64 = 0.050;

/// The part of the attackers that must have been there, and of the bytes that they must have sent, for a siege to be one: those
/// that are cut come back within two beats.
const LEAST_PART: f64 = 0.9;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    each: u16,
    storage: String,
    rule: Rule,
    rows: Vec<Row>,
    pub(super) creates: Option<Creates>,
}

#[derive(Debug, Serialize)]
struct Row {
    situation: Situation,
    rounds: Vec<Measured>,
}

/// How a situation is compared with the undisturbed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum Compared {
    /// By the median of the ratios within a round: for a machine that does nothing else.
    Median,
    /// By the lowest of all rounds: for a busy one, because other work only ever adds.
    Lowest,
}

/// Takes one percentile of a measurement, in nanoseconds.
type Percentile = fn(&Measured) -> u64;

/// What is demanded of latencies.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Rule {
    pub(super) compared: Compared,
    /// A percentile below this is good enough, whatever the undisturbed one is.
    pub(super) tolerated: Duration,
}

/// A situation's values to the undisturbed ones.
#[derive(Clone, Copy, Debug)]
struct Ratios {
    append: f64,
    read: f64,
}

impl Report {
    /// Nothing measured yet.
    pub(super) fn of(each: u16, storage: &str, rule: Rule) -> Self {
        let storage = storage.to_owned();
        Self { each, storage, rule, rows: Vec::new(), creates: None }
    }

    /// Adds a measurement.
    pub(super) fn add(&mut self, situation: Situation, measured: Measured) {
        match self.rows.iter_mut().find(|row| row.situation == situation) {
            Some(row) => row.rounds.push(measured),
            None => self.rows.push(Row { situation, rounds: vec![measured] }),
        }
        self.rows.sort_by_key(|row| row.situation as u8);
    }

    /// What makes the measurements worthless, or is wrong whatever is demanded.
    pub(super) fn faults(&self) -> Vec<String> {
        let besieged = self
            .rows
            .iter()
            .flat_map(|row| row.rounds.iter().flat_map(|measured| measured.faults(row.situation)));
        besieged.collect()
    }

    /// Where the figures are above what is demanded.
    pub(super) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for row in self.rows.iter().filter(|row| row.situation != Situation::Undisturbed) {
            let Some(ratios) = self.ratios(row) else {
                missed.push(format!("{}: nothing to compare", row.situation.title()));
                continue;
            };
            let kinds: [(&str, f64, Percentile); 2] = [
                ("appends", ratios.append, |measured| measured.seen.append.p99),
                ("reads", ratios.read, |measured| measured.seen.read.p99),
            ];
            for (what, ratio, p99) in kinds {
                let lowest = row.rounds.iter().map(p99).min().unwrap_or(u64::MAX);
                if ratio > MOST_RATIO && Duration::from_nanos(lowest) > self.rule.tolerated {
                    let title = row.situation.title();
                    missed.push(format!("{title}: the p99 of {what} is {ratio:.2} times as long"));
                }
            }
        }
        if self.rows.len() < 2 {
            missed.push("there was no siege".to_owned());
        }
        let took = self.creates.as_ref().map_or(f64::INFINITY, Creates::median);
        if took > MOST_FOR_CREATES {
            missed.push(format!("{AT_ONCE} creates took {:.1} ms", took * 1e3));
        }
        missed
    }

    fn ratios(&self, row: &Row) -> Option<Ratios> {
        let alone = self.rows.iter().find(|row| row.situation == Situation::Undisturbed)?;
        let ratio = |p99: Percentile| match self.rule.compared {
            Compared::Median => {
                let pairs = row.rounds.iter().zip(&alone.rounds);
                median(pairs.map(|(besieged, alone)| p99(besieged) as f64 / p99(alone) as f64))
            }
            Compared::Lowest => {
                let lowest = |rounds: &[Measured]| rounds.iter().map(p99).min();
                Some(lowest(&row.rounds)? as f64 / lowest(&alone.rounds)? as f64)
            }
        };
        Some(Ratios {
            append: ratio(|measured| measured.seen.append.p99)?,
            read: ratio(|measured| measured.seen.read.p99)?,
        })
    }
}

impl Measured {
    /// One measurement in one line.
    pub(super) fn brief(&self, situation: Situation) -> String {
        let mut text = format!(
            "{:<16} append p50 {} p99 {} max {}, read p50 {} p99 {} max {}, {} refused, server {:.2} cores, RSS {} MiB",
            situation.title(),
            millis(self.seen.append.p50),
            millis(self.seen.append.p99),
            millis(self.seen.append.max),
            millis(self.seen.read.p50),
            millis(self.seen.read.p99),
            millis(self.seen.read.max),
            self.seen.refused,
            self.cores,
            self.server.peak >> 20,
        );
        for attack in &self.attacks {
            text.push_str(&format!(
                "; {:?}: {} held, {} answered, {} cut, {} B/s, {:.2} cores",
                attack.kind,
                attack.to.held,
                attack.to.answered,
                attack.to.cut,
                attack.rate(self.seconds) as u64,
                attack.cores
            ));
        }
        text
    }

    fn faults(&self, situation: Situation) -> Vec<String> {
        let mut faults = Vec::new();
        if self.seen.refused > 0 {
            let Seen { refused, requests, .. } = self.seen;
            faults.push(format!("{}: {refused} of {requests} requests refused", situation.title()));
        }
        let absent = self.attacks.iter().filter(|attack| !attack.took_place(self.seconds));
        faults.extend(
            absent.map(|attack| format!("{}: not enough attackers: {attack:?}", situation.title())),
        );
        faults
    }
}

impl Attack {
    /// Bytes a second.
    fn rate(&self, seconds: f64) -> f64 {
        self.to.bytes.saturating_sub(self.from.bytes) as f64 / seconds.max(f64::EPSILON)
    }

    /// Whether nearly all were there, and did what they should.
    fn took_place(&self, seconds: f64) -> bool {
        let least = self.wanted as f64 * LEAST_PART;
        let held = self.from.held.min(self.to.held) as f64;
        held >= least
            && match self.kind {
                Kind::Slow => self.rate(seconds) >= least,
                Kind::Deaf => self.to.answered > 0,
            }
    }
}

fn millis(nanos: u64) -> String {
    format!("{:.2} ms", nanos as f64 / 1e6)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { each, storage, .. } = self;
        let how = match self.rule.compared {
            Compared::Median => "medians of the rounds, ratios within a round",
            Compared::Lowest => "lowest latencies of the rounds, and ratios of these",
        };
        writeln!(f, "{each} attackers of each kind, storage {storage}; {how}\n")?;
        writeln!(
            f,
            "| besieged by | append p50 | p99 | ratio | read p50 | p99 | ratio | server cores | peak RSS | threads | descriptors |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        self.rows.iter().try_for_each(|row| self.line(row, f))?;
        if let Some(creates) = &self.creates {
            writeln!(
                f,
                "\n{AT_ONCE} empty creates at once on memory: {:.1} ms, at most {:.1} ms in {} rounds",
                creates.median() * 1e3,
                creates.longest() * 1e3,
                creates.rounds.len()
            )?;
        }
        Ok(())
    }
}

impl Report {
    fn line(&self, row: &Row, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over =
            |value: fn(&Measured) -> f64| median(row.rounds.iter().map(value)).unwrap_or(f64::NAN);
        let time = |value: fn(&Measured) -> f64| {
            let lowest = || row.rounds.iter().map(value).fold(f64::INFINITY, f64::min);
            let nanos = match self.rule.compared {
                Compared::Median => over(value),
                Compared::Lowest => lowest(),
            };
            format!("{:.2} ms", nanos / 1e6)
        };
        let Ratios { append, read } =
            self.ratios(row).unwrap_or(Ratios { append: f64::NAN, read: f64::NAN });
        writeln!(
            f,
            "| {} | {} | {} | {append:.2} | {} | {} | {read:.2} | {:.2} | {:.0} MiB | {:.0} | {:.0} |",
            row.situation.title(),
            time(|measured| measured.seen.append.p50 as f64),
            time(|measured| measured.seen.append.p99 as f64),
            time(|measured| measured.seen.read.p50 as f64),
            time(|measured| measured.seen.read.p99 as f64),
            over(|measured| measured.cores),
            over(|measured| measured.server.peak as f64) / f64::from(1 << 20),
            over(|measured| measured.server.threads as f64),
            over(|measured| measured.server.descriptors as f64),
        )
    }
}
