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
}

/// What a unit's result will be: what the adapter says next, or something of our own.
#[derive(Clone, Copy)]
enum Answer {
    Inner,
    /// The adapter's is thrown away.
    InnerAsUnknown,
    Conflict,
    Lost,
    Late,
}

impl Answer {
    fn to(injection: Option<Injection>) -> Self {
        match injection {
            None => Self::Inner,
            Some(Injection::Conflict) => Self::Conflict,
            Some(Injection::Unknown(Aftermath::Applied)) => Self::InnerAsUnknown,
            Some(Injection::Unknown(Aftermath::Lost)) => Self::Lost,
            Some(Injection::Unknown(Aftermath::Late)) => Self::Late,
        }
    }

    fn is_inner(self) -> bool {
        matches!(self, Self::Inner | Self::InnerAsUnknown)
    }
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
            let answer = Answer::to(plan.next_injection());
            // What falls with a unit that is not passed on is not passed on either.
            let tried = fallen.attempt(&unit, |_| answer.is_inner().then_some(answer));
            if tried.is_some() {
                passed.push(unit.clone());
            }
            let fell_or_injected = if answer.is_inner() { Answer::Conflict } else { answer };
            answers.push((unit, tried.unwrap_or(fell_or_injected)));
        }
        drop(plan);
        let (control, done, now) = (Arc::clone(&self.control), group.done, group.now);
        let merged = move |results| {
            let Merged { results, late, unclear } = merge(answers, results);
            control.plan.lock().late.extend(late.into_iter().map(|unit| (unit, now)));
            let watching = Arc::clone(&control);
            let done = Box::new(move |results| {
                done(results);
                watching.tell(&unclear);
            });
            control.report(done, results);
        };
        self.inner.commit(passed, now, Box::new(merged));
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

/// What becomes of a group.
#[derive(Default)]
struct Merged {
    results: Vec<UnitResult>,
    /// Units that are still under way.
    late: Vec<Unit>,
    /// Units that took effect although they are reported as unknown.
    unclear: Vec<Unit>,
}

/// The results of a group, and its units that are still under way.
///
/// A unit that follows one that fell was decided on what never was, so that it falls too and is not under way: the version
/// that it names may be somebody else's.
fn merge(answers: Vec<(Unit, Answer)>, results: Vec<UnitResult>) -> Merged {
    let mut inner = results.into_iter();
    let (mut merged, mut fallen) = (Merged::default(), Fallen::default());
    for (unit, answer) in answers {
        let fell = fallen.takes_along(&unit);
        let (result, committed) = match answer {
            Answer::Inner | Answer::InnerAsUnknown => {
                // An adapter that reports too few is not covered up: the caller gets too few.
                let Some(result) = inner.next() else { continue };
                let committed = matches!(result, UnitResult::Committed(_));
                let known = matches!(answer, Answer::Inner);
                (if known { result } else { UnitResult::Unknown }, committed)
            }
            Answer::Lost | Answer::Late if !fell => (UnitResult::Unknown, false),
            Answer::Conflict | Answer::Lost | Answer::Late => (UnitResult::Conflict, false),
        };
        if !committed {
            fallen.add(&unit);
        }
        merged.results.push(result);
        match answer {
            Answer::Late if !fell => merged.late.push(unit),
            Answer::InnerAsUnknown if committed => merged.unclear.push(unit),
            _ => {}
        }
    }
    merged
}
