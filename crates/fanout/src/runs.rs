//! Messages that were taken, or wait for one subscriber: by reference, in publish order, with the gaps between them.
//!
//! Where messages follow each other in a batch of the log, one reference holds them all.

use std::collections::{VecDeque, vec_deque};
use std::ops::Range;
use std::slice;
use std::sync::Arc;

use crate::{Audience, Limits, Message};

/// A message as the log keeps it.
#[derive(Debug)]
pub(crate) struct Entry<M> {
    pub(crate) message: M,
    pub(crate) audience: Audience,
}

/// Messages that a subscriber does not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Sequence of the first of them.
    pub from: u64,
    /// Sequence behind the last of them. Messages for others may lie between.
    pub to: u64,
    /// How many they are.
    pub messages: u64,
}

/// What a subscriber gets.
#[derive(Debug, PartialEq, Eq)]
pub enum Delivery<'a, M> {
    /// The next message that is for it.
    Message {
        /// Its place in the log: 0, 1, 2 … in publish order, counting messages for others.
        sequence: u64,
        /// What was published.
        message: &'a M,
    },
    /// Messages that it lost here.
    Lost(Gap),
}

#[derive(Debug)]
enum Item<M> {
    One {
        sequence: u64,
        message: M,
    },
    /// Entries of a batch, all of them for this subscriber.
    Run {
        first: u64,
        entries: Arc<[Entry<M>]>,
        range: Range<usize>,
    },
    Gap(Gap),
}

/// What one take brought, or what waits for one subscriber. Can be used again when it is [cleared](Self::clear).
#[derive(Debug)]
pub struct Taken<M> {
    items: VecDeque<Item<M>>,
    messages: u64,
    bytes: u64,
}

impl<M> Default for Taken<M> {
    fn default() -> Self {
        Self { items: VecDeque::new(), messages: 0, bytes: 0 }
    }
}

impl<M: Message> Taken<M> {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many messages there are.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// How many bytes they are counted with.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether there is neither a message nor a gap.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// From which sequence to which, when everything between was taken, without a gap: whoever took the same stretch got the same.
    #[must_use]
    pub fn stretch(&self) -> Option<Range<u64>> {
        let (first, last) = (self.items.front()?.range()?, self.items.back()?.range()?);
        // Sequences only grow, so as many as fit in between are all of them.
        (last.end - first.start == self.messages).then_some(first.start..last.end)
    }

    /// Lets go of everything and keeps the memory for the next take.
    pub fn clear(&mut self) {
        if !self.items.is_empty() {
            self.items.clear();
        }
        (self.messages, self.bytes) = (0, 0);
    }

    /// Everything, in publish order.
    pub fn iter(&self) -> impl Iterator<Item = Delivery<'_, M>> {
        Deliveries { items: self.items.iter(), run: [].iter(), next: 0 }
    }

    /// Whether one more of this weight is within the limits. The first always is.
    pub(crate) fn has_room(&self, weight: u64, limits: &Limits) -> bool {
        self.messages == 0 || limits.hold(self.messages + 1, self.bytes + weight)
    }

    /// Whether there is room for anything.
    pub(crate) fn is_full(&self, limits: &Limits) -> bool {
        !self.has_room(1, limits)
    }

    pub(crate) fn push(&mut self, sequence: u64, message: M) {
        self.messages += 1;
        self.bytes += message.weight() as u64;
        self.items.push_back(Item::One { sequence, message });
    }

    /// Adds entries of a batch, of which the first has this sequence and all together this weight.
    pub(crate) fn push_run(
        &mut self,
        first: u64,
        entries: &Arc<[Entry<M>]>,
        range: Range<usize>,
        weight: u64,
    ) {
        if range.start < range.end {
            self.messages += range.len() as u64;
            self.bytes += weight;
            self.items.push_back(Item::Run { first, entries: Arc::clone(entries), range });
        }
    }

    pub(crate) fn push_gap(&mut self, gap: Gap) {
        if gap.messages == 0 {
            return;
        }
        match self.items.back_mut() {
            Some(Item::Gap(last)) => {
                last.to = gap.to;
                last.messages += gap.messages;
            }
            _ => self.items.push_back(Item::Gap(gap)),
        }
    }

    /// Loses the oldest until the limits hold. Returns how many were lost now.
    pub(crate) fn shed(&mut self, limits: &Limits) -> u64 {
        let mut gap: Option<Gap> = None;
        let mut lost = 0;
        while !limits.hold(self.messages, self.bytes) {
            let Some((from, to, messages)) = self.pop() else { break };
            let gap = gap.get_or_insert(Gap { from, to, messages: 0 });
            gap.to = to;
            match messages {
                Popped::Message => {
                    gap.messages += 1;
                    lost += 1;
                }
                Popped::Gap(before) => gap.messages += before,
            }
        }
        if let Some(mut gap) = gap {
            if let Some(Item::Gap(next)) = self.items.front() {
                gap.to = next.to;
                gap.messages += next.messages;
                self.items.pop_front();
            }
            self.items.push_front(Item::Gap(gap));
        }
        lost
    }

    /// Takes the first away. Gives where it begins and ends.
    fn pop(&mut self) -> Option<(u64, u64, Popped)> {
        let (sequence, weight, is_last) = match self.items.front_mut()? {
            Item::Gap(gap) => {
                let gap = *gap;
                self.items.pop_front();
                return Some((gap.from, gap.to, Popped::Gap(gap.messages)));
            }
            Item::One { sequence, message } => (*sequence, message.weight(), true),
            Item::Run { first, entries, range } => {
                let sequence = *first;
                let weight = entries.get(range.start).map_or(0, |entry| entry.message.weight());
                range.start += 1;
                *first += 1;
                (sequence, weight, range.start == range.end)
            }
        };
        if is_last {
            self.items.pop_front();
        }
        self.messages -= 1;
        self.bytes -= weight as u64;
        Some((sequence, sequence + 1, Popped::Message))
    }

    /// Moves what is first to the end of another, as far as it has room.
    pub(crate) fn drain_into(&mut self, other: &mut Self, limits: &Limits) {
        while let Some(item) = self.items.pop_front() {
            let (moved, weight) = match &item {
                Item::Gap(gap) => {
                    other.push_gap(*gap);
                    continue;
                }
                Item::One { message, .. } => {
                    let weight = message.weight() as u64;
                    (u64::from(other.has_room(weight, limits)), weight)
                }
                Item::Run { entries, range, .. } => fitting(other, limits, entries, range),
            };
            other.messages += moved;
            other.bytes += weight * u64::from(moved > 0);
            self.messages -= moved;
            self.bytes -= weight * u64::from(moved > 0);
            let left = match item.split(moved) {
                (Some(taken), left) => {
                    other.items.push_back(taken);
                    left
                }
                (None, left) => left,
            };
            if let Some(left) = left {
                self.items.push_front(left);
                return;
            }
        }
    }
}

enum Popped {
    Message,
    Gap(u64),
}

/// How many of the first entries have room, and their weight.
fn fitting<M: Message>(
    sink: &Taken<M>,
    limits: &Limits,
    entries: &Arc<[Entry<M>]>,
    range: &Range<usize>,
) -> (u64, u64) {
    let (mut messages, mut bytes) = (0, 0);
    for entry in entries.get(range.clone()).unwrap_or_default() {
        let weight = entry.message.weight() as u64;
        let is_first = sink.messages + messages == 0;
        if !is_first && !limits.hold(sink.messages + messages + 1, sink.bytes + bytes + weight) {
            break;
        }
        messages += 1;
        bytes += weight;
    }
    (messages, bytes)
}

impl<M> Item<M> {
    /// The sequences of its messages.
    fn range(&self) -> Option<Range<u64>> {
        match self {
            Self::One { sequence, .. } => Some(*sequence..*sequence + 1),
            Self::Run { first, range, .. } => Some(*first..*first + range.len() as u64),
            Self::Gap(_) => None,
        }
    }

    /// Its first messages, and the rest.
    fn split(self, messages: u64) -> (Option<Self>, Option<Self>) {
        if messages == 0 {
            return (None, Some(self));
        }
        match self {
            Self::Run { first, entries, range } if messages < range.len() as u64 => {
                let middle = range.start + usize::try_from(messages).unwrap_or(0);
                let rest = Self::Run {
                    first: first + messages,
                    entries: Arc::clone(&entries),
                    range: middle..range.end,
                };
                (Some(Self::Run { first, entries, range: range.start..middle }), Some(rest))
            }
            whole => (Some(whole), None),
        }
    }
}

/// What was taken, one after the other.
#[derive(Debug)]
struct Deliveries<'a, M> {
    items: vec_deque::Iter<'a, Item<M>>,
    /// The rest of a run, and the sequence of its next message.
    run: slice::Iter<'a, Entry<M>>,
    next: u64,
}

impl<'a, M> Iterator for Deliveries<'a, M> {
    type Item = Delivery<'a, M>;

    fn next(&mut self) -> Option<Delivery<'a, M>> {
        loop {
            if let Some(entry) = self.run.next() {
                let sequence = self.next;
                self.next += 1;
                return Some(Delivery::Message { sequence, message: &entry.message });
            }
            match self.items.next()? {
                Item::One { sequence, message } => {
                    return Some(Delivery::Message { sequence: *sequence, message });
                }
                Item::Gap(gap) => return Some(Delivery::Lost(*gap)),
                Item::Run { first, entries, range } => {
                    self.run = entries.get(range.clone()).unwrap_or_default().iter();
                    self.next = *first;
                }
            }
        }
    }

    /// Goes through each run in a loop of its own, which is what those do who take everything.
    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut with: F) -> B {
        let run = |first: u64, run: slice::Iter<'a, Entry<M>>, all: B, with: &mut F| {
            (first..).zip(run).fold(all, |all, (sequence, entry)| {
                with(all, Delivery::Message { sequence, message: &entry.message })
            })
        };
        let all = run(self.next, self.run, init, &mut with);
        self.items.fold(all, |all, item| match item {
            Item::One { sequence, message } => {
                with(all, Delivery::Message { sequence: *sequence, message })
            }
            Item::Gap(gap) => with(all, Delivery::Lost(*gap)),
            Item::Run { first, entries, range } => {
                let entries = entries.get(range.clone()).unwrap_or_default();
                run(*first, entries.iter(), all, &mut with)
            }
        })
    }
}
