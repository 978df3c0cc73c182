//! What an embedding program can set.

use std::time::Duration;

use headwater_core::decide::Limits;

use crate::retention::SpaceRetention;

/// Bounds and times of an engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Limits that decisions enforce.
    pub limits: Limits,
    /// Most bytes of a page; one record of a JSON stream may exceed it. Large enough that a page's fixed costs vanish beside its bytes.
    pub page_bytes: usize,
    /// Most bytes of a page that is [only sent on](crate::Engine::read_to_send), if that is more than [`page_bytes`](Self::page_bytes), which is what it may
    /// have of them in memory; one record of a JSON stream may exceed it.
    pub sent_page_bytes: usize,
    /// Memory for what was read from storage and is not sent yet, all readers together, live ones up to half of it. Pages get smaller when
    /// little of it is left, and are refused when nothing is; live readers wait. Less than a megabyte is too little for most uses.
    pub reading_bytes: usize,
    /// Most bytes that a live reader takes from storage at a time; one record of a JSON stream may exceed it. Each slow reader holds
    /// as many in memory, and its wire form.
    pub tail_page_bytes: usize,
    /// Most payload bytes of a page of records, if that is less than [`page_bytes`](Self::page_bytes); one record may exceed it. What is
    /// told of a record is many times larger than a small record.
    pub records_page_bytes: usize,
    /// Most records of a page of records.
    pub page_records: usize,
    /// Memory for recent records per stream that has live readers: their payload twice, for what is shared of the wire
    /// form, and 384 bytes each. What alone exceeds it is not kept. Who falls further behind reads from storage.
    pub tail_bytes: usize,
    /// Appends in flight, all streams together, in bytes as [`Batch::weight`](headwater_core::Batch::weight) counts them: with the table of their records.
    pub in_flight_bytes: usize,
    /// The same for one stream, so that one cannot take all.
    pub in_flight_bytes_per_stream: usize,
    /// A stream that nobody used for one to two of these is forgotten in memory.
    pub idle_after: Duration,
    /// How often expiry looks for streams whose time is up, and retention for those that have too much.
    pub expiry_interval: Duration,
    /// What new streams keep whose creation does not say it.
    pub retention: SpaceRetention,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            page_bytes: 1024 * 1024,
            sent_page_bytes: 16 * 1024 * 1024,
            reading_bytes: 256 * 1024 * 1024,
            tail_page_bytes: 128 * 1024,
            records_page_bytes: 256 * 1024,
            page_records: 4096,
            tail_bytes: 512 * 1024,
            in_flight_bytes: 256 * 1024 * 1024,
            in_flight_bytes_per_stream: 64 * 1024 * 1024,
            idle_after: Duration::from_secs(5),
            expiry_interval: Duration::from_millis(500),
            retention: SpaceRetention::default(),
        }
    }
}
