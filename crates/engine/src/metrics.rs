//! What the engine counts. Names and help stand here and nowhere else; `docs/metrics.md` has the same.

use std::time::Duration;

use headwater_core::command::Body;
use headwater_core::decide::Freshness;
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

pub(crate) const APPEND_SECONDS: &str = "headwater_append_seconds";
pub(crate) const APPENDED_RECORDS: &str = "headwater_appended_records_total";
pub(crate) const APPENDED_BYTES: &str = "headwater_appended_bytes_total";
pub(crate) const UNITS_WAITING: &str = "headwater_units_waiting";
pub(crate) const BYTES_IN_FLIGHT: &str = "headwater_bytes_in_flight";
pub(crate) const BYTES_READ: &str = "headwater_read_bytes_held";
pub(crate) const GIVEN_UP_BYTES: &str = "headwater_retention_bytes_total";
pub(crate) const EXPIRED: &str = "headwater_expired_streams_total";

/// Tells the recorder what the names mean.
fn describe() {
    describe_histogram!(
        APPEND_SECONDS,
        "Time from an append's whole body to its durable answer; refused ones are left out"
    );
    describe_counter!(
        APPENDED_RECORDS,
        "Records appended; duplicates and what creations bring are left out"
    );
    describe_counter!(APPENDED_BYTES, "Payload bytes appended, as they are stored");
    describe_gauge!(UNITS_WAITING, "Units that are decided and not yet durable");
    describe_gauge!(BYTES_IN_FLIGHT, "Bytes reserved by requests in flight");
    describe_gauge!(BYTES_READ, "Bytes that were read from storage and are not sent yet");
    describe_counter!(
        GIVEN_UP_BYTES,
        "Payload bytes given up because of what streams keep; truncated ones are left out"
    );
    describe_counter!(EXPIRED, "Streams that ended because their time was up");
}

/// The handles, made once.
#[derive(Debug)]
pub(crate) struct Metrics {
    append_seconds: Histogram,
    appended_records: Counter,
    appended_bytes: Counter,
    pub(crate) units_waiting: Gauge,
    pub(crate) bytes_in_flight: Gauge,
    pub(crate) bytes_read: Gauge,
    pub(crate) given_up_bytes: Counter,
    pub(crate) expired: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe();
        Self {
            append_seconds: histogram!(APPEND_SECONDS),
            appended_records: counter!(APPENDED_RECORDS),
            appended_bytes: counter!(APPENDED_BYTES),
            units_waiting: gauge!(UNITS_WAITING),
            bytes_in_flight: gauge!(BYTES_IN_FLIGHT),
            bytes_read: gauge!(BYTES_READ),
            given_up_bytes: counter!(GIVEN_UP_BYTES),
            expired: counter!(EXPIRED),
        }
    }

    /// Counts an append that was answered with success.
    pub(crate) fn appended(&self, body: &Body, freshness: Freshness, took: Duration) {
        self.append_seconds.record(took);
        if freshness == Freshness::Committed
            && let Some(batch) = body.batch()
        {
            self.appended_records.increment(batch.records().len() as u64);
            self.appended_bytes.increment(batch.payload().len() as u64);
        }
    }
}
