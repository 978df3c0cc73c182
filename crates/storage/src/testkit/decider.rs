//! [`Decider`]: decisions of core over what an adapter says, without an engine.
//!
//! A decision names what it needs; the decider loads it and asks again. It waits for every answer, so it is for tests
//! alone: an engine does not.

mod known;

use headwater_core::decide::{BoundaryAnswer, BoundaryQuestion, Decision, Need, View};
use headwater_core::producer::ProducerState;
use headwater_core::storage::UnitResult;
use headwater_core::{ProducerId, Slot, StreamKey};

pub use known::Known;

use super::check::Failure;
use super::rig::Rig;

/// How often a decision may ask for more. A chain of forks asks once per ancestor; more than this is a loop.
const MOST_QUESTIONS: usize = 1_000;

/// Decides commands over a handle.
#[derive(Clone, Copy)]
pub struct Decider<'r, 'h> {
    rig: &'r Rig<'h>,
}

/// What a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed<T, E> {
    /// It wanted something committed.
    Tried {
        /// What to answer if it was committed.
        outcome: T,
        /// What became of it.
        result: UnitResult,
    },
    /// It was answered without a change.
    Replied(Result<T, E>),
}

impl<'r, 'h> Decider<'r, 'h> {
    /// Decides over this handle.
    #[must_use]
    pub fn over(rig: &'r Rig<'h>) -> Self {
        Self { rig }
    }

    /// Decides, loading into `known` what is not there yet. Never [`Decision::Need`].
    ///
    /// # Errors
    /// When something cannot be loaded, or the decision never stops asking.
    pub fn decide<T, E>(
        self,
        known: &mut Known,
        ask: impl Fn(&Known) -> Decision<T, E>,
    ) -> Result<Decision<T, E>, Failure> {
        for _ in 0..MOST_QUESTIONS {
            match ask(known) {
                Decision::Need(need) => self.learn(known, need)?,
                decided => return Ok(decided),
            }
        }
        Err(Failure::new("a decision never stops asking"))
    }

    /// Decides on the durable state and commits what is decided, what has to come first included.
    ///
    /// # Errors
    /// As [`decide`](Self::decide), when a commit is not reported, and when what has to come first is not committed.
    pub fn execute<T, E>(
        self,
        ask: impl Fn(&Known) -> Decision<T, E>,
    ) -> Result<Executed<T, E>, Failure> {
        for _ in 0..MOST_QUESTIONS {
            match self.decide(&mut Known::default(), &ask)? {
                Decision::First(unit) => drop(super::committed(self.rig.try_unit(unit)?)?),
                Decision::Commit { unit, outcome } => {
                    let result = self.rig.try_unit(unit)?;
                    return Ok(Executed::Tried { outcome, result });
                }
                Decision::Reply { outcome, .. } => return Ok(Executed::Replied(outcome)),
                Decision::Need(need) => {
                    return Err(Failure::new(format!("{need:?} was left open")));
                }
            }
        }
        Err(Failure::new("something always comes first"))
    }

    /// What stands under a key, loaded if it is not known yet.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn slot(self, known: &mut Known, key: &StreamKey) -> Result<Slot, Failure> {
        if known.slot(key).is_none() {
            self.learn(known, Need::Stream(key.clone()))?;
        }
        Ok(known.slot(key).unwrap_or_default())
    }

    /// A producer's row, loaded if it is not known yet.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn row(
        self,
        known: &mut Known,
        key: &StreamKey,
        id: &ProducerId,
    ) -> Result<Option<ProducerState>, Failure> {
        if known.producer(key, id).is_none() {
            self.learn(known, Need::Producer(key.clone(), id.clone()))?;
        }
        Ok(known.producer(key, id).flatten())
    }

    fn learn(self, known: &mut Known, need: Need) -> Result<(), Failure> {
        match need {
            Need::Stream(key) => known.set_slot(key.clone(), self.rig.slot(&key)?),
            Need::Producer(key, id) => {
                let row = self.rig.load(&key, Some(&id))?.producer;
                known.set_producer(key, id, row);
            }
            Need::Boundary(question) => {
                let answer = self.boundary(&question)?;
                known.set_boundary(question, answer);
            }
        }
        Ok(())
    }

    /// Finds where records divide, by reading the rows from the position on.
    ///
    /// # Errors
    /// When they cannot be read, or the stream is not the one asked about.
    pub fn boundary(self, question: &BoundaryQuestion) -> Result<BoundaryAnswer, Failure> {
        let state = self.rig.live(&question.key)?;
        if state.ranges.own() != question.lineage {
            return Err(Failure::new(format!("{question:?} is about another incarnation")));
        }
        let counted = usize::try_from(question.records).unwrap_or(usize::MAX);
        let (mut position, mut records) = (question.position, Vec::new());
        while let Some(range) = state.ranges.holding(position, state.tail.position) {
            let (_, rows) = self.rig.read(range.lineage, position, range.to)?;
            // An inherited record ends where the fork diverged inside it; an empty one holds no position.
            let rows = rows.into_iter().filter(|row| row.len > 0);
            records.extend(rows.map(|row| (row.position, row.end().min(range.to), row.sequence)));
            if records.len() >= counted.max(1) {
                break;
            }
            position = range.to;
        }
        let first =
            records.first().ok_or_else(|| Failure::new(format!("no record for {question:?}")))?;
        let (start, end, sequence) = *first;
        let last = counted.checked_sub(1).and_then(|last| records.get(last));
        Ok(BoundaryAnswer { start, end, sequence, after: last.map(|(_, end, _)| *end) })
    }
}

impl<T, E> Executed<T, E> {
    /// The answer, if the command was committed or replied to.
    #[must_use]
    pub fn answer(self) -> Option<Result<T, E>> {
        match self {
            Self::Tried { outcome, result: UnitResult::Committed(_) } => Some(Ok(outcome)),
            Self::Tried { .. } => None,
            Self::Replied(outcome) => Some(outcome),
        }
    }
}
