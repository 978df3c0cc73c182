//! What clients did to a stream and what they were told, since it was last looked at.

use std::collections::HashMap;

use super::record::{Found, Id};

/// A point in the order in which clients sent requests and got answers.
pub(super) type Tick = u64;

/// How a request ended for the client that sent it.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It was acknowledged, at this time, with this position after it. A duplicate's answer tells
    /// no position of the record, only where the stream ends now.
    Acked { at: Tick, position: Option<u64> },
    /// The server died first: the request took effect as a whole or not at all.
    Unknown,
}

/// What a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Append(Id),
    AppendAndClose(Id),
    Close,
    Delete,
}

impl Action {
    pub(super) fn record(self) -> Option<Id> {
        match self {
            Self::Append(id) | Self::AppendAndClose(id) => Some(id),
            Self::Close | Self::Delete => None,
        }
    }

    pub(super) fn closes(self) -> bool {
        matches!(self, Self::AppendAndClose(_) | Self::Close)
    }
}

/// A request and its outcome.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub(super) action: Action,
    pub(super) began: Tick,
    pub(super) outcome: Outcome,
}

impl Op {
    pub(super) fn acked(&self) -> bool {
        matches!(self.outcome, Outcome::Acked { .. })
    }
}

/// A beginning that a client gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// How many of the records that were there when the stream was last looked at, and that came later.
    pub(super) records: usize,
    /// The position behind them.
    pub(super) position: u64,
}

/// One stream from its creation to its deletion.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) name: String,
    pub(super) json: bool,
    /// Whether the creation was acknowledged, or the stream has been seen since.
    pub(super) created: bool,
    /// The records that were there when it was last looked at; for a fork, at first, what it
    /// inherits.
    pub(super) settled: Vec<Id>,
    /// Whether it was closed when it was last looked at.
    pub(super) settled_closed: bool,
    /// Everything asked for since.
    pub(super) ops: Vec<Op>,
    /// What readers were given since, each from the start of the stream.
    pub(super) seen: Vec<Vec<Id>>,
    /// The `Stream-Seq` of every record that was sent with one.
    pub(super) sequences: HashMap<Id, u64>,
    /// Where it began when it was last looked at, and how many records had been given up by then.
    pub(super) floor: u64,
    pub(super) given_up: usize,
    /// What its only writer knows to have been given up since, and what may have been.
    pub(super) cut: Option<Cut>,
    pub(super) cutting: Option<Cut>,
}

impl History {
    pub(super) fn new(name: String, json: bool, created: bool, inherited: Vec<Id>) -> Self {
        Self {
            name,
            json,
            created,
            settled: inherited,
            settled_closed: false,
            ops: Vec::new(),
            seen: Vec::new(),
            sequences: HashMap::new(),
            floor: 0,
            given_up: 0,
            cut: None,
            cutting: None,
        }
    }

    /// Takes what was found as what must be there from now on. Only for what was checked first.
    pub(super) fn settle(&mut self, records: &[Found], closed: bool, floor: u64) {
        self.created = true;
        self.given_up += self.records_before(floor).unwrap_or_default();
        (self.floor, self.cut, self.cutting) = (floor, None, None);
        self.settled = records.iter().map(|found| found.id).collect();
        self.settled_closed = closed;
        self.ops.clear();
        self.seen.clear();
    }

    /// How many records were given up where it begins at this position; `None` where it cannot begin there.
    pub(super) fn records_before(&self, floor: u64) -> Option<usize> {
        let settled = Cut { records: 0, position: self.floor };
        let known = self.cut.unwrap_or(settled);
        let found = [self.cutting, Some(known)].into_iter().flatten();
        found.into_iter().find(|cut| cut.position == floor).map(|cut| cut.records)
    }

    /// Where it begins, by what its only writer knows.
    pub(super) fn known_floor(&self) -> u64 {
        self.cut.map_or(self.floor, |cut| cut.position)
    }

    /// How many of its records its only writer knows to have been given up.
    pub(super) fn known_given_up(&self) -> usize {
        self.given_up + self.cut.map_or(0, |cut| cut.records)
    }

    /// The records its only writer knows to be there, those among them that were given up since.
    pub(super) fn with_given_up(&self) -> Vec<Id> {
        let appended = self.ops.iter().filter(|op| op.acked()).filter_map(|op| op.action.record());
        self.settled.iter().copied().chain(appended).collect()
    }

    /// The records its only writer knows to be there.
    pub(super) fn known_records(&self) -> Vec<Id> {
        self.with_given_up().split_off(self.cut.map_or(0, |cut| cut.records))
    }

    /// The greatest `Stream-Seq` its only writer knows to have been accepted.
    pub(super) fn known_sequence(&self) -> Option<u64> {
        self.known_records().iter().filter_map(|id| self.sequences.get(id)).copied().max()
    }

    /// A `Stream-Seq` that must be accepted, by what its only writer knows.
    pub(super) fn next_sequence(&self) -> u64 {
        self.known_sequence().map_or(0, |last| last + 1)
    }

    /// Whether its only writer knows it to be closed.
    pub(super) fn known_closed(&self) -> bool {
        self.settled_closed || self.ops.iter().any(|op| op.acked() && op.action.closes())
    }
}
