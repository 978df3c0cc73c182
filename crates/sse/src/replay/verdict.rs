//! What a client's last id means for a log.

use super::notice::{Lost, Reason, opening};
use super::{Cursor, Head, ReadError, ReplayLog};
use crate::PreparedEvent;

/// What became of the id a client came back with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It had none: it gets what comes from now on.
    Fresh,
    /// It gets exactly what it missed.
    Resumed,
    /// Some of what it missed is no longer kept: it gets what is.
    Gap,
    /// Its id is beyond the newest event, as after a log was restored from a copy: it gets what
    /// comes from now on.
    Ahead,
    /// Its id is from another life of the log: it gets all that is kept of this one.
    OtherEpoch,
    /// Its id is none that the log ever gave: it gets what comes from now on.
    Invalid,
}

impl Verdict {
    /// The word for it on the wire and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Resumed => "resumed",
            Self::Gap => "gap",
            Self::Ahead => "ahead",
            Self::OtherEpoch => "other_epoch",
            Self::Invalid => "invalid",
        }
    }

    /// Judges an id; `parsed` is what the log makes of it.
    fn of(id: Option<&str>, parsed: Option<Cursor>, head: &Head) -> Self {
        // The empty id is how a client is made to forget its last one.
        match (id, parsed) {
            (None | Some(""), _) => Self::Fresh,
            (Some(_), None) => Self::Invalid,
            (Some(_), Some(cursor)) => match head.admit(cursor) {
                Ok(()) => Self::Resumed,
                Err(ReadError::OtherEpoch { .. }) => Self::OtherEpoch,
                Err(ReadError::Ahead { .. }) => Self::Ahead,
                Err(_) => Self::Gap,
            },
        }
    }

    /// After which cursor the client continues.
    fn start(self, parsed: Option<Cursor>, head: &Head) -> Cursor {
        match self {
            Self::Resumed => parsed.unwrap_or(head.end()),
            Self::Gap | Self::OtherEpoch => head.oldest_kept(),
            Self::Fresh | Self::Ahead | Self::Invalid => head.end(),
        }
    }

    const fn loss(self) -> Option<Reason> {
        match self {
            Self::Fresh | Self::Resumed => None,
            Self::Gap => Some(Reason::Gap),
            Self::Ahead => Some(Reason::Ahead),
            Self::OtherEpoch => Some(Reason::OtherEpoch),
            Self::Invalid => Some(Reason::Invalid),
        }
    }
}

/// How a client's stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumption {
    /// What the application is told.
    pub verdict: Verdict,
    /// The first event of the stream comes after this.
    pub after: Cursor,
    /// What the client is told before all else.
    ///
    /// A comment `replay: <verdict>`, and the id of `after`, so that a client that is cut off before the first
    /// event comes back to this place. When something may be missing it is a [`Lost`] event.
    pub opening: PreparedEvent,
}

/// Judges the id a client came back with, if it had one, and says where its stream begins.
///
/// An id of a log that is not empty can be judged `Gap` at most until it is read; a page that
/// comes too late says so itself ([`ReadError::Expired`]).
///
/// # Errors
/// [`ReadError`] when the log does not tell its head.
pub async fn resume<L: ReplayLog + ?Sized>(
    log: &L,
    last_event_id: Option<&str>,
) -> Result<Resumption, ReadError> {
    let head = log.head().await?;
    let parsed = last_event_id.and_then(|id| log.parse(id));
    let verdict = Verdict::of(last_event_id, parsed, &head);
    let after = verdict.start(parsed, &head);
    let start = log.id(after);
    let lost = verdict.loss().map(|reason| {
        // An id that is none of ours may be anything, and is not sent back.
        let from = parsed.and(last_event_id);
        Lost { reason, from, to: Some(&start), events: None }
    });
    Ok(Resumption { verdict, after, opening: opening(verdict, &start, lost.as_ref()) })
}
