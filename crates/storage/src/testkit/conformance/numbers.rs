//! Numbers: each committed unit has one, later units have larger ones, and none is used twice.

use headwater_core::storage::UnitResult;

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Rig, committed, make};

/// Numbers grow from unit to unit, inside a group and between groups, and over restarts.
pub(super) fn numbers_grow(rig: &mut Rig<'_>) -> Verdict {
    let mut last = 0;
    for round in 0..4 {
        let keys = (0..3).map(|n| make::key(&format!("n/{round}/{n}")));
        let group = keys.map(|key| Ok(make::unit([make::creation(&key?, make::birth())])));
        for result in rig.commit(group.collect::<Result<_, crate::testkit::Failure>>()?)? {
            let number = committed(result)?.unit.0;
            ensure!(number > last, "number {number} came after {last}");
            last = number;
        }
        rig.reopen()?;
    }
    Ok(())
}

/// The number of the last unit is not used again when its stream is gone and the data was closed.
pub(super) fn numbers_are_never_used_again(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("n/last")?;
    let mut last = 0;
    for _ in 0..4 {
        let created = rig.unit([make::creation(&key, make::birth())])?.unit.0;
        ensure!(created > last, "lineage {created} came after {last}");
        rig.reopen()?;
        let removed = rig.unit([make::removal(&key, rig.version(&key)?)])?.unit.0;
        ensure!(removed > created, "number {removed} came after {created}");
        last = removed;
        rig.reopen()?;
    }
    Ok(())
}

/// A stream's lineage is the number of the unit that created it, also where one group removes and creates it.
pub(super) fn the_number_is_the_lineage(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("n/lineage")?;
    let first = rig.unit([make::creation(&key, make::birth())])?;
    let old = rig.live(&key)?;
    ensure_eq!(old.ranges.own().0, first.unit.0, "lineage of the first stream");
    let group = vec![
        make::unit([make::removal(&key, old.version())]),
        make::unit([make::creation(&key, make::birth())]),
    ];
    let results = rig.commit(group)?;
    let Some(UnitResult::Committed(second)) = results.get(1) else {
        return Err(crate::testkit::Failure::new(format!("not created again: {results:?}")));
    };
    rig.reopen()?;
    ensure_eq!(rig.live(&key)?.ranges.own().0, second.unit.0, "lineage of the second stream");
    ensure!(second.unit > first.unit, "the second lineage is not larger than the first");
    Ok(())
}
