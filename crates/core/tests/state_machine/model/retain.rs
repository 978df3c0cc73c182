//! Retention: what goes by itself because it is too much or too old.

use headwater_core::retention::{Retention, Wanted};
use headwater_core::{StreamKey, Timestamp};

use super::{Model, Stream, due};
use crate::answer::Answer;
use crate::coverage::Row;
use crate::ops::Look;

/// What a stream keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) retention: Retention,
    /// The request that created it said so.
    pub(crate) asked: bool,
    /// No record that can be read was committed before.
    pub(crate) oldest: Timestamp,
}

/// What was found to be beyond a policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Excess {
    id: u64,
    /// Bytes and records in front, as many as are too much, and as many as are too old.
    for_bytes: (u64, u64),
    for_age: (u64, u64),
    /// When the first record was committed that is not too old.
    oldest: Option<Timestamp>,
}

/// What a request says itself.
pub(super) fn asked(wanted: Wanted) -> Option<Retention> {
    match wanted {
        Wanted::Exactly(retention) => Some(retention),
        Wanted::Usual(_) => None,
    }
}

pub(super) fn row(source: Option<Kept>, wanted: Wanted) -> Option<Row> {
    source.map(|_| match wanted {
        Wanted::Exactly(_) => Row::PolicyReplaced,
        Wanted::Usual(_) => Row::PolicyInherited,
    })
}

impl Kept {
    /// What a new stream keeps: what was asked for, or what its source does, or what is usual.
    pub(super) fn new(wanted: Wanted, source: Option<Self>, now: Timestamp) -> Option<Self> {
        let (retention, asked) = match wanted {
            Wanted::Exactly(retention) => (retention, true),
            Wanted::Usual(usual) => (source.map_or(usual, |source| source.retention), false),
        };
        let everything = retention.bytes.is_none() && retention.seconds.is_none();
        (asked || !everything).then_some(Self { retention, asked, oldest: now })
    }
}

/// When a stream ends or something of it may have to go: then there is a sixteenth too much, or the oldest is a sixteenth too old.
pub(crate) fn upkeep(stream: &Stream) -> Option<Timestamp> {
    let ends = due(stream);
    let bytes = stream.len() - stream.floor.0;
    let Some(kept) = stream.kept.filter(|_| bytes > 0) else { return ends };
    let Retention { bytes: most, seconds } = kept.retention;
    let too_much = most.is_some_and(|most| bytes > most.get() + most.get() / 16);
    let too_old = seconds.map(|seconds| {
        let span = seconds.get() * 1000;
        Timestamp(kept.oldest.0 + span + span / 16)
    });
    let goes = if too_much { Some(Timestamp(0)) } else { too_old };
    ends.into_iter().chain(goes).min()
}

impl Model {
    pub(super) fn retain(&mut self, key: &StreamKey, look: Look, now: Timestamp) -> Answer {
        let excess = self.live(key).and_then(|stream| excess(stream, now));
        let excess = match (look, excess) {
            (Look::Now, excess) => excess,
            (Look::Before, Some(excess)) => self.looks.insert(key.clone(), excess),
            (Look::Before, None) => self.looks.get(key).copied(),
        };
        let given_up = excess.and_then(|excess| self.give_up_excess(key, look, excess, now));
        self.rows.extend((given_up == Some(0)).then_some(Row::RetainedYounger));
        self.rows.extend(given_up.is_none().then_some(Row::RetainedNothing));
        Answer::Retained(given_up.unwrap_or_default())
    }

    /// How many bytes were given up; nothing where nothing changes.
    fn give_up_excess(
        &mut self,
        key: &StreamKey,
        look: Look,
        excess: Excess,
        now: Timestamp,
    ) -> Option<u64> {
        let id = self.live(key)?.id;
        if id != excess.id {
            self.rows.push(Row::RetainedOfAnotherLife);
            return None;
        }
        let forked = self.forks(key, id) > 0;
        let stream = self.streams.get_mut(key)?;
        // One whose time is up is not there any more for anybody.
        if due(stream).is_some_and(|due| due <= now) {
            return None;
        }
        let kept = stream.kept.as_mut()?;
        let younger = excess.oldest.is_some_and(|oldest| oldest > kept.oldest);
        kept.oldest = kept.oldest.max(excess.oldest.unwrap_or_default());
        let floor = excess.for_bytes.max(excess.for_age).max(stream.floor);
        if floor == stream.floor {
            return younger.then_some(0);
        }
        let given_up = floor.0 - stream.floor.0;
        let because = match (excess.for_bytes > stream.floor, excess.for_age > stream.floor) {
            (true, true) => Row::RetainedForBoth,
            (true, false) => Row::RetainedForBytes,
            (false, _) => Row::RetainedForAge,
        };
        let inherited = (floor.0 < stream.base()).then_some(Row::RetainedInInherited);
        let closed = stream.closed.is_some().then_some(Row::RetainedClosed);
        let late = (look == Look::Before).then_some(Row::RetainedAfterAnEarlierLook);
        let forked = forked.then_some(Row::RetainedWithForks);
        stream.floor = floor;
        self.rows.extend([Some(because), inherited, closed, late, forked].into_iter().flatten());
        Some(given_up)
    }
}

/// What is too much and too old of a stream, by whole records from the front; nothing before its upkeep is due.
fn excess(stream: &Stream, now: Timestamp) -> Option<Excess> {
    let kept = stream.kept?;
    let goes = upkeep(&Stream { lifetime: headwater_core::Expiry::Never, ..stream.clone() })?;
    if goes > now {
        return None;
    }
    let Retention { bytes, seconds } = kept.retention;
    let (mut for_bytes, mut for_age, mut oldest) = (stream.floor, stream.floor, None);
    for ((from, to), (record, number)) in
        stream.spans().into_iter().zip(stream.records.iter().zip(1..))
    {
        if number <= stream.floor.1 {
            continue;
        }
        if bytes.is_some_and(|most| stream.len() - from > most.get() && to > from) {
            for_bytes = (to, number);
        }
        if let Some(seconds) = seconds {
            let too_old = record.at.0 < now.0.saturating_sub(seconds.get() * 1000);
            if too_old {
                for_age = (to, number);
            } else {
                oldest = oldest.or(Some(record.at));
            }
        }
    }
    Some(Excess { id: stream.id, for_bytes, for_age, oldest })
}
