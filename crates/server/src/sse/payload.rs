//! A delivery of payload, as events and their control lines.

use std::collections::VecDeque;

use bytes::Bytes;
use headwater_core::StreamState;
use headwater_engine::{Delivery, Mark};

use super::control::{self, Standing};
use super::cut::{Cut, cut};
use super::outgoing::Outgoing;

/// What has been sent to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing; the first delivery always brings a control event.
    New,
    Following,
    /// The end of the stream.
    Over,
}

impl Phase {
    pub(super) fn after(standing: Standing) -> Self {
        match standing {
            Standing::AtEnd => Self::Over,
            Standing::Behind { .. } | Standing::CaughtUp { .. } => Self::Following,
        }
    }
}

/// What a reader that has begun is told next.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) pieces: VecDeque<Bytes>,
    /// Where the reader is then.
    pub(crate) mark: Mark,
    /// Whether that was the end of the stream.
    pub(crate) is_over: bool,
}

/// What readers at this position are told who have seen this cursor. Nothing when all that came is half a character.
pub(crate) fn told(delivery: &Delivery, position: u64, cursor: u64) -> Told {
    let mut out = Outgoing::default();
    let (position, phase) = tell(delivery, position, cursor, Phase::Following, &mut out);
    let mark = Mark { position, told: delivery.to(position) };
    Told { pieces: out.finish(), mark, is_over: phase == Phase::Over }
}

/// Writes the events of a delivery that begins at a position. Returns where the reader goes on.
pub(super) fn tell(
    delivery: &Delivery,
    position: u64,
    cursor: u64,
    phase: Phase,
    out: &mut Outgoing,
) -> (u64, Phase) {
    let state = &delivery.state;
    let done = cut(delivery, position, |Cut { event, next, reached }| {
        out.share(&event);
        let standing = standing(state, reached, cursor);
        control::encode(out.own(), state.ranges.offset(next), standing);
    });
    let standing = standing(state, delivery.to(position), cursor);
    if out.is_empty() && (phase == Phase::New || delivery.pieces.is_empty()) {
        control::encode(out.own(), state.ranges.offset(done), standing);
    }
    (done, Phase::after(standing))
}

/// How a reader stands that has seen the stream up to a position. Half a character at the tail is all there
/// is.
pub(super) fn standing(state: &StreamState, reached: u64, cursor: u64) -> Standing {
    if reached < state.tail.position {
        Standing::Behind { cursor }
    } else if state.closed.is_some() {
        Standing::AtEnd
    } else {
        Standing::CaughtUp { cursor }
    }
}
