//! The messages that some subscriber may still take from the log itself.
//!
//! They lie in batches, so that many are taken by one reference. Each message has a mark, which says how many subscribers stand at it;
//! so it is known without looking at any subscriber whether a message is needed, and whether somebody is being left behind.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::runs::{Entry, Taken};
use crate::{Audience, Limits, Message, SubscriberId};

/// Messages in a batch: so many are published for one allocation, and that many small ones are kept for longer than needed at most.
const BATCH_MESSAGES: usize = 32;

/// Bytes in a batch: larger ones gain nothing, and keep more memory than needed.
const BATCH_BYTES: u64 = 64 * 1024;

/// Messages for which a batch is closed before it is full, when somebody takes them: so many by one reference instead of each by its own,
/// for whoever takes them next, too. Of fewer the batch would cost more than it saves.
const WORTH_A_BATCH: usize = 8;

/// How many subscribers stand somewhere: all, and those for whom publishers wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readers {
    pub(crate) all: u32,
    pub(crate) patient: u32,
}

/// What is counted about each message, up to and including it.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    readers: Readers,
    bytes: u64,
    broadcasts: u64,
}

#[derive(Debug)]
struct Batch<M> {
    first: u64,
    entries: Arc<[Entry<M>]>,
    /// Whether all of them are for all.
    uniform: bool,
}

impl<M> Batch<M> {
    fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }
}

#[derive(Debug)]
pub(crate) struct Window<M> {
    /// Sequence of the first message that is held.
    first: u64,
    /// The sums before it.
    before: Mark,
    marks: VecDeque<Mark>,
    sealed: VecDeque<Batch<M>>,
    open: Vec<Entry<M>>,
    open_bytes: u64,
    /// Those who have everything and do not wait for more yet.
    tip: Readers,
}

impl<M> Default for Window<M> {
    fn default() -> Self {
        Self {
            first: 0,
            before: Mark::default(),
            marks: VecDeque::new(),
            sealed: VecDeque::new(),
            open: Vec::new(),
            open_bytes: 0,
            tip: Readers::default(),
        }
    }
}

impl<M: Message> Window<M> {
    /// The sequence of the next message.
    pub(crate) fn head(&self) -> u64 {
        self.first + self.marks.len() as u64
    }

    /// How many messages are held.
    pub(crate) fn messages(&self) -> u64 {
        self.marks.len() as u64
    }

    /// How many bytes are held.
    pub(crate) fn bytes(&self) -> u64 {
        self.sums_before(self.head()).bytes - self.before.bytes
    }

    /// Bytes of all messages before one.
    pub(crate) fn bytes_before(&self, sequence: u64) -> u64 {
        self.sums_before(sequence).bytes
    }

    /// Messages for all before one.
    pub(crate) fn broadcasts_before(&self, sequence: u64) -> u64 {
        self.sums_before(sequence).broadcasts
    }

    fn sums_before(&self, sequence: u64) -> Mark {
        let mark = sequence.checked_sub(1).and_then(|last| self.index(last));
        mark.and_then(|index| self.marks.get(index)).copied().unwrap_or(self.before)
    }

    fn index(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.first)?).ok()
    }

    /// Who stands at a message, or has everything.
    pub(crate) fn readers(&self, sequence: u64) -> Readers {
        let mark = self.index(sequence).and_then(|index| self.marks.get(index));
        mark.map_or(self.tip, |mark| mark.readers)
    }

    pub(crate) fn readers_mut(&mut self, sequence: u64) -> &mut Readers {
        let index = self.index(sequence);
        match index.and_then(|index| self.marks.get_mut(index)) {
            Some(mark) => &mut mark.readers,
            None => &mut self.tip,
        }
    }

    /// Adds a message, at which those stand now who had everything.
    pub(crate) fn push(&mut self, message: M, audience: Audience) -> u64 {
        let sequence = self.head();
        let sums = self.sums_before(sequence);
        let weight = message.weight() as u64;
        self.marks.push_back(Mark {
            readers: std::mem::take(&mut self.tip),
            bytes: sums.bytes + weight,
            broadcasts: sums.broadcasts + u64::from(audience.is_all()),
        });
        self.open.push(Entry { message, audience });
        self.open_bytes += weight;
        if self.open.len() >= BATCH_MESSAGES || self.open_bytes >= BATCH_BYTES {
            self.seal();
        }
        sequence
    }

    /// Makes a batch of what somebody is about to take.
    pub(crate) fn seal_what_is_worth_it(&mut self) {
        if self.open.len() >= WORTH_A_BATCH {
            self.seal();
        }
    }

    fn seal(&mut self) {
        let first = self.open_first();
        let uniform = self.open.iter().all(|entry| entry.audience.is_all());
        let entries: Arc<[Entry<M>]> = self.open.drain(..).collect();
        self.open_bytes = 0;
        self.sealed.push_back(Batch { first, entries, uniform });
    }

    fn open_first(&self) -> u64 {
        self.head() - self.open.len() as u64
    }

    /// Whether there is something to let go of if nobody stands before a message.
    pub(crate) fn has_whole_batch_before(&self, sequence: u64) -> bool {
        self.sealed.front().is_some_and(|batch| batch.end() <= sequence)
    }

    /// Lets go of what lies before a message, in whole batches.
    pub(crate) fn trim(&mut self, needed: u64) {
        while let Some(end) = self.sealed.front().map(Batch::end).filter(|end| *end <= needed) {
            self.sealed.pop_front();
            self.forget(end);
        }
        if needed == self.head() && self.sealed.is_empty() {
            self.open.clear();
            self.open_bytes = 0;
            self.forget(needed);
        }
    }

    fn forget(&mut self, to: u64) {
        self.before = self.sums_before(to);
        let marks = self.index(to).unwrap_or(0).min(self.marks.len());
        self.marks.drain(..marks);
        self.first = to;
    }

    /// The first message from there on at which somebody stands, or the end.
    pub(crate) fn first_needed(&self) -> u64 {
        let free = self.marks.iter().take_while(|mark| mark.readers.all == 0).count();
        self.first + free as u64
    }

    /// Whom messages are for, from one to another.
    pub(crate) fn audiences(&self, from: u64, to: u64) -> Vec<Audience> {
        let sealed = self.sealed.iter().flat_map(|batch| (batch.first..).zip(batch.entries.iter()));
        let all = sealed.chain((self.open_first()..).zip(&self.open));
        let asked = all.skip_while(|(at, _)| *at < from).take_while(|(at, _)| *at < to);
        asked.map(|(_, entry)| entry.audience.clone()).collect()
    }

    /// Takes what is for a subscriber from a message on, while there is room. Returns where it goes on.
    pub(crate) fn collect(
        &self,
        id: SubscriberId,
        from: u64,
        limits: &Limits,
        sink: &mut Taken<M>,
    ) -> u64 {
        let mut at = from;
        let begin = self.sealed.partition_point(|batch| batch.end() <= at);
        for batch in self.sealed.range(begin..) {
            at = self.collect_batch(batch, id, at, limits, sink);
            if at < batch.end() {
                return at;
            }
        }
        let skip = usize::try_from(at.saturating_sub(self.open_first())).unwrap_or(usize::MAX);
        for entry in self.open.iter().skip(skip) {
            if entry.audience.contains(id) {
                if !sink.has_room(entry.message.weight() as u64, limits) {
                    return at;
                }
                sink.push(at, entry.message.clone());
            }
            at += 1;
        }
        at
    }

    fn collect_batch(
        &self,
        batch: &Batch<M>,
        id: SubscriberId,
        from: u64,
        limits: &Limits,
        sink: &mut Taken<M>,
    ) -> u64 {
        let len = batch.entries.len();
        let mut at = usize::try_from(from - batch.first).unwrap_or(len);
        if batch.uniform {
            let bytes = self.bytes_before(batch.end()) - self.bytes_before(from);
            let messages = (len - at) as u64;
            if limits.hold(sink.messages() + messages, sink.bytes() + bytes) {
                sink.push_run(from, &batch.entries, at..len, bytes);
                return batch.end();
            }
        }
        while at < len {
            let run = stretch(batch, id, at, limits, sink);
            sink.push_run(batch.first + at as u64, &batch.entries, at..run.end, run.bytes);
            at = run.end;
            match batch.entries.get(at) {
                Some(entry) if entry.audience.contains(id) => break,
                Some(_) => at += 1,
                None => {}
            }
        }
        batch.first + at as u64
    }
}

/// Entries that follow each other.
struct Stretch {
    end: usize,
    bytes: u64,
}

/// As many entries as are for a subscriber and have room.
fn stretch<M: Message>(
    batch: &Batch<M>,
    id: SubscriberId,
    from: usize,
    limits: &Limits,
    sink: &Taken<M>,
) -> Stretch {
    let (mut end, mut bytes) = (from, 0);
    for entry in batch.entries.iter().skip(from) {
        let weight = entry.message.weight() as u64;
        let messages = sink.messages() + (end - from) as u64;
        let has_room = messages == 0 || limits.hold(messages + 1, sink.bytes() + bytes + weight);
        if !entry.audience.contains(id) || !has_room {
            break;
        }
        end += 1;
        bytes += weight;
    }
    Stretch { end, bytes }
}
