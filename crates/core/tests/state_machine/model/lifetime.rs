//! How streams end: deletion, expiry, soft deletion, and the cascade up a chain of forks.

use headwater_core::error::Code;
use headwater_core::{Expiry, StreamKey, Timestamp};

use super::{Model, Stream};
use crate::answer::{Answer, Detail};
use crate::coverage::Row;

impl Model {
    pub(super) fn delete(&mut self, key: &StreamKey, now: Timestamp) -> Answer {
        self.end_if_due(key, now);
        match self.streams.get(key) {
            None => Answer::Refused(Code::NotFound, Detail::Nothing),
            Some(stream) if stream.deleted => Answer::Refused(Code::Gone, Detail::Nothing),
            Some(_) => {
                self.end(key);
                Answer::Done
            }
        }
    }

    /// How many forks need this stream, deleted ones that are needed themselves among them.
    pub(crate) fn forks(&self, key: &StreamKey, id: u64) -> usize {
        let child = |stream: &&Stream| {
            stream.parent.as_ref().is_some_and(|parent| parent.key == *key && parent.id == id)
        };
        self.streams.values().filter(child).count()
    }

    pub(super) fn end_if_due(&mut self, key: &StreamKey, now: Timestamp) {
        let due = self.live(key).and_then(due).is_some_and(|due| due <= now);
        if due {
            self.rows.push(Row::MetOverdue);
            self.end(key);
        }
    }

    fn end(&mut self, key: &StreamKey) {
        let Some(stream) = self.streams.get(key) else { return };
        if self.forks(key, stream.id) > 0 {
            self.rows.push(Row::SoftDeleted);
            self.streams.entry(key.clone()).and_modify(|stream| stream.deleted = true);
            return;
        }
        let mut gone = self.streams.remove(key);
        while let Some(parent) = gone.and_then(|stream| stream.parent) {
            let deleted = self.streams.get(&parent.key).is_some_and(|stream| stream.deleted);
            if !deleted || self.forks(&parent.key, parent.id) > 0 {
                break;
            }
            self.rows.push(Row::AncestorCleanedUp);
            gone = self.streams.remove(&parent.key);
        }
    }
}

/// When a stream ends if nobody uses it again: a TTL counts from the last use, an absolute time is fixed.
pub(crate) fn due(stream: &Stream) -> Option<Timestamp> {
    match stream.lifetime {
        Expiry::Never => None,
        Expiry::Ttl(seconds) => Some(after(stream.used, seconds)),
        Expiry::AfterClose(seconds) => stream.closed.as_ref().map(|_| after(stream.used, seconds)),
        Expiry::At(at) => Some(at),
    }
}

fn after(point: Timestamp, seconds: u64) -> Timestamp {
    let end = u128::from(seconds) * 1000 + u128::from(point.0);
    Timestamp(u64::try_from(end).unwrap_or(u64::MAX))
}
