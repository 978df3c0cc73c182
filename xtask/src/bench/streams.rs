//! The streams of one measurement, and the requests on them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use tokio::task::JoinSet;

use super::base_url::BaseUrl;
use super::client::Conn;

/// What an answer to a PUT may be for a stream that did not exist.
const CREATED: &[u16] = &[201];

/// What an answer to an append or a deletion may be.
pub(crate) const DONE: &[u16] = &[200, 204];

/// Connections that make or remove streams: enough for any server to group what it syncs.
const LANES: u32 = 64;

/// Streams that do not deserve another connection.
const A_LANE: u32 = 16;

/// Responses to these requests are short.
const READ_SIZE: usize = 8 * 1024;

/// A number of new streams of one content type, with names that nobody used before.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    tag: String,
    count: u32,
    content_type: &'static str,
}

impl Streams {
    /// Names for `count` streams, at least one.
    pub(crate) fn new(count: u32, content_type: &'static str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("bench-{:x}-{:x}-{number}", since.as_millis(), std::process::id());
        Self { tag, count: count.max(1), content_type }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The request target of one.
    pub(crate) fn target(&self, base: &BaseUrl, stream: u32) -> String {
        base.target(&format!("{}-{stream}", self.tag))
    }

    /// Creates them all.
    pub(crate) async fn create(&self, base: &BaseUrl) -> anyhow::Result<()> {
        let header = format!("Content-Type: {}\r\nContent-Length: 0\r\n", self.content_type);
        self.each(base, "PUT", &header, CREATED).await
    }

    /// Closes them all.
    pub(crate) async fn close(&self, base: &BaseUrl) -> anyhow::Result<()> {
        self.each(base, "POST", "Stream-Closed: true\r\nContent-Length: 0\r\n", DONE).await
    }

    /// Deletes them all, to give back what they occupy.
    pub(crate) async fn delete(&self, base: &BaseUrl) -> anyhow::Result<()> {
        self.each(base, "DELETE", "", DONE).await
    }

    /// The head of an append of `length` bytes.
    pub(crate) fn append_head(&self, base: &BaseUrl, stream: u32, length: usize) -> Vec<u8> {
        let content_type = self.content_type;
        let header = format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n");
        head("POST", base, &self.target(base, stream), &header)
    }

    /// One request for each stream, over several connections where there are many.
    async fn each(
        &self,
        base: &BaseUrl,
        method: &'static str,
        header: &str,
        statuses: &'static [u16],
    ) -> anyhow::Result<()> {
        let lanes = (self.count / A_LANE + 1).min(LANES);
        let mut tasks = JoinSet::new();
        for lane in 0..lanes {
            let (streams, base, header) = (self.clone(), base.clone(), header.to_owned());
            tasks.spawn(async move {
                let mut conn = Conn::open(&base, READ_SIZE).await?;
                for stream in (lane..streams.count).step_by(lanes as usize) {
                    let request = head(method, &base, &streams.target(&base, stream), &header);
                    conn.call(&request, statuses).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.context("a connection that makes or removes streams")??;
        }
        Ok(())
    }
}

/// A GET of a stream from `offset`; `more` is appended to the query.
pub(crate) fn read_request(base: &BaseUrl, target: &str, offset: &str, more: &str) -> Vec<u8> {
    head("GET", base, &format!("{target}?offset={offset}{more}"), "")
}

fn head(method: &str, base: &BaseUrl, target: &str, header: &str) -> Vec<u8> {
    let host = base.authority();
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n").into_bytes()
}
