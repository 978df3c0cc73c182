//! What this door counts. Names and help stand here and nowhere else; `docs/metrics.md` has the same.
//!
//! Handles are made once, so that counting costs an atomic addition and no search. They go to the recorder that is
//! installed when the server is made: the [`Exporter`]'s in the `headwater` process, whatever an embedding program has
//! chosen elsewhere.
//!
//! The rooms: `exporter` (Prometheus), `requests` (a counter per route, method and status).

mod exporter;
mod requests;

pub use exporter::{Exporter, ExporterError};
pub(crate) use requests::{Requests, Route, method_label};

use std::borrow::Borrow;
use std::time::Duration;

use headwater_core::Code;
use http::{Method, StatusCode};
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

pub(crate) const REQUESTS: &str = "headwater_http_requests_total";
pub(crate) const REQUEST_SECONDS: &str = "headwater_http_request_seconds";
pub(crate) const REQUESTS_IN_FLIGHT: &str = "headwater_http_requests_in_flight";
pub(crate) const CONNECTIONS: &str = "headwater_http_connections";
pub(crate) const RECEIVED: &str = "headwater_http_received_bytes_total";
pub(crate) const SENT: &str = "headwater_http_sent_bytes_total";
pub(crate) const SSE_READERS: &str = "headwater_sse_readers";
pub(crate) const LONG_POLL_WAITERS: &str = "headwater_long_poll_waiters";
pub(crate) const REFUSALS: &str = "headwater_refusals_total";
pub(crate) const STORE_BYTES: &str = "headwater_store_bytes";
pub(crate) const RECOVERY_SECONDS: &str = "headwater_recovery_seconds";
pub(crate) const READY: &str = "headwater_ready";

/// Tells the recorder what the names mean.
pub(crate) fn describe() {
    describe_counter!(REQUESTS, "Requests answered, by route, method and status");
    describe_histogram!(
        REQUEST_SECONDS,
        "Time from a request's head to the head of its answer, by route"
    );
    describe_gauge!(
        REQUESTS_IN_FLIGHT,
        "Requests whose answer is not wholly sent yet, live readers left out"
    );
    describe_gauge!(CONNECTIONS, "Open connections");
    describe_counter!(RECEIVED, "Bytes of request bodies that were kept");
    describe_counter!(SENT, "Bytes of response bodies that were handed to connections");
    describe_gauge!(SSE_READERS, "Open event streams");
    describe_gauge!(LONG_POLL_WAITERS, "Long-polls that wait");
    describe_counter!(
        REFUSALS,
        "Requests refused, connections cut and streams of HTTP/2 reset because a limit was reached, by limit"
    );
    describe_gauge!(STORE_BYTES, "Bytes that the data directory takes on disk");
    describe_gauge!(RECOVERY_SECONDS, "Time that opening the data directory took");
    describe_gauge!(
        READY,
        "1 when the last probe of the storage was durable and the server takes work, else 0"
    );
}

/// Notes how long opening the data directory took.
pub(crate) fn recovered(took: Duration) {
    gauge!(RECOVERY_SECONDS).set(took.as_secs_f64());
}

/// One of those that a gauge counts, for as long as it exists.
#[derive(Debug)]
pub(crate) struct Counted<G: Borrow<Gauge> = Gauge>(G);

impl<G: Borrow<Gauge>> Counted<G> {
    pub(crate) fn one(gauge: G) -> Self {
        gauge.borrow().increment(1.0);
        Self(gauge)
    }
}

impl<G: Borrow<Gauge>> Drop for Counted<G> {
    fn drop(&mut self) {
        self.0.borrow().decrement(1.0);
    }
}

/// A limit that refuses, or cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Heads that are too large, as far as the HTTP library tells; it answers them.
    Head,
    HeadTime,
    Idle,
    BodyBytes,
    BodyTime,
    BytesInFlight,
    BytesRead,
    Connections,
    Requests,
    LiveReaders,
    Producers,
    WriteTime,
}

impl Limit {
    const ALL: [Self; 12] = [
        Self::Head,
        Self::HeadTime,
        Self::Idle,
        Self::BodyBytes,
        Self::BodyTime,
        Self::BytesInFlight,
        Self::BytesRead,
        Self::Connections,
        Self::Requests,
        Self::LiveReaders,
        Self::Producers,
        Self::WriteTime,
    ];

    /// The limit that a code always tells of.
    pub(crate) fn of(code: Code) -> Option<Self> {
        match code {
            Code::TooLarge => Some(Self::BodyBytes),
            Code::ProducerLimit => Some(Self::Producers),
            Code::Timeout => Some(Self::BodyTime),
            _ => None,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::HeadTime => "head_time",
            Self::Idle => "idle",
            Self::BodyBytes => "body_bytes",
            Self::BodyTime => "body_time",
            Self::BytesInFlight => "bytes_in_flight",
            Self::BytesRead => "bytes_read",
            Self::Connections => "connections",
            Self::Requests => "requests",
            Self::LiveReaders => "live_readers",
            Self::Producers => "producers",
            Self::WriteTime => "write_time",
        }
    }
}

/// The handles.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) requests: Requests,
    pub(crate) request_seconds: [Histogram; Route::COUNT],
    pub(crate) in_flight: Gauge,
    pub(crate) connections: Gauge,
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    pub(crate) sse_readers: Gauge,
    pub(crate) long_poll_waiters: Gauge,
    pub(crate) ready: Gauge,
    pub(crate) store_bytes: Gauge,
    refusals: [Counter; Limit::ALL.len()],
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe();
        Self {
            requests: Requests::default(),
            request_seconds: Route::ALL
                .map(|route| histogram!(REQUEST_SECONDS, "route" => route.label())),
            in_flight: gauge!(REQUESTS_IN_FLIGHT),
            connections: gauge!(CONNECTIONS),
            received: counter!(RECEIVED),
            sent: counter!(SENT),
            sse_readers: gauge!(SSE_READERS),
            long_poll_waiters: gauge!(LONG_POLL_WAITERS),
            ready: gauge!(READY),
            store_bytes: gauge!(STORE_BYTES),
            refusals: Limit::ALL.map(|limit| counter!(REFUSALS, "limit" => limit.label())),
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(
        &self,
        route: Route,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        self.requests.count(route, method, status);
        if let Some(seconds) = self.request_seconds.get(route as usize) {
            seconds.record(took);
        }
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, limit: Limit) {
        if let Some(counter) = self.refusals.get(limit as usize) {
            counter.increment(1);
        }
    }
}

#[cfg(test)]
mod documented;
