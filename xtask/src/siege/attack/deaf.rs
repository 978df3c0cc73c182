//! Readers that never read: they catch up, poll or follow from the start of a large stream, and take nothing.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::socket::connect;
use super::{BEAT, Counters, Order};

/// How long a connection is held. Only a reset is to be seen without reading: a server that gave up on the client after half a minute may have
/// been unable to say so, and an attacker of this kind has to come back on its own.
const HOLD: Duration = Duration::from_secs(40);

/// How the stream is asked for, in turn.
pub(super) const QUERIES: [&str; 3] =
    ["offset=-1", "offset=-1&live=long-poll", "offset=-1&live=sse"];

/// The query of one of many readers.
pub(super) fn query(nth: u16) -> &'static str {
    QUERIES.get(usize::from(nth) % QUERIES.len()).copied().unwrap_or_default()
}

/// Attacks on one connection, for as long as it holds.
pub(super) async fn once(order: &Order, counters: &Arc<Counters>, nth: u16) -> io::Result<()> {
    let mut stream = connect(&order.base).await?;
    let (target, host) = (order.target(), order.base.authority());
    let request = format!("GET {target}?{} HTTP/1.1\r\nHost: {host}\r\n\r\n", query(nth));
    stream.write_all(request.as_bytes()).await?;
    let _held = counters.hold();
    if !begins_well(&stream).await? {
        return Ok(());
    }
    counters.answered.fetch_add(1, Ordering::Relaxed);
    let begun = Instant::now();
    while begun.elapsed() < HOLD && stream.take_error()?.is_none() {
        sleep(BEAT).await;
    }
    Ok(())
}

/// Looks at the first bytes of the answer and leaves them where they are.
async fn begins_well(stream: &TcpStream) -> io::Result<bool> {
    let mut status = [0; 12];
    while stream.peek(&mut status).await? < status.len() {
        sleep(BEAT).await;
    }
    Ok(status.ends_with(b" 200"))
}
