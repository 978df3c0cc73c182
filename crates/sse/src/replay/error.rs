//! What can go wrong with a log, and whether it may have happened all the same.

use thiserror::Error;

use super::Head;

/// The reason an implementation gives.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Whether an append that failed may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The log is as it was.
    None,
    /// The event may be in the log, once, now or later. Appending again may double it.
    Unknown,
}

/// Why an event was not appended, or not known to be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// An event without data dispatches nothing, so there is nothing to replay.
    #[error("an event without data cannot be replayed")]
    NoData,
    /// Larger than the log would ever keep.
    #[error("an event of {size} bytes is above the limit of {limit}")]
    TooLarge {
        /// Bytes of the encoded event.
        size: usize,
        /// Most bytes of one event.
        limit: usize,
    },
    /// The log takes nothing at present; nothing happened.
    #[error("the log does not take the event")]
    Refused(#[source] BoxError),
    /// Nobody can say whether the event was appended.
    #[error("it is not known whether the event was appended")]
    Unknown(#[source] BoxError),
}

impl AppendError {
    /// Whether the event may be in the log.
    pub const fn effect(&self) -> Effect {
        match self {
            Self::NoData | Self::TooLarge { .. } | Self::Refused(_) => Effect::None,
            Self::Unknown(_) => Effect::Unknown,
        }
    }
}

/// Why nothing can be read after a cursor.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Events after the cursor were given up. What is left begins after `head.floor`.
    #[error("what came after the cursor is no longer kept")]
    Expired {
        /// What the log holds.
        head: Head,
    },
    /// The cursor belongs to another life of the log.
    #[error("the cursor is of another epoch")]
    OtherEpoch {
        /// What the log holds.
        head: Head,
    },
    /// The cursor is beyond the newest event.
    #[error("the cursor is ahead of the log")]
    Ahead {
        /// What the log holds.
        head: Head,
    },
    /// The log cannot be read at present; trying again can help.
    #[error("the log cannot be read")]
    Unavailable(#[source] BoxError),
    /// What is there is not what was written; trying again does not help.
    #[error("the log is damaged")]
    Damaged(#[source] BoxError),
}
