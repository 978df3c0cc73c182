//! How a group goes through: held, refused, failed, or passed on with some of its units taken out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use headwater_core::Timestamp;
use headwater_core::change::Unit;
use headwater_core::storage::{CommitDone, Refusal, StorageError, UnitResult};

use super::{Aftermath, Control, Faulty, Stage};
use crate::group::Fallen;

/// A group on its way.
pub(super) struct Group {
    pub(super) units: Vec<Unit>,
    pub(super) now: Timestamp,
    pub(super) done: CommitDone,
}

/// A group that is held, and what is left to be done with it.
pub(super) enum Held {
    Unwritten(Group),
    Unreported(CommitDone, Vec<UnitResult>),
}

/// What happens to a single unit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Injection {
    Conflict,
    Unknown(Aftermath),
}

/// What is to happen to the groups that come.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) hold: Option<Stage>,
    pub(super) held: VecDeque<Held>,
    pub(super) barrier: Option<Aftermath>,
    pub(super) refusal: Option<Refusal>,
    pub(super) unreadable: Option<StorageError>,
    pub(super) late: Vec<(Unit, Timestamp)>,
    poisoned: bool,
    /// Units written so far, and what happens to the one of a number.
    units: u64,
    injections: BTreeMap<u64, Injection>,
}

impl Plan {
    pub(super) fn inject(&mut self, n: u64, injection: Injection) {
        self.injections.insert(self.units + n, injection);
    }

    fn next_injection(&mut self) -> Option<Injection> {
        let injection = self.injections.remove(&self.units);
        self.units += 1;
        injection
    }

    /// The answer to a unit that is not passed on: as injected, or a conflict where it fell with an earlier one.
    fn instead(&mut self, unit: &Unit, injection: Option<Injection>, now: Timestamp) -> Answer {
        let Some(Injection::Unknown(aftermath)) = injection else {
            return Answer::Instead(UnitResult::Conflict);
        };
        if aftermath == Aftermath::Late {
            self.late.push((unit.clone(), now));
        }
        Answer::Instead(UnitResult::Unknown)
    }
}

/// What a unit's result will be: what the adapter says next, or something of our own.
enum Answer {
    Inner,
    Instead(UnitResult),
    /// The adapter's is thrown away.
    InnerAsUnknown,
}

impl Faulty {
    /// Takes a group from the caller.
    pub(super) fn hand_over(&self, group: Group) {
        {
            let mut plan = self.control.plan.lock();
            if plan.hold == Some(Stage::Unwritten) {
                return self.control.keep(&mut plan, Held::Unwritten(group));
            }
        }
        self.write(group);
    }

    /// Writes a group, in whatever way is planned.
    pub(super) fn write(&self, group: Group) {
        let mut plan = self.control.plan.lock();
        let refusal = plan.poisoned.then_some(Refusal::Poisoned).or(plan.refusal);
        if let Some(refusal) = refusal {
            drop(plan);
            return self.answer(group, UnitResult::Refused(refusal));
        }
        if let Some(aftermath) = plan.barrier.take() {
            plan.poisoned = true;
            drop(plan);
            return self.fail(group, aftermath);
        }
        let (mut passed, mut answers, mut fallen) = (Vec::new(), Vec::new(), Fallen::default());
        for unit in group.units {
            let injection = plan.next_injection();
            let tried = fallen.attempt(&unit, |_| match injection {
                None => Some(Answer::Inner),
                Some(Injection::Unknown(Aftermath::Applied)) => Some(Answer::InnerAsUnknown),
                Some(Injection::Unknown(_) | Injection::Conflict) => None,
            });
            let answer = tried.unwrap_or_else(|| plan.instead(&unit, injection, group.now));
            if !matches!(answer, Answer::Instead(_)) {
                passed.push(unit);
            }
            answers.push(answer);
        }
        drop(plan);
        let (control, done) = (Arc::clone(&self.control), group.done);
        let merged = move |results| control.report(done, merge(answers, results));
        self.inner.commit(passed, group.now, Box::new(merged));
    }

    /// Fails the barrier of a group.
    fn fail(&self, group: Group, aftermath: Aftermath) {
        if aftermath != Aftermath::Applied {
            return self.answer(group, UnitResult::Unknown);
        }
        let Group { units, now, done } = group;
        let unknown = vec![UnitResult::Unknown; units.len()];
        let control = Arc::clone(&self.control);
        self.inner.commit(units, now, Box::new(move |_| control.report(done, unknown)));
    }

    /// Answers all units of a group alike, without the adapter.
    fn answer(&self, group: Group, result: UnitResult) {
        let results = vec![result; group.units.len()];
        let control = Arc::clone(&self.control);
        self.control.worker.run(move || control.report(group.done, results));
    }
}

impl Control {
    fn keep(&self, plan: &mut Plan, held: Held) {
        plan.held.push_back(held);
        self.groups_held.send_replace(plan.held.len());
    }

    /// Reports, or holds the report back. Runs on a thread of the adapter's or of the wrapper's.
    fn report(&self, done: CommitDone, results: Vec<UnitResult>) {
        let mut plan = self.plan.lock();
        if plan.hold == Some(Stage::Unreported) {
            return self.keep(&mut plan, Held::Unreported(done, results));
        }
        drop(plan);
        done(results);
    }
}

fn merge(answers: Vec<Answer>, results: Vec<UnitResult>) -> Vec<UnitResult> {
    let mut results = results.into_iter();
    // An adapter that reports too few is not covered up: the caller gets too few.
    answers
        .into_iter()
        .filter_map(|answer| match answer {
            Answer::Inner => results.next(),
            Answer::InnerAsUnknown => results.next().map(|_| UnitResult::Unknown),
            Answer::Instead(result) => Some(result),
        })
        .collect()
}
