//! One run of commands: every step is made by both sides, compared, and looked at by every invariant.

use std::collections::BTreeMap;
use std::sync::Arc;

use headwater_core::change::Effect;
use headwater_core::decide::{self, Created, Existence, Limits};
use headwater_core::{Lineage, StreamKey, StreamState, Version};

use crate::answer::Answer;
use crate::concrete::Concrete;
use crate::coverage::Coverage;
use crate::invariants::{self, Check, Step};
use crate::ledger::{A_TOKEN_STANDS_FOR_THE_SAME_BYTES, Ledger, Reader};
use crate::model::Model;
use crate::namespace::{Committed, Fault, Namespace, Ran, Run};
use crate::ops::Op;
use crate::records::Records;
use crate::request::{Request, What};
use crate::seen::{Snapshot, expected};

/// Few enough that the limit is met.
const LIMITS: Limits = Limits { producers_per_stream: 3 };

/// Both sides, and what is remembered between steps.
pub(crate) struct Trial {
    namespace: Namespace,
    model: Model,
    concrete: Concrete,
    ledger: Ledger,
    present: Snapshot,
    newest: BTreeMap<StreamKey, Version>,
    records: Records,
}

/// A run, whatever the command was.
struct Made {
    answer: Answer,
    promised: Option<Arc<StreamState>>,
    run: Run<(), ()>,
}

impl Trial {
    pub(crate) fn new(fault: Box<dyn Fault>) -> Self {
        Self {
            namespace: Namespace::new(LIMITS, fault),
            model: Model::new(LIMITS.producers_per_stream as usize),
            concrete: Concrete::new(),
            ledger: Ledger::default(),
            present: Snapshot::default(),
            newest: BTreeMap::new(),
            records: Records::default(),
        }
    }

    /// Makes a step, or tells what is wrong with it.
    pub(crate) fn step(&mut self, op: &Op, coverage: &mut Coverage) -> Check {
        let (request, made) = self.request(op)?;
        let wrong = |what: String| format!("{what}\nat {request:?}");
        let answer = self.perform(&request, &made);
        coverage.count(&made.answer, &self.model.rows);
        if !made.answer.agrees_with(&answer) {
            return Err(wrong(format!("answered {:?}, expected {answer:?}", made.answer)));
        }
        let after = Snapshot::of(&self.namespace.contents).map_err(wrong)?;
        invariants::check(&self.view(&request, &made, &after)).map_err(wrong)?;
        compare(&after, &self.model).map_err(wrong)?;
        self.read(&after).map_err(wrong)?;
        self.keep(&request, &made, after);
        Ok(())
    }

    /// Makes a step and tells which invariants it breaks, whatever the model says. The model goes on choosing what is
    /// asked for, and nothing is compared with it.
    pub(crate) fn probe(&mut self, op: &Op) -> Result<Vec<&'static str>, String> {
        let (request, made) = self.request(op)?;
        self.perform(&request, &made);
        let after = Snapshot::of(&self.namespace.contents)?;
        let mut broken: Vec<_> = invariants::broken(&self.view(&request, &made, &after)).collect();
        // Tokens are given out as far as both sides agree on them, because forks are asked for at some.
        let read = self.read(&after);
        if read.is_err_and(|what| what.starts_with(A_TOKEN_STANDS_FOR_THE_SAME_BYTES)) {
            broken.push(A_TOKEN_STANDS_FOR_THE_SAME_BYTES);
        }
        self.keep(&request, &made, after);
        Ok(broken)
    }

    /// What the operation asks for now, and what the system under test makes of it.
    fn request(&mut self, op: &Op) -> Result<(Request, Made), String> {
        let request = self.concrete.request(op, &self.model, &self.ledger.tokens);
        let made = self.make(&request).map_err(|what| format!("{what}\nat {request:?}"))?;
        self.records.note(&self.namespace.contents, request.now);
        Ok((request, made))
    }

    /// What the model makes of it.
    fn perform(&mut self, request: &Request, made: &Made) -> Answer {
        let id = born(&made.run.units).map_or(0, |lineage| lineage.0);
        self.model.perform(request, id)
    }

    fn view<'a>(&'a self, request: &'a Request, made: &'a Made, after: &'a Snapshot) -> Step<'a> {
        Step {
            now: request.now,
            before: &self.present,
            after,
            contents: &self.namespace.contents,
            newest: &self.newest,
            answer: &made.answer,
            promised: made.promised.as_ref(),
            units: &made.run.units,
            relies_on: &made.run.relies_on,
            looked: &made.run.looked,
            key: &request.key,
        }
    }

    /// Goes on from what is there after a step.
    fn keep(&mut self, request: &Request, made: &Made, after: Snapshot) {
        let versions = after.slots.iter().map(|(key, slot)| (key.clone(), slot.version()));
        self.newest.extend(versions);
        self.present = after;
        if made.answer == Answer::Created {
            self.concrete.created(request);
        }
    }

    /// Follows every token that was ever given out, on every stream.
    pub(crate) fn finish(&self) -> Check {
        for (_, reader) in readers(&self.present, &self.model) {
            self.ledger.follow_all(reader)?;
        }
        Ok(())
    }

    fn make(&mut self, request: &Request) -> Result<Made, String> {
        let Request { key, now, what } = request;
        match what {
            What::Create(command, _) => made(self.namespace.create(key, command, *now), created),
            What::Append(command, _) => {
                let ran = self.namespace.append(key, command, *now);
                made(ran, |appended, _| Some(Arc::clone(&appended.state)))
            }
            What::Truncate(offset) => {
                let ran = self.namespace.truncate(key, *offset, *now);
                made(ran, |truncated, _| Some(Arc::clone(&truncated.state)))
            }
            What::Retain(look) => {
                let (lineage, found) =
                    self.records.look(&self.namespace.contents, key, *look, *now);
                let ran =
                    self.namespace.drive(|desk| decide::retain(desk, key, lineage, found, *now));
                made(ran, |_, _| None)
            }
            What::Delete => made(self.namespace.delete(key, *now), |(), _| None),
            What::Expire => made(self.namespace.expire(key, *now), |(), _| None),
            What::MarkUsed(at) => made(self.namespace.mark_used(key, *at), |(), _| None),
        }
    }

    /// Gives out the new tokens, and follows old ones.
    fn read(&mut self, after: &Snapshot) -> Check {
        let changed = self.present.changed(after);
        for (key, reader) in readers(after, &self.model) {
            if changed.contains(&key) {
                self.ledger.issue(reader)?;
            }
        }
        for (key, reader) in readers(after, &self.model) {
            let old = self.present.slots.get(key).and_then(|slot| slot.state());
            if old.is_some_and(|state| state.ranges.own() == reader.state.ranges.own()) {
                self.ledger.follow_some(reader)?;
            } else {
                self.ledger.follow_all(reader)?;
            }
        }
        self.ledger.turn();
        Ok(())
    }
}

fn made<T, E>(
    ran: Ran<T, E>,
    promised: impl FnOnce(&T, &[Committed]) -> Option<Arc<StreamState>>,
) -> Result<Made, String>
where
    Answer: From<Result<T, E>>,
{
    let Run { outcome, units, relies_on, looked } = ran?;
    let promised = outcome.as_ref().ok().and_then(|success| promised(success, &units));
    let answer = outcome.into();
    Ok(Made { answer, promised, run: Run { outcome: Ok(()), units, relies_on, looked } })
}

fn created(created: &Created, units: &[Committed]) -> Option<Arc<StreamState>> {
    match &created.existence {
        Existence::New(birth) => Some(Arc::new(StreamState::born(birth, born(units)?))),
        Existence::Confirmed(state) => Some(Arc::clone(state)),
    }
}

/// The lineage of the stream that these units create.
fn born(units: &[Committed]) -> Option<Lineage> {
    let creates = |committed: &&Committed| {
        committed.unit.changes.iter().any(|change| matches!(change.effect, Effect::Create(_)))
    };
    units.iter().find(creates).map(|committed| Lineage(committed.number))
}

/// Compares all that can be seen with what the model expects to be seen.
fn compare(after: &Snapshot, model: &Model) -> Check {
    let expected = expected(model);
    if after.seen == expected {
        return Ok(());
    }
    let keys = after.seen.keys().chain(expected.keys());
    let key = keys.into_iter().find(|key| after.seen.get(*key) != expected.get(*key));
    let both = key.map(|key| (key, after.seen.get(key), expected.get(key)));
    Err(format!("seen and expected differ: {both:#?}"))
}

fn readers<'a>(
    snapshot: &'a Snapshot,
    model: &'a Model,
) -> impl Iterator<Item = (&'a StreamKey, Reader<'a>)> {
    snapshot.live().filter_map(move |(key, state, content)| {
        let stream = model.live(key)?;
        Some((key, Reader { state, content, stream, model }))
    })
}
