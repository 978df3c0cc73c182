//! Streams that give up their oldest records by a policy, held against it.
//!
//! It promises to tell a record that is missing, doubled, torn or at another position though no policy gives it up; a beginning
//! that is not behind a whole record, or before where it was; and a stream that has more than its policy leaves it.

use std::time::Instant;

use headwater_tests::offset::Offset;

use super::checker::{Observation, Violation, check};
use super::history::{Action, Cut, History, Op, Outcome};
use super::record::Id;

/// What a stream keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) bytes: Option<u64>,
    pub(super) seconds: Option<u64>,
}

/// A record that was sent to a stream that one client alone writes.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) id: Id,
    /// The position after it.
    pub(super) end: u64,
    /// What was told of that; nothing where its outcome was unknown.
    pub(super) told: Option<Offset>,
    /// Whether it was acknowledged, or has been seen since.
    pub(super) there: bool,
    /// From before it was sent.
    pub(super) at: Instant,
}

/// A stream with a policy, and what its only writer knows of it.
#[derive(Clone, Debug)]
pub(super) struct Retained {
    pub(super) name: String,
    pub(super) json: bool,
    /// Whether its creation was acknowledged, or it has been seen since.
    pub(super) created: bool,
    pub(super) policy: Policy,
    /// All records that are not known to be given up, and behind them the last one that is.
    pub(super) sent: Vec<Sent>,
    /// Where it was last seen to begin.
    pub(super) floor: u64,
    /// A place that it has given up.
    pub(super) below: Option<Offset>,
}

impl Retained {
    pub(super) fn new(name: String, json: bool, created: bool, policy: Policy) -> Self {
        Self { name, json, created, policy, sent: Vec::new(), floor: 0, below: None }
    }

    /// Where it ends, if everything that was sent is there.
    pub(super) fn tail(&self) -> u64 {
        self.sent.last().map_or(0, |sent| sent.end)
    }

    /// What is wrong with a beginning that was seen at this time.
    pub(super) fn check_floor(&self, floor: u64, now: Instant) -> Option<Violation> {
        if floor < self.floor {
            return Some(Violation::BeginningCameBack { at: floor });
        }
        if floor == self.floor {
            return None;
        }
        let Some(last) = self.sent.iter().position(|sent| sent.end == floor) else {
            return Some(Violation::BeginsElsewhere { at: floor });
        };
        let Policy { bytes, seconds } = self.policy;
        let begin = last.checked_sub(1).and_then(|before| self.sent.get(before));
        let begin = begin.map_or(0, |before| before.end);
        // What is within the last bytes stays, and so does what is younger; one of the two is enough for a record to go.
        let too_much = bytes.is_some_and(|bytes| begin + bytes < self.tail());
        let age = self.sent.get(last).map(|sent| now.saturating_duration_since(sent.at));
        let too_old = age.zip(seconds).is_some_and(|(age, most)| age.as_secs() >= most);
        (!too_much && !too_old).then_some(Violation::GivenUpEarly { at: floor })
    }

    /// What is wrong with what was found of it at this time.
    pub(super) fn check(&self, found: &Observation, now: Instant) -> Vec<Violation> {
        let mut history = History::new(self.name.clone(), self.json, self.created, Vec::new());
        let mut there = self.clone();
        there.settle(found);
        if let Observation::Present { floor, .. } = found {
            if let Some(violation) = there.check_floor(*floor, now) {
                return vec![violation];
            }
            let gone = self.sent.iter().take_while(|sent| sent.end <= *floor).count();
            history.cut = Some(Cut { records: gone, position: *floor });
        }
        // Each was acknowledged before the next one was sent.
        let op = |(began, sent): (u64, &Sent)| {
            let position = Some(sent.end);
            let acked = Outcome::Acked { at: 2 * began + 1, position };
            let outcome = if sent.there { acked } else { Outcome::Unknown };
            Op { action: Action::Append(sent.id), began: 2 * began, outcome }
        };
        history.ops = (1..).zip(&self.sent).map(op).collect();
        check(&history, found)
    }

    /// Whether it has more than its policy leaves it: a sixteenth more, in bytes. By age nothing is left after a while.
    pub(super) fn has_too_much(&self, floor: u64) -> bool {
        let kept = self.tail() - floor;
        let Policy { bytes, seconds } = self.policy;
        bytes.is_some_and(|most| kept > most + most / 16) || (seconds.is_some() && kept > 0)
    }

    /// Takes a beginning that was checked for what is known; whether it is another one.
    pub(super) fn begins_at(&mut self, floor: u64) -> bool {
        if floor == self.floor {
            return false;
        }
        let gone = self.sent.iter().take_while(|sent| sent.end <= floor).count();
        // The place before the last of them is not there any more.
        let below = self.sent.iter().take(gone.saturating_sub(1)).rev();
        self.below = below.filter_map(|sent| sent.told.clone()).next().or(self.below.take());
        self.sent.drain(..gone.saturating_sub(1));
        self.floor = floor;
        true
    }

    /// Takes what was found, and passed, for what is there.
    pub(super) fn settle(&mut self, found: &Observation) {
        let Observation::Present { records: Ok(records), floor, .. } = found else { return };
        self.created = true;
        // One whose outcome was unknown is there, or was given up, or never was.
        for sent in &mut self.sent {
            sent.there |= sent.end <= *floor || records.iter().any(|found| found.id == sent.id);
        }
        self.sent.retain(|sent| sent.there);
    }
}
