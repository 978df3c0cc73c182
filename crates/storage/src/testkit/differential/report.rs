//! What scripts reached: a property that is never put to the test holds for nothing.

use std::collections::BTreeMap;
use std::fmt;

use headwater_core::{Code, Slot};

use super::script::{Command, Round};
use super::side::{Answer, Fate, Tried};
use super::view::Seen;
use crate::testkit::check::{Verdict, ensure};

/// What a comparison worth its name reaches.
const EVENTS: &[&str] = &[
    "create commits",
    "create succeeds",
    "fork commits",
    "append commits",
    "append succeeds",
    "truncate commits",
    "truncate succeeds",
    "retain commits",
    "retain succeeds",
    "delete commits",
    "expire commits",
    "expire succeeds",
    "use commits",
    "something first",
    "unit committed",
    "unit conflict",
    "clock back",
    "restart",
    "fork seen",
    "chain of forks seen",
    "soft-deleted seen",
    "truncated seen",
    "truncated with forks seen",
    "producer seen",
    "closed seen",
];

/// Refusals that a comparison worth its name meets.
const REFUSALS: &[Code] = &[
    Code::NotFound,
    Code::Gone,
    Code::AlreadyExists,
    Code::ConfigMismatch,
    Code::SourceGone,
    Code::ContentTypeMismatch,
    Code::StreamClosed,
    Code::SequenceConflict,
    Code::StreamSeqRegression,
    Code::PreconditionFailed,
    Code::ProducerFenced,
    Code::ProducerGap,
    Code::ProducerEpochInvalid,
    Code::ProducerLimit,
    Code::OffsetInvalid,
    Code::OffsetBeyondTail,
    Code::InvalidJson,
    Code::InvalidRequest,
];

/// How often what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    counts: BTreeMap<String, u64>,
}

impl Report {
    /// How often something happened.
    #[must_use]
    pub fn times(&self, event: &str) -> u64 {
        self.counts.get(event).copied().unwrap_or(0)
    }

    /// That everything a comparison has to reach was reached at least so many times, and that at least half of the
    /// commands were accepted.
    ///
    /// # Errors
    /// What was not reached.
    pub fn reached(&self, least: u64) -> Verdict {
        let refusals = REFUSALS.iter().map(|code| refusal(*code));
        let events = EVENTS.iter().map(|event| (*event).to_owned()).chain(refusals);
        let missed: Vec<_> = events.filter(|event| self.times(event) < least).collect();
        ensure!(missed.is_empty(), "fewer than {least} times: {missed:?} in {self}");
        let (accepted, refused) = (self.times("accepted"), self.times("not accepted"));
        ensure!(accepted >= refused, "{accepted} commands accepted, {refused} not");
        Ok(())
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (event, times) in &other.counts {
            *self.counts.entry(event.clone()).or_default() += times;
        }
    }

    fn bump(&mut self, event: &str) {
        *self.counts.entry(event.to_owned()).or_default() += 1;
    }

    /// Counts what a round came to.
    pub(super) fn round(&mut self, round: &Round, tried: &Tried) {
        match round {
            Round::Group(_, commands) => {
                for (command, answer) in commands.iter().zip(&tried.answers) {
                    self.answer(command, *answer);
                }
            }
            Round::Clock(step) if *step < 0 => self.bump("clock back"),
            Round::Clock(_) => self.bump("clock on"),
            Round::Restart => self.bump("restart"),
        }
        for fate in &tried.fates {
            self.bump(match fate {
                Fate::Committed { .. } => "unit committed",
                Fate::Otherwise(_) => "unit conflict",
            });
        }
        (0..tried.firsts).for_each(|_| self.bump("something first"));
    }

    fn answer(&mut self, command: &Command, answer: Answer) {
        let name = match command {
            Command::Create(_, words) if words.fork.is_some() => "fork",
            Command::Create(..) => "create",
            Command::Append(..) => "append",
            Command::Truncate(..) => "truncate",
            Command::Retain(_) => "retain",
            Command::Delete(_) => "delete",
            Command::Expire(_) => "expire",
            Command::Use(_) => "use",
        };
        match answer {
            Answer::Commits => self.bump(&format!("{name} commits")),
            Answer::Succeeds => self.bump(&format!("{name} succeeds")),
            Answer::Refuses(code) => self.bump(&refusal(code)),
            Answer::Later => self.bump("left for later"),
        }
        let accepted = matches!(answer, Answer::Commits | Answer::Succeeds);
        self.bump(if accepted { "accepted" } else { "not accepted" });
    }

    /// Counts what was compared.
    pub(super) fn seen(&mut self, seen: &Seen) {
        for (_, stream) in &seen.streams {
            match &stream.slot {
                Slot::Live(_) if stream.parts.len() > 2 => self.bump("chain of forks seen"),
                Slot::Live(state) if state.origin.is_some() => self.bump("fork seen"),
                Slot::SoftDeleted(_) => self.bump("soft-deleted seen"),
                Slot::Live(_) | Slot::Absent => {}
            }
            if let Slot::Live(state) = &stream.slot
                && state.floor.position > 0
            {
                self.bump("truncated seen");
                if state.forks > 0 {
                    self.bump("truncated with forks seen");
                }
            }
            if stream.slot.state().is_some_and(|state| state.closed.is_some()) {
                self.bump("closed seen");
            }
            if stream.producers.iter().any(Option::is_some) {
                self.bump("producer seen");
            }
        }
    }
}

fn refusal(code: Code) -> String {
    format!("refused as {}", code.as_str())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (event, times) in &self.counts {
            writeln!(f, "{times:>8} {event}")?;
        }
        Ok(())
    }
}
