//! What has to be reached, and whether it was: one server of a row, mostly the first one, beside another one, or beside a number.
//!
//! A goal belongs to a row by its title. A ratio is that of the medians of all rounds; within a tenth of its goal it counts as equal,
//! because processor time alone moves by more than that between two runs.

mod table;
mod verdict;

#[cfg(test)]
mod tests;

use super::{Entry, Report, Row, figures};
use crate::bench::server::Peer;
use crate::bench::workload::Beside;
pub(crate) use table::GOALS;
use verdict::Verdict;

/// Something to reach.
#[derive(Debug)]
pub(crate) struct Goal {
    /// The title of the row.
    pub(crate) row: &'static str,
    /// Whose it is.
    ours: Ours,
    /// One of these has to be reached.
    any: &'static [Bound],
}

/// Whose goal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ours {
    /// The first server's, if it syncs before it answers, or is an adapter.
    Durable,
    /// The first server's, if it syncs now and then.
    Interval,
    /// That of the one of this name.
    Named(&'static str),
}

/// A figure and its limit.
#[derive(Debug)]
struct Bound {
    what: What,
    of: Of,
    limit: Limit,
}

/// A figure of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Rate,
    Cpu,
    Median,
    Tail,
    Resident,
    Beside(Beside),
}

/// What it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Nothing: the limit is a value.
    Itself,
    /// The same figure of another in the row: the limit is a ratio.
    Other(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// A bound, measured.
#[derive(Debug)]
struct Judged {
    what: String,
    ours: String,
    other: String,
    ratio: String,
    limit: String,
    verdict: Verdict,
    others: String,
}

impl Report {
    /// The goals that something was measured for, as a table in markdown; nothing if there are none.
    pub(crate) fn goals(&self) -> Option<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            for goal in GOALS.iter().filter(|goal| goal.row == row.title) {
                let judged = goal.any.iter().filter_map(|bound| bound.judge(row, goal.ours));
                let judged: Vec<_> = judged.collect();
                // One of several is enough.
                let best = judged.iter().map(|judged| judged.verdict).max();
                lines.extend(judged.into_iter().map(|judged| judged.line(&row.title, best)));
            }
        }
        const HEAD: &str = "| work | figure | ours | other | ratio | to reach | verdict | others |\n\
                            |---|---|---:|---:|---:|---:|---|---:|\n";
        (!lines.is_empty()).then(|| format!("{HEAD}{}", lines.concat()))
    }
}

impl Bound {
    /// How it stands, if it was measured.
    fn judge(&self, row: &Row, ours: Ours) -> Option<Judged> {
        let ours = ours.find(row)?;
        let value = self.what.of(ours)?;
        let others = ours.medians()?.others;
        let (other, measured, told) = match self.of {
            Of::Itself => ("-".to_owned(), value, "-".to_owned()),
            Of::Other(name) => {
                let mut entries = row.entries.iter().filter(|entry| !std::ptr::eq(*entry, ours));
                let other = entries.find(|entry| entry.target == name)?;
                let theirs = self.what.of(other)?;
                let ratio = value / theirs;
                (format!("{} {name}", self.what.told(theirs, row)), ratio, figures::ratio(ratio))
            }
        };
        Some(Judged {
            what: self.what.name(row),
            ours: self.what.told(value, row),
            other,
            ratio: told,
            limit: self.limit_told(row),
            verdict: Verdict::of(measured, self.limit, self.of),
            others: others.map_or_else(|| "-".to_owned(), figures::others),
        })
    }

    fn limit_told(&self, row: &Row) -> String {
        let (sign, limit) = match self.limit {
            Limit::AtLeast(limit) => ("≥", limit),
            Limit::AtMost(limit) => ("≤", limit),
        };
        match self.of {
            Of::Itself => format!("{sign} {}", self.what.told(limit, row)),
            Of::Other(_) => format!("{sign} {limit}"),
        }
    }
}

impl Ours {
    /// Its entry, if it was measured.
    fn find(self, row: &Row) -> Option<&Entry> {
        let interval = |entry: &&Entry| entry.target.contains(",sync=");
        // A server that broadcasts keeps nothing, and so is never the one that is durable.
        let keeps = |entry: &&Entry| Peer::named(&entry.target).is_none();
        let first = row.entries.first().filter(keeps);
        match self {
            Self::Durable => first.filter(|entry| !interval(entry)),
            Self::Interval => first.filter(interval),
            Self::Named(name) => row.entries.iter().find(|entry| entry.target == name),
        }
    }
}

impl What {
    /// Its median over the rounds.
    fn of(self, entry: &Entry) -> Option<f64> {
        let medians = entry.medians()?;
        match self {
            Self::Rate => Some(medians.rate),
            Self::Cpu => medians.server_nanos,
            Self::Median => medians.p50,
            Self::Tail => medians.p99,
            Self::Resident => medians.resident,
            Self::Beside(what) => entry.beside(what),
        }
    }

    fn name(self, row: &Row) -> String {
        match self {
            Self::Rate => "rate".to_owned(),
            Self::Cpu => format!("CPU/{}", row.unit.name()),
            Self::Median => "p50".to_owned(),
            Self::Tail => "p99".to_owned(),
            Self::Resident => "RSS".to_owned(),
            Self::Beside(what) => what.name().to_owned(),
        }
    }

    fn told(self, value: f64, row: &Row) -> String {
        match self {
            Self::Rate => figures::rate(value, row.unit),
            Self::Cpu | Self::Median | Self::Tail => figures::time(value),
            Self::Resident => figures::memory(value),
            Self::Beside(what) => what.told(value),
        }
    }
}

impl Judged {
    fn line(&self, row: &str, best: Option<Verdict>) -> String {
        let Self { what, ours, other, ratio, limit, verdict, others } = self;
        let spared = *verdict == Verdict::Missed && best > Some(Verdict::Missed);
        let verdict = if spared { "the other one is enough" } else { verdict.told() };
        format!(
            "| {row} | {what} | {ours} | {other} | {ratio} | {limit} | {verdict} | {others} |\n"
        )
    }
}
