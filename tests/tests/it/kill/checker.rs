//! Holds what is there against what was promised.
//!
//! It promises to tell every acknowledged record that is missing, doubled, out of order or at
//! another position than was told; every record that nobody wrote; every change to what was
//! settled or had been read; a closed stream that is open or goes on; half of an append-and-close; a
//! stream that is there after its deletion or gone without one; a sequence that was accepted twice;
//! a beginning that was given up and is back, or that nobody gave up and is gone;
//! a deleted stream that is gone while forks need it or held back after them; a lifetime that ends
//! too early or never.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use headwater_tests::wait::DEADLINE;

use super::history::{Action, History, Op, Outcome, Tick};
use super::record::{Found, Id, Torn};

/// What was found at the name of a stream.
#[derive(Clone, Debug)]
pub(super) enum Observation {
    Absent,
    Present { records: Result<Vec<Found>, Torn>, closed: bool, floor: u64 },
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    StreamLost,
    StreamBackAfterDelete,
    Torn(Torn),
    /// What was settled, or had been read, is not the beginning any more.
    Rewritten {
        from: usize,
    },
    /// A reader was given what is not there.
    ReadAndLost {
        from: usize,
    },
    Lost(Id),
    Doubled(Id),
    Invented(Id),
    /// A record stands after one that was sent only when it had been acknowledged.
    Reordered(Id),
    Misplaced {
        id: Id,
        told: u64,
        found: u64,
    },
    /// It begins where nobody let it begin.
    BeginsElsewhere {
        at: u64,
    },
    /// It begins before where it has begun.
    BeginningCameBack {
        at: u64,
    },
    /// A record went that its policy keeps.
    GivenUpEarly {
        at: u64,
    },
    ClosedIsOpen,
    OpenIsClosed,
    /// An append-and-close took effect by half.
    HalfClosed(Id),
    AppendedAfterClose(Id),
    /// A record stands after another whose `Stream-Seq` is not smaller.
    SequenceNotGrowing(Id),
    /// A `Stream-Seq` that had been accepted was not refused when it came again.
    SequenceTakenAgain {
        status: u16,
    },
    /// A deleted stream is gone for good while a fork lives.
    ReleasedUnderForks,
    /// A deleted stream is held back, and no fork lives.
    HeldWithoutForks,
    /// There is a stream where there must be none.
    BackAgain {
        status: u16,
    },
    EndedEarly,
    NeverEnds,
}

/// What must be found at the name of a deleted stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Forks need what it held.
    Held,
    Free,
}

/// Holds the status of a `HEAD` against what must be found.
pub(super) fn check_name(expected: Name, status: u16) -> Option<Violation> {
    match (expected, status) {
        (Name::Held, 410) | (Name::Free, 404) => None,
        (Name::Held, 404) => Some(Violation::ReleasedUnderForks),
        (Name::Free, 410) => Some(Violation::HeldWithoutForks),
        (Name::Held | Name::Free, status) => Some(Violation::BackAgain { status }),
    }
}

/// Holds the answer to an append whose `Stream-Seq` had been accepted before against the rule.
pub(super) fn check_repeat(status: u16) -> Option<Violation> {
    (status != 409).then_some(Violation::SequenceTakenAgain { status })
}

/// What is known of the window of a stream with a lifetime.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) ttl: Duration,
    /// At most so long ago was the last use that surely took effect. `None` if even the creation
    /// is unknown.
    pub(super) since_use: Option<Duration>,
    /// At least so long ago was the last use that may have taken effect.
    pub(super) since_last_chance: Duration,
}

/// Holds whether a stream is there against its window: it is until the lifetime is over, and not
/// much longer.
pub(super) fn check_window(window: &Window, present: bool) -> Option<Violation> {
    let overdue = window.since_last_chance > window.ttl + DEADLINE;
    let early = window.since_use.is_some_and(|since| since < window.ttl);
    match present {
        true if overdue => Some(Violation::NeverEnds),
        false if early => Some(Violation::EndedEarly),
        _ => None,
    }
}

/// Every promise of `history` that `observation` breaks.
pub(super) fn check(history: &History, observation: &Observation) -> Vec<Violation> {
    let deletions: Vec<&Op> = history.ops.iter().filter(|op| op.action == Action::Delete).collect();
    let deleted = deletions.iter().any(|op| op.acked());
    match observation {
        Observation::Absent if history.created && deletions.is_empty() => {
            vec![Violation::StreamLost]
        }
        Observation::Absent => Vec::new(),
        Observation::Present { .. } if deleted => vec![Violation::StreamBackAfterDelete],
        Observation::Present { records: Err(torn), .. } => vec![Violation::Torn(torn.clone())],
        Observation::Present { records: Ok(records), closed, floor } => {
            let Some(given_up) = history.records_before(*floor) else {
                return vec![Violation::BeginsElsewhere { at: *floor }];
            };
            let mut violations = check_records(history, given_up, records);
            violations.extend(check_closing(history, records, *closed));
            violations
        }
    }
}

fn check_records(history: &History, given_up: usize, records: &[Found]) -> Vec<Violation> {
    let ids: Vec<Id> = records.iter().map(|found| found.id).collect();
    let mut violations = Vec::new();
    let settled = history.settled.get(given_up..).unwrap_or_default();
    let gone: HashSet<Id> = history.with_given_up().into_iter().take(given_up).collect();
    if let Some(from) = first_difference(settled, &ids) {
        return vec![Violation::Rewritten { from }];
    }
    for seen in &history.seen {
        if let Some(from) = first_difference(seen, &ids) {
            violations.push(Violation::ReadAndLost { from });
        }
    }
    let mut present = HashSet::new();
    violations
        .extend(ids.iter().filter(|id| !present.insert(**id)).map(|id| Violation::Doubled(*id)));

    let written: HashMap<Id, &Op> =
        history.ops.iter().filter_map(|op| Some((op.action.record()?, op))).collect();
    violations.extend(gone.intersection(&present).map(|id| Violation::Invented(*id)));
    let here = |id| present.contains(id) || gone.contains(id);
    let missing = written.iter().filter(|(id, op)| op.acked() && !here(*id));
    violations.extend(missing.map(|(id, _)| Violation::Lost(*id)));

    let new = &records[settled.len()..];
    violations.extend(check_order(new, &written));
    violations.extend(check_sequences(history, &ids));
    violations
}

fn check_sequences(history: &History, ids: &[Id]) -> Vec<Violation> {
    let mut last = None;
    let mut violations = Vec::new();
    for id in ids {
        let Some(sequence) = history.sequences.get(id) else { continue };
        if last.is_some_and(|last| last >= sequence) {
            violations.push(Violation::SequenceNotGrowing(*id));
        }
        last = last.max(Some(sequence));
    }
    violations
}

/// Where `later` stops beginning with `earlier`.
fn first_difference(earlier: &[Id], later: &[Id]) -> Option<usize> {
    let same = earlier.iter().zip(later).take_while(|(a, b)| a == b).count();
    (same < earlier.len()).then_some(same)
}

/// Each new record was written by somebody, stands where its writer was told, and after everything
/// that had been acknowledged when it was sent.
fn check_order(new: &[Found], written: &HashMap<Id, &Op>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut latest_beginning: Tick = 0;
    for Found { id, end } in new {
        let Some(op) = written.get(id) else {
            violations.push(Violation::Invented(*id));
            continue;
        };
        if let Outcome::Acked { at, position } = op.outcome {
            if at < latest_beginning {
                violations.push(Violation::Reordered(*id));
            }
            if let Some(told) = position.filter(|told| told != end) {
                violations.push(Violation::Misplaced { id: *id, told, found: *end });
            }
        }
        latest_beginning = latest_beginning.max(op.began);
    }
    violations
}

fn check_closing(history: &History, records: &[Found], closed: bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    let closings: Vec<&Op> = history.ops.iter().filter(|op| op.action.closes()).collect();
    let must = history.settled_closed || closings.iter().any(|op| op.acked());
    if must && !closed {
        violations.push(Violation::ClosedIsOpen);
    }
    if closed && !must && closings.is_empty() {
        violations.push(Violation::OpenIsClosed);
    }
    for op in closings {
        let Action::AppendAndClose(id) = op.action else { continue };
        let at = records.iter().position(|found| found.id == id);
        match at {
            Some(at) if closed => {
                let after = records[at + 1..].iter();
                violations.extend(after.map(|found| Violation::AppendedAfterClose(found.id)));
            }
            Some(_) => violations.push(Violation::HalfClosed(id)),
            // An unknown outcome may be nothing at all, but then nothing is closed either.
            None if closed => violations.push(Violation::HalfClosed(id)),
            None => {}
        }
    }
    if history.settled_closed {
        let after = records.iter().skip(history.settled.len());
        violations.extend(after.map(|found| Violation::AppendedAfterClose(found.id)));
    }
    violations
}
