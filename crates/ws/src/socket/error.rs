//! How a connection can end other than by closing.

use std::io;

use crate::decode::DecodeError;
use crate::encode::Closed;

/// Why a connection is over, or why nothing can be sent on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke the protocol or a limit. It has been told, with the error's close code.
    #[error("the peer is refused: {0}")]
    Refused(#[from] DecodeError),
    /// The peer did not do something in time.
    #[error("{0}")]
    Overdue(#[from] Overdue),
    /// The transport failed, or ended without a close frame.
    #[error("the transport failed: {0}")]
    Transport(#[from] io::Error),
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

impl From<Closed> for Error {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

/// What a peer did not do in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overdue {
    /// No sign of life after a ping, within [`Timing::pong_within`](crate::Timing::pong_within).
    #[error("the peer has not answered a ping")]
    Pong,
    /// Nothing came for [`Timing::idle_after`](crate::Timing::idle_after).
    #[error("the peer has been silent for too long")]
    Idle,
    /// It has not taken a byte for [`Timing::write_within`](crate::Timing::write_within).
    #[error("the peer does not read")]
    Write,
}
