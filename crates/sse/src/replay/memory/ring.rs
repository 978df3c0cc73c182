//! The events themselves, and which of them are given up.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;

use super::super::{AppendError, Budget, Cursor, Entry, Epoch, Head, Page, ReadError, Rest};
use super::Retention;
use crate::{Event, PreparedEvent};

/// Events with the sequences `floor + 1 ..= floor + kept.len()`.
pub(super) struct Ring {
    retention: Retention,
    epoch: Epoch,
    floor: u64,
    kept: VecDeque<Kept>,
    bytes: usize,
    now: Duration,
    /// Where the next events are put.
    block: BytesMut,
}

/// Events are put into blocks of this size, so that most of them cost no allocation. A block is held
/// as long as one of its events is: that is one at each end of what is kept.
const BLOCK: usize = 16 * 1024;

struct Kept {
    event: PreparedEvent,
    at: Duration,
}

impl Ring {
    pub(super) fn new(retention: Retention, epoch: Epoch) -> Self {
        let kept = VecDeque::new();
        let (now, block) = (Duration::ZERO, BytesMut::new());
        Self { retention, epoch, floor: 0, kept, bytes: 0, now, block }
    }

    pub(super) fn head(&self) -> Head {
        let newest = self.floor.saturating_add(self.kept.len() as u64);
        Head { epoch: self.epoch, floor: self.floor, newest }
    }

    /// Gives up what became too old. The time never goes back.
    pub(super) fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
        let Some(age) = self.retention.age else { return };
        while self.kept.front().is_some_and(|oldest| self.now.saturating_sub(oldest.at) >= age) {
            self.give_up_oldest();
        }
    }

    pub(super) fn append(&mut self, event: &Event<'_>) -> Result<Entry, AppendError> {
        if !event.has_data() {
            return Err(AppendError::NoData);
        }
        let cursor = Cursor::new(self.epoch, self.head().newest.saturating_add(1));
        let event = cursor.with_id(|id| self.encode(&event.without_comment_and_retry().id(id)))?;
        let size = event.as_bytes().len();
        // Before it is put in, so that the queue never grows beyond what it may hold.
        while self.kept.len() >= self.retention.events.get()
            || self.bytes.saturating_add(size) > self.retention.bytes
        {
            self.give_up_oldest();
        }
        self.bytes += size;
        self.kept.push_back(Kept { event: event.clone(), at: self.now });
        Ok(Entry { cursor, event })
    }

    fn encode(&mut self, event: &Event<'_>) -> Result<PreparedEvent, AppendError> {
        let (size, limit) = (event.encoded_len(), self.retention.bytes);
        if size > limit {
            return Err(AppendError::TooLarge { size, limit });
        }
        if self.block.capacity() < size {
            self.block = BytesMut::with_capacity(size.max(BLOCK.min(limit)));
        }
        Ok(PreparedEvent::new_in(&mut self.block, event))
    }

    pub(super) fn anything_after(&self, after: Cursor) -> Result<bool, ReadError> {
        let head = self.head();
        head.admit(after)?;
        Ok(after.offset < head.newest)
    }

    pub(super) fn read(&self, after: Cursor, budget: Budget) -> Result<Page, ReadError> {
        self.head().admit(after)?;
        let skipped = usize::try_from(after.offset - self.floor).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        let mut bytes = 0usize;
        let cursors = (after.offset..).skip(1).map(|offset| Cursor::new(self.epoch, offset));
        for (cursor, kept) in cursors.zip(self.kept.iter().skip(skipped)) {
            bytes = bytes.saturating_add(kept.event.as_bytes().len());
            let beyond = entries.len() >= budget.events.get() || bytes > budget.bytes;
            if beyond && !entries.is_empty() {
                return Ok(Page { entries, rest: Rest::More });
            }
            entries.push(Entry { cursor, event: kept.event.clone() });
        }
        Ok(Page { entries, rest: Rest::Nothing })
    }

    pub(super) fn truncate(&mut self, through: Cursor) {
        while through.epoch == self.epoch && self.floor < through.offset && !self.kept.is_empty() {
            self.give_up_oldest();
        }
    }

    fn give_up_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.bytes -= oldest.event.as_bytes().len();
            self.floor += 1;
        }
    }
}
