//! Faults of commits.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use headwater_core::change::{Change, Effect, Unit};
use headwater_core::storage::{Refusal, SpaceSequence, Stamp, UnitNumber, UnitResult};
use headwater_core::{Timestamp, Version};

use super::Fault;
use super::storage::State;

/// How long a torn unit stays torn: long enough for a reader to look.
const TORN_FOR: Duration = Duration::from_millis(1);

impl State {
    /// Commits a group with the fault.
    pub(super) fn write(&self, mut group: Vec<Unit>, now: Timestamp) -> Vec<UnitResult> {
        if self.fault == Fault::ReversesGroups {
            group.reverse();
        }
        let results = if self.parts_groups() {
            group.iter().map(|unit| self.write_unit(unit, now)).collect()
        } else {
            self.commit_inner(group.iter().map(|unit| self.rewritten(unit)).collect(), now)
        };
        let reported = group.iter().zip(results).map(|(unit, result)| {
            self.note(unit, &result);
            self.reported(unit, result, now)
        });
        let mut reported: Vec<_> = reported.collect();
        if self.fault == Fault::ReversesGroups {
            reported.reverse();
        }
        reported
    }

    /// Whether the fault needs the units of a group one by one.
    fn parts_groups(&self) -> bool {
        matches!(
            self.fault,
            Fault::IgnoresVersions
                | Fault::ComparesVersionsAlone
                | Fault::TearsUnits
                | Fault::TakesUnsoundUnits
                | Fault::CommitsNothing
                | Fault::LosesSomeUnits
                | Fault::KeepsRemoved
                | Fault::LosesLaterStreams
                | Fault::RefusesLargeRecords
        )
    }

    fn tears(&self, unit: &Unit) -> bool {
        match self.fault {
            Fault::TearsUnits => true,
            Fault::TakesUnsoundUnits => !unit.is_sound(),
            _ => false,
        }
    }

    fn write_unit(&self, unit: &Unit, now: Timestamp) -> UnitResult {
        {
            let mut notes = self.notes.lock();
            notes.units += 1;
            notes.created += u64::from(creates(unit));
        }
        match self.result_without_writing(unit, now) {
            Some(instead) => instead,
            None if self.tears(unit) => self.tear(unit, now),
            None => self.commit_one(self.rewritten(unit), now),
        }
    }

    fn reported(&self, unit: &Unit, result: UnitResult, now: Timestamp) -> UnitResult {
        match result {
            UnitResult::Committed(stamp) => UnitResult::Committed(self.restamped(stamp, now)),
            UnitResult::Conflict if self.claims(unit) => UnitResult::Committed(invented(unit, now)),
            other => other,
        }
    }

    fn claims(&self, unit: &Unit) -> bool {
        let nothing = |change: &Change| change.basis == Version::ABSENT;
        match self.fault {
            Fault::ClaimsCreations => creates(unit),
            Fault::ClaimsChangesOfNothing => !creates(unit) && unit.changes.iter().all(nothing),
            _ => false,
        }
    }

    fn commit_one(&self, unit: Unit, now: Timestamp) -> UnitResult {
        self.commit_inner(vec![unit], now).pop().unwrap_or(UnitResult::Unknown)
    }

    fn result_without_writing(&self, unit: &Unit, now: Timestamp) -> Option<UnitResult> {
        let notes = self.notes.lock();
        let removes = || unit.changes.iter().any(|change| change.effect == Effect::Remove);
        let lost = match self.fault {
            Fault::CommitsNothing => true,
            Fault::LosesSomeUnits => notes.units.is_multiple_of(7),
            Fault::KeepsRemoved => removes(),
            Fault::LosesLaterStreams => notes.created > 5_000 && creates(unit),
            Fault::RefusesLargeRecords if unit.payload_len() > 1 << 20 => {
                return Some(UnitResult::Refused(Refusal::Full));
            }
            _ => false,
        };
        lost.then(|| UnitResult::Committed(invented(unit, now)))
    }

    fn tear(&self, unit: &Unit, now: Timestamp) -> UnitResult {
        let mut whole = UnitResult::Conflict;
        for change in &unit.changes {
            whole = self.commit_one(Unit::of(change.clone()), now);
            thread::sleep(TORN_FOR);
        }
        whole
    }

    fn rewritten(&self, unit: &Unit) -> Unit {
        let mut unit = unit.clone();
        if self.fault == Fault::HalvesUnits {
            unit.changes.truncate(1);
        }
        for change in &mut unit.changes {
            self.rewrite(change);
        }
        unit
    }

    fn rewrite(&self, change: &mut Change) {
        if self.fault == Fault::IgnoresVersions {
            change.basis = self.present(change);
        }
        match (&mut change.effect, self.fault) {
            (Effect::Create(birth), Fault::LosesOrigins) => birth.origin = None,
            (Effect::Create(birth), Fault::LosesAncestors) => birth.inherited = [].into(),
            (Effect::Update(update), Fault::DropsProducers) => update.producer = None,
            (Effect::Update(update), Fault::LosesStreamSeq) => update.stream_seq = None,
            (Effect::Update(update), Fault::LosesFloors) => update.floor = None,
            (Effect::Create(birth), Fault::LosesPolicies) => birth.policy = None,
            (Effect::Update(update), Fault::LosesAges) => update.oldest = None,
            _ => {}
        }
    }

    fn present(&self, change: &Change) -> Version {
        let loaded = at_once(self.inner.load(&change.key, None));
        loaded.and_then(Result::ok).map_or(change.basis, |loaded| loaded.slot.version())
    }

    fn restamped(&self, mut stamp: Stamp, now: Timestamp) -> Stamp {
        match self.fault {
            Fault::StampsTheClock => stamp.at = now,
            Fault::ReusesNumbers => stamp.unit = UnitNumber(1),
            Fault::ShiftsSpaceSequences => stamp.first.iter_mut().for_each(|first| first.0 += 1),
            Fault::RestartsSpaces => stamp.first.fill(SpaceSequence(1)),
            _ => {}
        }
        stamp
    }

    fn note(&self, unit: &Unit, result: &UnitResult) {
        let UnitResult::Committed(stamp) = result else { return };
        let mut notes = self.notes.lock();
        for change in &unit.changes {
            match &change.effect {
                Effect::Create(_) => drop(notes.lineages.insert(stamp.unit.0, change.key.clone())),
                Effect::SoftDelete => drop(notes.soft_deleted.insert(change.basis.lineage)),
                Effect::Update(update) => {
                    let floor = update.floor.map(|floor| (change.basis.lineage, floor.position));
                    notes.floors.extend(floor);
                }
                Effect::Remove => {}
            }
        }
    }
}

pub(super) fn creates(unit: &Unit) -> bool {
    unit.changes.iter().any(|change| matches!(change.effect, Effect::Create(_)))
}

/// A stamp that nobody gave, with numbers that cannot be told from real ones.
pub(super) fn invented(unit: &Unit, now: Timestamp) -> Stamp {
    let with_records = unit.changes.iter().filter(|change| change.batch().is_some());
    let first = with_records.map(|_| SpaceSequence(1 << 40)).collect();
    Stamp { unit: UnitNumber(1 << 40), at: now, first }
}

/// The value of a future that is ready when it is first polled.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
