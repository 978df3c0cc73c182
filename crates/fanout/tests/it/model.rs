//! What a subscriber should have: a queue of its own, with a policy.

use std::collections::VecDeque;

use headwater_fanout::{Gap, Policy};

use crate::support::Got;

/// A queue of one subscriber.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    policy: Policy,
    messages: usize,
    bytes: usize,
    waiting: VecDeque<Item>,
    /// What it loses since it became full, where the newest are dropped.
    losing: Option<Gap>,
    ended: bool,
}

#[derive(Clone, Copy, Debug)]
enum Item {
    Message { number: u64, weight: usize },
    Gap(Gap),
}

impl Queue {
    pub(crate) fn new(policy: Policy, messages: usize, bytes: usize) -> Self {
        Self { policy, messages, bytes, waiting: VecDeque::new(), losing: None, ended: false }
    }

    fn weights(&self) -> impl Iterator<Item = usize> {
        self.waiting.iter().filter_map(|item| match item {
            Item::Message { weight, .. } => Some(*weight),
            Item::Gap(_) => None,
        })
    }

    fn has_room(&self, weight: usize) -> bool {
        self.weights().count() < self.messages
            && self.weights().sum::<usize>() + weight <= self.bytes
    }

    pub(crate) fn publish(&mut self, number: u64, weight: usize) {
        if self.ended {
            return;
        }
        if let Some(gap) = &mut self.losing {
            gap.to = number + 1;
            gap.messages += 1;
            return;
        }
        match self.policy {
            _ if self.has_room(weight) => {}
            Policy::DropOldest => self.drop_oldest(weight),
            Policy::DropNewest | Policy::Wait => {
                self.losing = Some(Gap { from: number, to: number + 1, messages: 1 });
                return;
            }
            Policy::Disconnect => {
                self.ended = true;
                self.waiting.clear();
                return;
            }
        }
        self.waiting.push_back(Item::Message { number, weight });
    }

    fn drop_oldest(&mut self, weight: usize) {
        let mut lost: Option<Gap> = None;
        while !self.has_room(weight) || matches!(self.waiting.front(), Some(Item::Gap(_))) {
            let (from, to, messages) = match self.waiting.pop_front().unwrap() {
                Item::Message { number, .. } => (number, number + 1, 1),
                Item::Gap(gap) => (gap.from, gap.to, gap.messages),
            };
            let lost = lost.get_or_insert(Gap { from, to, messages: 0 });
            lost.to = to;
            lost.messages += messages;
        }
        self.waiting.extend(lost.map(Item::Gap));
        self.waiting.rotate_right(usize::from(lost.is_some()));
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes at most so many.
    pub(crate) fn take(&mut self, most: usize) -> Vec<Got> {
        let (mut got, mut taken) = (Vec::new(), 0);
        self.drain(most, &mut taken, &mut got);
        if self.losing.is_some() && self.has_room(1) {
            self.waiting.extend(self.losing.take().map(Item::Gap));
            self.drain(most, &mut taken, &mut got);
        }
        got
    }

    fn drain(&mut self, most: usize, taken: &mut usize, got: &mut Vec<Got>) {
        while let Some(item) = self.waiting.front() {
            match *item {
                Item::Gap(gap) => got.push(Got::Lost(gap)),
                Item::Message { .. } if *taken == most => return,
                Item::Message { number, .. } => {
                    *taken += 1;
                    got.push(Got::Number(number));
                }
            }
            self.waiting.pop_front();
        }
    }
}
