//! Figures besides rate, latency and processor time, that some work is about.

use serde::Serialize;

/// A figure, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Figure {
    /// What it says.
    pub(crate) what: Beside,
    /// How much.
    pub(crate) value: f64,
}

/// What a figure says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Beside {
    /// The rate, as a part of the same without the disturbance.
    Kept,
    /// The rate, as a part of the rate at few streams.
    OfFew,
    /// Bytes of memory for a stream that nobody uses.
    IdleStream,
    /// Files in the data directory.
    Files,
    /// Bytes of memory at most.
    Peak,
    /// Bytes in memory that waited to be packed, at most.
    Backlog,
    /// Bytes on disk for each byte of payload.
    Disk,
    /// Units a second in the last fifth of the time.
    Last,
    /// Nanoseconds of the mean sync.
    Sync,
    /// Nanoseconds of the median append.
    Append,
    /// Nanoseconds of the median call that publishes.
    Publish,
    /// The same, of the 99th percentile.
    PublishTail,
    /// The same, of the longest.
    PublishLongest,
    /// Calls that publish in which the kernel gave the processor to others.
    PublishPreempted,
    /// Nanoseconds of the 99th percentile of calls that publish, without the time that was given to others.
    PublishUndisturbedTail,
    /// The 99th percentile, as a multiple of that of the same without the disturbance.
    TailOfAlone,
    /// Bytes of memory for a subscriber that is sent nothing.
    IdleSubscriber,
    /// How often a thread of the server waits for something, for one unit: for the next request, the disk, or another thread.
    Waits,
}

impl Beside {
    /// The figure of this kind.
    pub(crate) fn of(self, value: f64) -> Figure {
        Figure { what: self, value }
    }
}
