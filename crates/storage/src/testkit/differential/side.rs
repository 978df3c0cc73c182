//! One of the two: a harness, what it was told, and the numbers it gave.

use std::sync::Arc;

use headwater_core::change::Unit;
use headwater_core::command::Create;
use headwater_core::decide::{self, BoundaryQuestion, Decision, Limits};
use headwater_core::producer::ProducerState;
use headwater_core::retention::Found;
use headwater_core::storage::UnitResult;
use headwater_core::{
    Code, ContentKind, Lineage, Offset, ProducerId, Slot, StreamKey, StreamState, Tail, Timestamp,
};

use super::command;
use super::script::{AppendWords, Basis, Command, CreateWords, NAMES, Pick, Place, Round, Want};
use super::view::{Ranks, Seen};
use crate::testkit::check::{Failure, Verdict};
use crate::testkit::{Decider, Harness, Known, Rig};

/// Few, so that scripts reach the limit.
const LIMITS: Limits = Limits { producers_per_stream: 2 };

/// How often one command may have something done first: its own stream's end, and that of the one it forks.
const MOST_FIRST: usize = 3;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Commits,
    Succeeds,
    Refuses(Code),
    /// Something has to be durable first.
    Later,
}

/// What became of a unit, in terms that are the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed { rank: u64, at: Timestamp, first_records: usize },
    Otherwise(UnitResult),
}

/// What a round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) answers: Vec<Answer>,
    /// Units that had to come first.
    pub(crate) firsts: u64,
    pub(crate) fates: Vec<Fate>,
}

/// A harness that plays a script.
pub(crate) struct Side<'h> {
    rig: Rig<'h>,
    now: Timestamp,
    ranks: Ranks,
}

impl<'h> Side<'h> {
    pub(crate) fn open(harness: &'h dyn Harness) -> Result<Self, Failure> {
        // Any time; both sides begin at the same.
        let now = Timestamp(1_000_000_000);
        Ok(Self { rig: Rig::open(harness)?, now, ranks: Ranks::default() })
    }

    /// Goes on with data that was written before, of so many units numbered from one.
    #[cfg(all(test, feature = "journal"))]
    pub(crate) fn resume(harness: &'h dyn Harness, units: u64) -> Result<Self, Failure> {
        Ok(Self { ranks: Ranks::identity(units), ..Self::open(harness)? })
    }

    pub(crate) fn close(&self) -> Verdict {
        self.rig.close()
    }

    pub(super) fn is_sole(&self) -> bool {
        self.rig.is_sole()
    }

    /// What it is played on.
    #[cfg(all(test, feature = "journal"))]
    pub(crate) fn rig(&self) -> &Rig<'h> {
        &self.rig
    }

    /// Looks at everything.
    pub(super) fn look(&self, exact: bool) -> Result<Seen, Failure> {
        Seen::of(&self.rig, &self.ranks, self.now, exact)
    }

    /// Plays a round.
    pub(crate) fn play(&mut self, round: &Round) -> Result<Tried, Failure> {
        match round {
            Round::Group(basis, commands) => self.group(*basis, commands),
            Round::Clock(step) => {
                self.now = Timestamp(self.now.0.saturating_add_signed(*step));
                Ok(Tried::default())
            }
            Round::Restart => {
                self.rig.reopen()?;
                Ok(Tried::default())
            }
        }
    }

    fn group(&mut self, basis: Basis, commands: &[Command]) -> Result<Tried, Failure> {
        let mut group = Group::on(basis);
        for name in 0..NAMES.len() {
            let key = command::key(name)?;
            group.before.push((key.clone(), self.rig.slot(&key)?));
        }
        let mut answers = Vec::new();
        for command in commands {
            answers.push(self.command(&mut group, command)?);
        }
        let results = self.rig.commit_at(group.units, self.now)?;
        let fates = results.into_iter().map(|result| self.ranks.fate(result)).collect();
        Ok(Tried { answers, firsts: group.firsts, fates })
    }

    fn command(&self, group: &mut Group, command: &Command) -> Result<Answer, Failure> {
        let (decider, now) = (Decider::over(&self.rig), self.now);
        match command {
            Command::Create(pick, words) => {
                let key = group.pick(*pick, now)?;
                let create = self.creation(group, words)?;
                // The source is looked at as it is durable: where records divide is asked of storage.
                let on = if create.fork.is_some() { On::Durable } else { On::Basis };
                group.decide(
                    decider,
                    on,
                    |known| decide::create(known, &key, &create, now),
                    |e| e.code(),
                )
            }
            Command::Append(pick, words) => {
                let key = group.pick(*pick, now)?;
                let (state, row) = self.standing(group, &key, words)?;
                let append = command::append(words, state.as_deref(), row)?;
                let ask = |known: &Known| decide::append(known, LIMITS, &key, &append, now);
                group.decide(decider, On::Basis, ask, |e| e.code())
            }
            Command::Truncate(pick, at) => {
                let key = group.pick(*pick, now)?;
                let at = self.place(group, &key, *at)?;
                // Where records divide is asked of storage.
                let ask = |known: &Known| decide::truncate(known, &key, at, now);
                group.decide(decider, On::Durable, ask, |e| e.code())
            }
            Command::Retain(pick) => {
                let key = group.pick(*pick, now)?;
                let (lineage, found) = self.found(group, &key)?;
                let ask = |known: &Known| decide::retain(known, &key, lineage, found, now);
                group.decide(decider, On::Durable, ask, |e| e.code())
            }
            Command::Delete(pick) => {
                let key = group.pick(*pick, now)?;
                let ask = |known: &Known| decide::delete(known, &key, now);
                group.decide(decider, On::Basis, ask, |e| e.code())
            }
            Command::Expire(pick) => {
                let key = group.pick(*pick, now)?;
                let ask = |known: &Known| decide::expire(known, &key, now);
                group.decide(decider, On::Basis, ask, |e| e.code())
            }
            Command::Use(pick) => {
                let key = group.pick(*pick, now)?;
                let ask = |known: &Known| decide::mark_used(known, &key, now);
                group.decide(decider, On::Basis, ask, |e| e.code())
            }
        }
    }

    fn creation(&self, group: &mut Group, words: &CreateWords) -> Result<Create, Failure> {
        let decider = Decider::over(&self.rig);
        let Some(fork) = words.fork else { return command::create(words, None, self.now) };
        let source = group.pick(fork.source, self.now)?;
        let Slot::Live(state) = decider.slot(&mut group.durable, &source)? else {
            return command::create(words, Some((&source, None)), self.now);
        };
        let last_record = self.last_record(&source, &state)?;
        command::create(words, Some((&source, Some((&state, last_record)))), self.now)
    }

    /// The offset of a place in a stream as it is durable.
    fn place(&self, group: &mut Group, key: &StreamKey, at: Place) -> Result<Offset, Failure> {
        match Decider::over(&self.rig).slot(&mut group.durable, key)? {
            Slot::Live(state) => Ok(command::offset(at, (&state, self.last_record(key, &state)?))),
            Slot::Absent | Slot::SoftDeleted(_) => Ok(Offset::START),
        }
    }

    /// What is too much or too old of a stream as it is durable.
    fn found(&self, group: &mut Group, key: &StreamKey) -> Result<(Lineage, Found), Failure> {
        let slot = Decider::over(&self.rig).slot(&mut group.durable, key)?;
        let Slot::Live(state) = slot else { return Ok((Lineage(0), Found::default())) };
        let lineage = state.ranges.own();
        let Some(excess) = state.excess(self.now) else { return Ok((lineage, Found::default())) };
        let mut found = Found::default();
        let (mut from, tail) = (state.floor.position, state.tail.position);
        while let Some(range) = state.ranges.holding(from, tail) {
            let rows = self.rig.read(range.lineage, from, range.to)?.1;
            for row in rows.iter().filter(|row| row.position < range.to && row.end() > from) {
                let end = Tail { position: row.end().min(range.to), sequence: row.sequence };
                if excess.byte.is_some_and(|byte| row.position <= byte && byte < end.position) {
                    found.behind_byte = Some(end);
                }
                match excess.before {
                    Some(before) if row.at < before => found.behind_old = Some(end),
                    Some(_) => found.oldest = found.oldest.or(Some(row.at)),
                    None => {}
                }
            }
            from = range.to;
        }
        Ok((lineage, found))
    }

    /// Where the last record of a stream begins, or the stream where it has none that is not given up.
    fn last_record(&self, key: &StreamKey, state: &StreamState) -> Result<u64, Failure> {
        let floor = state.floor.position;
        let Some(position) = state.tail.position.checked_sub(1).filter(|last| *last >= floor)
        else {
            return Ok(floor);
        };
        let (key, lineage) = (key.clone(), state.ranges.own());
        let question = BoundaryQuestion { key, lineage, position, records: 0 };
        Ok(Decider::over(&self.rig).boundary(&question)?.start)
    }

    /// A stream and a producer's row as they stand for a command of this group.
    fn standing(
        &self,
        group: &mut Group,
        key: &StreamKey,
        words: &AppendWords,
    ) -> Result<Standing, Failure> {
        let decider = Decider::over(&self.rig);
        let known = group.known(On::Basis);
        let state = decider.slot(known, key)?.state().cloned();
        let id: Option<ProducerId> =
            words.producer.map(|words| command::producer_id(words.id)).transpose()?;
        let row = match id {
            Some(id) if state.is_some() => decider.row(known, key, &id)?,
            _ => None,
        };
        Ok((state, row))
    }
}

/// A stream, and a producer's row of it.
type Standing = (Option<Arc<StreamState>>, Option<ProducerState>);

/// Which view a command is decided on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// The durable one.
    Durable,
    /// The one that the group is based on.
    Basis,
}

/// The group that is being decided.
struct Group {
    basis: Basis,
    /// What stood under each name before it.
    before: Vec<(StreamKey, Slot)>,
    durable: Known,
    /// The durable state and what was decided on top of it.
    earlier: Known,
    units: Vec<Unit>,
    firsts: u64,
}

impl Group {
    fn on(basis: Basis) -> Self {
        let (durable, earlier) = (Known::default(), Known::default());
        Self { basis, before: Vec::new(), durable, earlier, units: Vec::new(), firsts: 0 }
    }

    fn pick(&self, pick: Pick, now: Timestamp) -> Result<StreamKey, Failure> {
        let mut wanted: Vec<_> =
            self.before.iter().filter(|(_, slot)| stands(slot, pick.want, now)).collect();
        if wanted.is_empty() {
            wanted = self.before.iter().collect();
        }
        let picked = pick.number.checked_rem(wanted.len()).and_then(|number| wanted.get(number));
        picked.map(|(key, _)| key.clone()).ok_or_else(|| Failure::new("there are no names"))
    }

    fn known(&mut self, on: On) -> &mut Known {
        match (on, self.basis) {
            (On::Basis, Basis::Earlier) => &mut self.earlier,
            _ => &mut self.durable,
        }
    }

    fn decide<T, E>(
        &mut self,
        decider: Decider<'_, '_>,
        on: On,
        ask: impl Fn(&Known) -> Decision<T, E>,
        code: impl Fn(&E) -> Code,
    ) -> Result<Answer, Failure> {
        for _ in 0..MOST_FIRST {
            match decider.decide(self.known(on), &ask)? {
                Decision::First(unit) => {
                    self.firsts += 1;
                    self.earlier.apply(&unit);
                    self.units.push(unit);
                    if on == On::Durable || self.basis == Basis::Durable {
                        return Ok(Answer::Later);
                    }
                }
                Decision::Commit { unit, .. } => {
                    self.earlier.apply(&unit);
                    self.units.push(unit);
                    return Ok(Answer::Commits);
                }
                Decision::Reply { outcome: Ok(_), .. } => return Ok(Answer::Succeeds),
                Decision::Reply { outcome: Err(error), .. } => {
                    return Ok(Answer::Refuses(code(&error)));
                }
                Decision::Need(need) => {
                    return Err(Failure::new(format!("{need:?} was left open")));
                }
            }
        }
        Ok(Answer::Later)
    }
}

fn stands(slot: &Slot, want: Want, now: Timestamp) -> bool {
    let live = match slot {
        Slot::Live(state) => Some(state),
        Slot::Absent | Slot::SoftDeleted(_) => None,
    };
    match want {
        Want::Anything => true,
        Want::Nothing => *slot == Slot::Absent,
        Want::Live => live.is_some_and(|state| state.closed.is_none()),
        Want::Json => live.is_some_and(|state| state.content_type.kind() == ContentKind::Json),
        Want::Kept => live.is_some_and(|state| state.retained.is_some()),
        Want::Due => live.is_some_and(|state| state.expired(now)),
        Want::Forked => live.is_some_and(|state| state.forks > 0),
        Want::Closed => live.is_some_and(|state| state.closed.is_some()),
        Want::SoftDeleted => matches!(slot, Slot::SoftDeleted(_)),
    }
}
