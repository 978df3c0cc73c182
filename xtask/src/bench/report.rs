//! The figures, as a table to read and as JSON to keep.

mod ahead;
mod figures;
mod goals;
mod markdown;
mod table;

use std::fmt;

use serde::Serialize;

use super::ledger::Faults;
use super::server::Target;
use super::stats::{Quantiles, median};
use super::workload::{Beside, Sample, Unit};

#[cfg(test)]
pub(crate) use goals::GOALS;

/// Everything a run measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where.
    machine: Machine,
    /// Measurements of each server in each row.
    rounds: u32,
    /// What.
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
}

/// One workload on all servers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The work.
    pub(crate) title: String,
    /// What is counted.
    pub(crate) unit: Unit,
    /// In the order of the targets.
    pub(crate) entries: Vec<Entry>,
}

/// One workload on one server.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// The server.
    pub(crate) target: String,
    /// What went wrong; it was left out of the rounds that followed.
    pub(crate) failure: Option<String>,
    /// One for each round.
    pub(crate) samples: Vec<Sample>,
}

/// The medians of one server's rounds.
#[derive(Clone, Copy, Debug)]
struct Medians {
    rate: f64,
    p50: Option<f64>,
    p99: Option<f64>,
    server_nanos: Option<f64>,
    resident: Option<f64>,
    others: Option<f64>,
}

impl Report {
    /// An empty report that describes this machine.
    pub(crate) fn of_this_machine(rounds: u32) -> Self {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        let machine = Machine {
            processor: model.unwrap_or("unknown").trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        };
        Self { machine, rounds, rows: Vec::new() }
    }

    /// Every check that failed, and every measurement that could not be made.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.rows.iter().flat_map(Row::failures).collect()
    }
}

impl Row {
    fn failures(&self) -> Vec<String> {
        let place = |entry: &Entry| format!("{}: {}", entry.target, self.title);
        let mut failures = Vec::new();
        for entry in &self.entries {
            let faults = entry.faults();
            if !faults.is_none() {
                failures.push(format!("{}: {faults}", place(entry)));
            }
            if let Some(failure) = &entry.failure {
                failures.push(format!("{}: {failure}", place(entry)));
            }
        }
        failures
    }
}

impl Entry {
    /// Nothing measured yet.
    pub(crate) fn new(target: &Target) -> Self {
        Self::named(&target.to_string())
    }

    /// Nothing measured yet, of something that is no server.
    pub(crate) fn named(name: &str) -> Self {
        Self { target: name.to_owned(), failure: None, samples: Vec::new() }
    }

    /// Notes that it could not be measured, or not to the end; the first cause is kept.
    pub(crate) fn fail(&mut self, error: &anyhow::Error, last_words: &str) {
        let said = if last_words.is_empty() { String::new() } else { format!("\n{last_words}") };
        self.failure.get_or_insert_with(|| format!("{error:#}{said}"));
    }

    fn faults(&self) -> Faults {
        let mut all = Faults::default();
        self.samples.iter().filter_map(|sample| sample.faults).for_each(|faults| all += faults);
        all
    }

    /// The median of one of the other figures.
    fn beside(&self, what: Beside) -> Option<f64> {
        let figures = self.samples.iter().flat_map(|sample| &sample.beside);
        median(figures.filter(|figure| figure.what == what).map(|figure| figure.value))
    }

    fn medians(&self) -> Option<Medians> {
        let over =
            |value: fn(&Sample) -> Option<f64>| median(self.samples.iter().filter_map(value));
        let quantile = |pick: fn(Quantiles) -> u64| {
            median(self.samples.iter().filter_map(|sample| sample.latency).map(|q| pick(q) as f64))
        };
        Some(Medians {
            rate: over(|sample| Some(sample.rate()))?,
            p50: quantile(|quantiles| quantiles.p50),
            p99: quantile(|quantiles| quantiles.p99),
            server_nanos: over(|sample| sample.server_nanos),
            resident: over(|sample| sample.resident.map(|bytes| bytes as f64)),
            others: over(|sample| sample.others),
        })
    }

    /// The median over the rounds of this server's value to the first one's in the same round.
    fn ratio_to(&self, first: &Self, value: fn(&Sample) -> Option<f64>) -> Option<f64> {
        let rounds = self.samples.iter().zip(&first.samples);
        median(rounds.filter_map(|(ours, theirs)| Some(value(ours)? / value(theirs)?)))
    }
}

/// One round in one line.
pub(crate) fn brief(sample: &Sample, unit: Unit) -> String {
    let mut parts = vec![figures::rate(sample.rate(), unit)];
    if let Some(Quantiles { p50, p99, .. }) = sample.latency {
        parts.push(format!("p50 {}", figures::time(p50 as f64)));
        parts.push(format!("p99 {}", figures::time(p99 as f64)));
    }
    if let Some(nanos) = sample.server_nanos {
        parts.push(format!("server {}/{}", figures::time(nanos), unit.name()));
    }
    parts.push(format!("client {}", figures::time(sample.client_nanos)));
    if let Some(bytes) = sample.resident {
        parts.push(format!("RSS {}", figures::memory(bytes as f64)));
    }
    if let Some(cores) = sample.others {
        parts.push(format!("others {} cores", figures::others(cores)));
    }
    let beside = sample.beside.iter();
    parts.extend(
        beside.map(|figure| format!("{} {}", figure.what.name(), figure.what.told(figure.value))),
    );
    match sample.faults {
        Some(faults) if faults.is_none() => parts.push("all records checked".to_owned()),
        Some(faults) => parts.push(format!("FAULTS: {faults}")),
        None => {}
    }
    parts.extend(sample.notes.iter().cloned());
    parts.join(", ")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { processor, cores, kernel } = &self.machine;
        writeln!(f, "{cores} cores, {processor}, Linux {kernel}")?;
        writeln!(
            f,
            "medians of {} rounds; ratios are medians of the rounds' ratios to the first server; * marks \
             more than 0.3 cores of other work",
            self.rounds
        )?;
        for row in &self.rows {
            write!(f, "\n{}\n{}{}", row.title, table::of(row), table::beside(row))?;
        }
        for failure in self.failures() {
            writeln!(f, "\nFAILED {failure}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
