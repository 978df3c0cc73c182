//! How numbers are written.

use crate::bench::workload::{Beside, Unit};

/// Cores of other work above which rates and latencies are not to be trusted.
const NOISY: f64 = 0.3;

impl Unit {
    /// One of them.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Record => "record",
            Self::Byte => "byte",
            Self::Delivery => "delivery",
            Self::Wake => "wake",
            Self::Create => "create",
            Self::Start => "start",
            Self::Read => "read",
            Self::Subscriber => "subscriber",
        }
    }
}

impl Beside {
    /// All, in the order in which they are told.
    pub(super) const ALL: [Self; 18] = [
        Self::Kept,
        Self::OfFew,
        Self::IdleStream,
        Self::Files,
        Self::Peak,
        Self::Backlog,
        Self::Disk,
        Self::Last,
        Self::Sync,
        Self::Append,
        Self::Publish,
        Self::PublishTail,
        Self::PublishLongest,
        Self::PublishPreempted,
        Self::PublishUndisturbedTail,
        Self::TailOfAlone,
        Self::IdleSubscriber,
        Self::Waits,
    ];

    /// What it is, in few words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kept => "part of the rate alone",
            Self::OfFew => "part of the rate at few streams",
            Self::IdleStream => "memory of an idle stream",
            Self::Files => "files",
            Self::Peak => "memory at most",
            Self::Backlog => "backlog at most",
            Self::Disk => "disk/payload",
            Self::Last => "last fifth",
            Self::Sync => "mean sync",
            Self::Append => "append p50",
            Self::Publish => "publish call p50",
            Self::PublishTail => "publish call p99",
            Self::PublishLongest => "longest publish call",
            Self::PublishPreempted => "publish calls preempted",
            Self::PublishUndisturbedTail => "publish call p99 without that",
            Self::TailOfAlone => "p99 of the undisturbed one",
            Self::IdleSubscriber => "memory of an idle subscriber",
            Self::Waits => "thread waits for one",
        }
    }

    /// How much.
    pub(super) fn told(self, value: f64) -> String {
        match self {
            Self::Kept | Self::OfFew | Self::Disk | Self::Waits | Self::TailOfAlone => ratio(value),
            Self::IdleStream | Self::IdleSubscriber => format!("{} B", grouped_whole(value)),
            Self::Files | Self::PublishPreempted => grouped_whole(value),
            Self::Peak | Self::Backlog => memory(value),
            Self::Last => format!("{}/s", grouped(value)),
            Self::Sync
            | Self::Append
            | Self::Publish
            | Self::PublishTail
            | Self::PublishLongest
            | Self::PublishUndisturbedTail => time(value),
        }
    }
}

/// So many units a second.
pub(super) fn rate(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Byte => format!("{} MB/s", grouped(value / 1e6)),
        _ => format!("{}/s", grouped(value)),
    }
}

/// A time in nanoseconds.
pub(super) fn time(nanos: f64) -> String {
    let (value, unit) = match nanos {
        nanos if nanos < 1e3 => (nanos, "ns"),
        nanos if nanos < 1e6 => (nanos / 1e3, "us"),
        nanos if nanos < 1e9 => (nanos / 1e6, "ms"),
        nanos => (nanos / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// A number of bytes.
pub(super) fn memory(bytes: f64) -> String {
    format!("{} MiB", three_digits(bytes / f64::from(1 << 20)))
}

/// Busy cores, marked when they disturb.
pub(super) fn others(cores: f64) -> String {
    format!("{cores:.2}{}", if cores > NOISY { "*" } else { "" })
}

/// How many times the first server's.
pub(super) fn ratio(value: f64) -> String {
    if value < 0.0995 { format!("{value:.3}") } else { three_digits(value) }
}

fn three_digits(value: f64) -> String {
    match value {
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => grouped(value),
    }
}

/// With a space before each three digits, and a tenth where there are few.
fn grouped(value: f64) -> String {
    if value < 99.95 { format!("{value:.1}") } else { grouped_whole(value) }
}

/// Rounded, with a space before each three digits.
fn grouped_whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(rate(34_505.4, Unit::Append), "34 505/s");
        assert_eq!(rate(1_560_000.0, Unit::Delivery), "1 560 000/s");
        assert_eq!(rate(3.24, Unit::Wake), "3.2/s");
        assert_eq!(rate(1_870e6, Unit::Byte), "1 870 MB/s");
        assert_eq!(time(0.271), "0.27 ns");
        assert_eq!(time(24_810.0), "24.8 us");
        assert_eq!(time(457_000.0), "457 us");
        assert_eq!(time(9_996_000.0), "10.0 ms");
        assert_eq!(time(1.5e9), "1.50 s");
        assert_eq!(memory(52_428_800.0), "50.0 MiB");
        assert_eq!(others(0.3), "0.30");
        assert_eq!(others(0.31), "0.31*");
        assert_eq!(ratio(0.034), "0.034");
        assert_eq!(ratio(1.153), "1.15");
        assert_eq!(Beside::Files.told(12.0), "12");
        assert_eq!(Beside::Files.told(100_012.0), "100 012");
        assert_eq!(Beside::IdleStream.told(393.4), "393 B");
    }
}
