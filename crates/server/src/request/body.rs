//! Bodies, taken off the wire piece by piece.
//!
//! What is kept is first reserved in the engine's budget, so that many large bodies at once are refused
//! instead of held. A body is whole or an error: what a vanished client left behind is dropped here and never
//! reaches the engine.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use headwater_core::Code;
use headwater_engine::Reservation;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::errors::Problem;
use crate::limits::{DISCARD_BYTES, DISCARD_TIME, FIRST_BODY_BYTES};

/// Limits on one body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Most bytes.
    pub(crate) bytes: usize,
    /// Longest silence.
    pub(crate) silence: Duration,
    /// Fewest bytes per second, on average and after the first longest silence.
    pub(crate) rate: u32,
}

impl Bounds {
    /// How long a body may take of which so much has come.
    fn patience(self, bytes: usize) -> Duration {
        let rate = u64::from(self.rate.max(1));
        self.silence + Duration::from_millis((bytes as u64).saturating_mul(1000) / rate)
    }
}

/// Reads a body whole, in any framing.
pub(crate) async fn read<B>(
    body: &mut B,
    bounds: Bounds,
    held: &mut Reservation,
) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let announced = body.size_hint().exact();
    if announced.is_some_and(|length| length > bounds.bytes as u64) {
        return Err(Problem::too_large(bounds.bytes));
    }
    let mut begun = None;
    let mut kept = Vec::new();
    while !body.is_end_stream()
        && let Some(piece) = next(body, &mut begun, kept.len(), bounds).await?
    {
        let len = kept.len() + piece.len();
        if len > bounds.bytes {
            return Err(Problem::too_large(bounds.bytes));
        }
        held.grow(piece.len())?;
        if len > kept.capacity() {
            kept.reserve_exact(room(kept.capacity(), len, announced) - kept.len());
        }
        kept.extend_from_slice(&piece);
    }
    // What is kept for long takes the room that was reserved for it.
    kept.shrink_to_fit();
    Ok(kept.into())
}

/// Capacity for `len` bytes: doubling, never past what was announced, and a large announcement is believed
/// only as far as bytes follow.
fn room(capacity: usize, len: usize, announced: Option<u64>) -> usize {
    let generous = len.max(capacity.saturating_mul(2)).max(FIRST_BODY_BYTES);
    match announced.and_then(|length| usize::try_from(length).ok()) {
        Some(announced) => generous.min(announced).max(len),
        None => generous,
    }
}

/// The next piece, in time. What is there already needs no clock; the time of the whole body begins when it is first waited for.
async fn next<B>(
    body: &mut B,
    begun: &mut Option<Instant>,
    kept: usize,
    bounds: Bounds,
) -> Result<Option<Bytes>, Problem>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    loop {
        let frame = match body.frame().now_or_never() {
            Some(frame) => Ok(frame),
            None => {
                let now = Instant::now();
                let deadline = *begun.get_or_insert(now) + bounds.patience(kept);
                timeout_at(deadline.min(now + bounds.silence), body.frame()).await
            }
        };
        match frame {
            Ok(Some(Ok(frame))) => {
                // Trailers say nothing that this protocol knows.
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => {
                return Err(Problem::invalid(format!("the body did not arrive whole: {error}")));
            }
            Err(_) => {
                return Err(Problem::new(Code::Timeout, "the body did not arrive fast enough"));
            }
        }
    }
}

/// Takes what is left of a refused body off the wire, within bounds.
pub(crate) async fn discard<B>(mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let len = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(len) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Out of time is as good as done: the connection is closed under a client that will not stop.
    let _ = timeout(DISCARD_TIME, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_grows_with_what_came_and_not_with_what_was_announced() {
        for (capacity, len, announced, expected) in [
            (0, 100, Some(100), 100),
            (0, 100, None, FIRST_BODY_BYTES),
            (0, 100, Some(1 << 24), FIRST_BODY_BYTES),
            (FIRST_BODY_BYTES, FIRST_BODY_BYTES + 1, Some(1 << 24), 2 * FIRST_BODY_BYTES),
            (FIRST_BODY_BYTES, FIRST_BODY_BYTES + 1, Some(70_000), 70_000),
            (FIRST_BODY_BYTES, 1 << 20, None, 1 << 20),
            (0, 100, Some(50), 100),
        ] {
            assert_eq!(room(capacity, len, announced), expected, "{capacity} {len} {announced:?}");
        }
    }
}
