//! Whether the first server is ahead of another one, in every row, by rate and by processor time.
//!
//! A row in which one of them was not measured is no row in which the first was ahead.

use super::{Entry, Report, Row, figures};
use crate::bench::server::Target;

impl Report {
    /// Where the first server is not ahead of `reference`; empty when it is ahead everywhere.
    pub(crate) fn not_ahead_of(&self, reference: &Target) -> Vec<String> {
        let reference = reference.to_string();
        let mut behind: Vec<_> = self
            .rows
            .iter()
            .flat_map(|row| {
                let faults = row.not_ahead_of(&reference);
                faults.into_iter().map(|fault| format!("{}: {fault}", row.title))
            })
            .collect();
        if self.rows.is_empty() {
            behind.push("nothing was measured".to_owned());
        }
        behind
    }
}

impl Row {
    fn not_ahead_of(&self, reference: &str) -> Vec<String> {
        let others = self.entries.get(1..).unwrap_or_default();
        let other = others.iter().find(|entry| entry.target == reference);
        let (Some(first), Some(other)) = (self.entries.first(), other) else {
            return vec![format!("{reference} was not measured")];
        };
        let rate = other.ratio_to(first, |sample| Some(sample.rate()));
        let cost = other.ratio_to(first, |sample| sample.server_nanos);
        let mut faults = Vec::new();
        // The ratios are the other's: it has to be slower, and to cost more.
        if rate.is_none_or(|rate| rate >= 1.0) {
            faults.push(told("rate", rate, first, other));
        }
        if cost.is_none_or(|cost| cost <= 1.0) {
            faults.push(told("processor time", cost, first, other));
        }
        faults
    }
}

fn told(what: &str, ratio: Option<f64>, first: &Entry, other: &Entry) -> String {
    match ratio {
        Some(ratio) => {
            let ratio = figures::ratio(ratio);
            format!("by {what}, {} is at {ratio} of {}", other.target, first.target)
        }
        None => format!("no {what} to compare of {} and {}", first.target, other.target),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, report};
    use super::*;

    const REFERENCE: Target = Target::NODE_FILE;

    /// How the first server, at 1000 appends and 20 us, stands to another.
    fn behind(counts: &[u64], nanos: f64) -> Vec<String> {
        let first = entry("headwater", &[1000, 1000, 1000], 20_000.0);
        report(vec![first, entry("node-file", counts, nanos)]).not_ahead_of(&REFERENCE)
    }

    #[test]
    fn ahead_is_faster_and_cheaper() {
        for (counts, nanos, count) in [
            (&[500, 500, 500][..], 60_000.0, 0),
            (&[999, 999, 999], 20_001.0, 0),
            // One round in which the machine was busy with something else.
            (&[500, 2000, 500], 60_000.0, 0),
            (&[1000, 1000, 1000], 60_000.0, 1),
            (&[1100, 1200, 1300], 60_000.0, 1),
            (&[500, 500, 500], 20_000.0, 1),
            (&[500, 500, 500], 10_000.0, 1),
            (&[2000, 2000, 2000], 10_000.0, 2),
            (&[], 10_000.0, 2),
        ] {
            let faults = behind(counts, nanos);
            assert_eq!(faults.len(), count, "{counts:?} at {nanos}: {faults:?}");
            assert!(faults.iter().all(|fault| fault.starts_with("work: ")), "{faults:?}");
        }
    }

    #[test]
    fn every_row_counts() {
        let fast = |count| entry("headwater", &[count], 20_000.0);
        let mut report = report(vec![fast(1000), entry("node-file", &[500], 60_000.0)]);
        assert_eq!(report.not_ahead_of(&REFERENCE), Vec::<String>::new());
        let mut second = report.rows[0].clone();
        second.title = "other work".to_owned();
        second.entries[0] = fast(100);
        report.rows.push(second);
        let faults = report.not_ahead_of(&REFERENCE);
        assert_eq!(faults, ["other work: by rate, node-file is at 5.00 of headwater-journal"]);
    }

    #[test]
    fn what_was_not_measured_is_not_ahead() {
        let alone = report(vec![entry("headwater", &[1000], 20_000.0)]);
        assert_eq!(alone.not_ahead_of(&REFERENCE).len(), 1);
        assert_eq!(alone.not_ahead_of(&Target::HEADWATER).len(), 1, "not of itself");
        let mut empty = alone;
        empty.rows.clear();
        assert_eq!(empty.not_ahead_of(&REFERENCE), ["nothing was measured"]);
    }
}
