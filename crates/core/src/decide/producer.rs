//! The table of idempotent producers, row by row.
//!
//! Where it comes from: section 5.2.1 of the Durable Streams protocol; the rows on which the text is silent (an unknown
//! producer that does not begin with 0) follow its reference servers.

use crate::change::ProducerChange;
use crate::decide::Limits;
use crate::error::AppendError;
use crate::producer::{ProducerNumber, ProducerState, ProducerTuple};
use crate::state::StreamState;

/// What a tuple means to a stream that is open.
pub(super) enum Verdict {
    /// The next one: append and remember this.
    Accept(ProducerChange),
    /// Accepted before; the highest accepted sequence is in the row.
    Duplicate(ProducerState),
}

pub(super) fn judge(
    stream: &StreamState,
    known: Option<ProducerState>,
    tuple: &ProducerTuple,
    limits: Limits,
) -> Result<Verdict, AppendError> {
    let row = ProducerState { epoch: tuple.epoch, seq: tuple.seq };
    let gap = |expected| AppendError::ProducerGap { expected, received: tuple.seq };
    let Some(known) = known else {
        if tuple.seq != ProducerNumber::ZERO {
            return Err(gap(0));
        }
        if stream.producers >= limits.producers_per_stream {
            return Err(AppendError::ProducerLimit);
        }
        return Ok(Verdict::Accept(ProducerChange::Introduce(tuple.id.clone(), row)));
    };
    let advance = || Ok(Verdict::Accept(ProducerChange::Advance(tuple.id.clone(), row)));
    if tuple.epoch < known.epoch {
        return Err(AppendError::ProducerFenced { current: known.epoch });
    }
    if tuple.epoch > known.epoch {
        return if tuple.seq == ProducerNumber::ZERO {
            advance()
        } else {
            Err(AppendError::ProducerEpochInvalid)
        };
    }
    match tuple.seq {
        seq if seq <= known.seq => Ok(Verdict::Duplicate(known)),
        seq if seq.get() == known.seq.next() => advance(),
        _ => Err(gap(known.seq.next())),
    }
}
