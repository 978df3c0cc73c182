//! What a storage that was told something shows after each group: memory's answer.

use headwater_core::Timestamp;
use headwater_core::storage::UnitResult;

use super::life::Told;
use crate::testkit::differential::view::{Ranks, Seen};
use crate::testkit::{Failure, Rig, SoleMemory};

/// When everything is looked at: after every time that scripts speak of.
const NOW: Timestamp = Timestamp(2_000_000_000);

/// What is to be seen.
pub(super) struct Model {
    /// After no group, the first, the second, and so on: the last unit, and what is seen, where that may be asked.
    states: Vec<(u64, Option<Seen>)>,
}

impl Model {
    /// Commits groups; what is seen may be asked from the first so many on.
    pub(super) fn of(told: &[Told], from: usize) -> Result<Self, Failure> {
        let rig = Rig::open(&SoleMemory)?;
        let (mut units, mut states) = (0, Vec::new());
        let looked = |units, number| match number < from {
            true => Ok(None),
            false => seen(&rig, units).map(Some),
        };
        states.push((units, looked(units, 0)?));
        for (group, number) in told.iter().zip(1..) {
            for result in rig.commit_at(group.units.clone(), group.now)? {
                if let UnitResult::Committed(stamp) = result {
                    units = stamp.unit.0;
                }
            }
            states.push((units, looked(units, number)?));
        }
        Ok(Self { states })
    }

    /// How many units the first so many groups have.
    pub(super) fn units(&self, groups: usize) -> u64 {
        self.states[groups].0
    }

    /// That so many units are no fewer than the first so many groups have.
    pub(super) fn reaches(&self, units: u64, reported: usize) -> Result<(), Failure> {
        let least = self.states.get(reported).map_or(u64::MAX, |(units, _)| *units);
        let lost = || Failure::new(format!("{units} units are there, and {least} were reported"));
        (units >= least).then_some(()).ok_or_else(lost)
    }

    /// That what is found is what it was after some group, not before the first so many were reported; says which one.
    pub(super) fn check(
        &self,
        rig: &Rig<'_>,
        units: u64,
        reported: usize,
    ) -> Result<usize, Failure> {
        let mut later = self.states.iter().enumerate().skip(reported);
        // Groups of which nothing was committed do not tell.
        let (number, (_, expected)) =
            later.find(|(_, (last, _))| *last == units).ok_or_else(|| {
                let wanted: Vec<_> = self.states.iter().skip(reported).map(|s| s.0).collect();
                Failure::new(format!("{units} units are there, where {wanted:?} may be"))
            })?;
        let missing = || Failure::new("nobody looked at what this group left");
        seen(rig, units)?.same_as(expected.as_ref().ok_or_else(missing)?)?;
        Ok(number)
    }
}

fn seen(rig: &Rig<'_>, units: u64) -> Result<Seen, Failure> {
    Seen::of(rig, &Ranks::identity(units), NOW, true)
}
