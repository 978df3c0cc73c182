//! Reading a stream from its start to its tail, as a client that catches up does.

use anyhow::{Context, ensure};

use super::base_url::BaseUrl;
use super::client::Conn;
use super::ledger::{Faults, Ledger};
use super::payload::Payload;
use super::scanner::Scanner;
use super::streams::read_request;

/// Before the first record.
pub(crate) const START: &str = "-1";

/// Large enough that a fast server is limited by its own writes.
pub(crate) const READ_SIZE: usize = 512 * 1024;

/// What may stand between records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Between {
    /// Nothing.
    Nothing,
    /// Brackets, quotes, commas.
    Json,
}

/// One pass over a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pass {
    /// Bytes of all bodies.
    pub(crate) bytes: u64,
    /// Requests it took.
    pub(crate) pages: u64,
    /// What was wrong with what was read.
    pub(crate) faults: Faults,
}

/// Reads all of `target` by following `Stream-Next-Offset`, and compares it with what was acknowledged.
pub(crate) async fn read_all(
    conn: &mut Conn,
    base: &BaseUrl,
    target: &str,
    payload: &Payload,
    between: Between,
    acked: &[(u16, u64)],
) -> anyhow::Result<Pass> {
    let mut pass = Pass::default();
    let mut scanner = Scanner::new(payload);
    let mut ledger = Ledger::default();
    let mut offset = START.to_owned();
    loop {
        conn.send(&read_request(base, target, &offset, "")).await?;
        let head = conn.head().await?;
        conn.expect(&head, &[200]).await.context("a read")?;
        let before = pass.bytes;
        let sink = |bytes: &[u8]| {
            pass.bytes += bytes.len() as u64;
            scanner.feed(bytes, |mark| ledger.see(mark));
        };
        conn.body(head.framing, sink).await?;
        pass.pages += 1;
        if head.up_to_date {
            break;
        }
        ensure!(pass.bytes > before, "an empty page before the tail, at offset {offset}");
        offset = head.next_offset.context("a page without Stream-Next-Offset")?;
    }
    pass.faults = ledger.finish(acked.iter().copied());
    let mut leftovers = scanner.finish();
    if between == Between::Json {
        leftovers.stray = 0;
    }
    pass.faults.add_leftovers(leftovers);
    Ok(pass)
}
