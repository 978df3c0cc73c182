//! Retention: how much of a stream is kept while it goes on, and when what is too much or too old is to be looked for.
//!
//! A policy is part of a stream and never changes. What it takes is taken in the background, by whole records, oldest first, and not for
//! each record alone: a stream may have a sixteenth more, or older, than its policy says ([`slack`]).

use std::num::NonZeroU64;

use crate::state::{StreamState, Tail};
use crate::time::Timestamp;

/// What may be kept. Of two limits both hold; without any, everything is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Retention {
    /// Payload bytes, as positions count them.
    pub bytes: Option<NonZeroU64>,
    /// Seconds since a record was committed.
    pub seconds: Option<NonZeroU64>,
}

impl Retention {
    /// Whether there is a limit.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.bytes.is_some() || self.seconds.is_some()
    }
}

/// Who chose the policy of a stream. A repeated creation is compared with what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    /// The request that created it.
    Request,
    /// What it was forked from, or its space, because the request did not.
    Surroundings,
}

/// What a creation says about retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This, and nothing else.
    Exactly(Retention),
    /// What the source of a fork has; otherwise this, which is usual in its space.
    Usual(Retention),
}

impl Default for Wanted {
    fn default() -> Self {
        Self::Usual(Retention::default())
    }
}

/// The policy of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What may be kept.
    pub retention: Retention,
    /// Who chose it.
    pub by: ChosenBy,
}

impl Policy {
    /// The policy of a new stream, if it has one, given that of the stream that it is forked from.
    pub(crate) fn of(wanted: Wanted, source: Option<&Retained>) -> Option<Self> {
        let (retention, by) = match (wanted, source) {
            (Wanted::Exactly(retention), _) => (retention, ChosenBy::Request),
            (Wanted::Usual(_), Some(source)) => (source.policy.retention, ChosenBy::Surroundings),
            (Wanted::Usual(retention), None) => (retention, ChosenBy::Surroundings),
        };
        (retention.is_limited() || by == ChosenBy::Request).then_some(Self { retention, by })
    }
}

/// The policy of a stream, and how far it was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retained {
    /// The policy.
    pub policy: Policy,
    /// No record that is kept was committed before.
    pub oldest: Timestamp,
}

/// What a stream may have beyond a limit before something is done about it: so it is not changed for each record.
#[must_use]
pub fn slack(limit: u64) -> u64 {
    limit / 16
}

/// What has to go, as far as a state tells. Looking it up in the record table gives a [`Found`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Excess {
    /// The last byte that is one too many, and with it the record that holds it.
    pub byte: Option<u64>,
    /// All that was committed before.
    pub before: Option<Timestamp>,
}

/// What was found where a state says that something has to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The end of the record that holds the byte.
    pub behind_byte: Option<Tail>,
    /// The end of the last record that is too old, if there is one.
    pub behind_old: Option<Tail>,
    /// When the first record was committed that is not too old, if there is one.
    pub oldest: Option<Timestamp>,
}

impl Retained {
    /// When there may be something to be done, given what can be read of the stream.
    fn due(&self, kept: u64) -> Option<Timestamp> {
        if kept == 0 {
            return None;
        }
        let Retention { bytes, seconds } = self.policy.retention;
        let too_many =
            bytes.is_some_and(|most| kept > most.get().saturating_add(slack(most.get())));
        if too_many {
            return Some(Timestamp(0));
        }
        let seconds = seconds?.get();
        let slack = slack(seconds.saturating_mul(1000));
        Some(Timestamp(self.oldest.plus_seconds(seconds).0.saturating_add(slack)))
    }
}

impl StreamState {
    /// When something of it is to go by itself: all of it, or what is more than its policy says. Its records may turn out to
    /// be younger than was known.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let retention = self.retained.as_ref().and_then(|retained| retained.due(self.kept_bytes()));
        match (self.deadline(), retention) {
            (Some(end), Some(retention)) => Some(end.min(retention)),
            (end, retention) => end.or(retention),
        }
    }

    /// Bytes that can be read.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.tail.position.saturating_sub(self.floor.position)
    }

    /// What has to go by its policy; nothing before it is [`due`](Self::due).
    #[must_use]
    pub fn excess(&self, now: Timestamp) -> Option<Excess> {
        let (retained, kept) = (self.retained.as_ref()?, self.kept_bytes());
        retained.due(kept).filter(|due| *due <= now)?;
        let Retention { bytes, seconds } = retained.policy.retention;
        let too_many = bytes.and_then(|most| kept.checked_sub(most.get())).filter(|more| *more > 0);
        let byte = too_many.map(|more| self.floor.position + more - 1);
        let before = seconds.map(|seconds| {
            let span = seconds.get().saturating_mul(1000);
            Timestamp(now.0.saturating_sub(span))
        });
        Some(Excess { byte, before })
    }
}
