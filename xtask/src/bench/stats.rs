//! Latency distributions and medians.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longer latencies are counted as this one; a measurement is given up long before.
const LONGEST: Duration = Duration::from_secs(600);

/// Significant decimal digits that a distribution keeps.
const DIGITS: u8 = 3;

/// Collects latencies in constant memory.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

/// What is told about a distribution, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Quantiles {
    /// The median.
    pub(crate) p50: u64,
    /// The 99th percentile.
    pub(crate) p99: u64,
    /// The longest.
    pub(crate) max: u64,
}

impl Latencies {
    /// An empty collection.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_max(LONGEST.as_nanos() as u64, DIGITS)?))
    }

    /// Adds one.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.record_nanos(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds one that is known in nanoseconds.
    pub(crate) fn record_nanos(&mut self, nanos: u64) {
        self.0.saturating_record(nanos);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The quantiles, unless nothing was recorded.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        (!self.0.is_empty()).then(|| Quantiles {
            p50: self.0.value_at_quantile(0.5),
            p99: self.0.value_at_quantile(0.99),
            max: self.0.max(),
        })
    }
}

/// The median, the mean of the middle two for an even count; `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([]), None);
        assert_eq!(median([f64::NAN]), None);
        assert_eq!(median([4.0]), Some(4.0));
        assert_eq!(median([9.0, 1.0, 4.0]), Some(4.0));
        assert_eq!(median([9.0, 1.0, 4.0, 5.0]), Some(4.5));
        assert_eq!(median([f64::INFINITY, 2.0]), Some(2.0));
    }

    #[test]
    fn quantiles_are_true_to_three_digits() {
        let mut latencies = Latencies::new().unwrap();
        assert_eq!(latencies.quantiles(), None);
        for micros in 1..=1000 {
            latencies.record(Duration::from_micros(micros));
        }
        let Quantiles { p50, p99, max } = latencies.quantiles().unwrap();
        let near = |value: u64, micros: u64| value.abs_diff(micros * 1000) <= micros;
        assert!(near(p50, 500) && near(p99, 990) && near(max, 1000), "{p50} {p99} {max}");
        latencies.record(Duration::MAX);
        assert!(latencies.quantiles().unwrap().max >= LONGEST.as_nanos() as u64);
    }
}
