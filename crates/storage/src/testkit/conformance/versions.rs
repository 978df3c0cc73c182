//! Compare and set: a change commits on exactly the version it names, and groups are tried in order.

use headwater_core::storage::UnitResult;
use headwater_core::{Slot, StreamKey, Version};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, committed, make};

/// A version that was, one that will be, and one of another incarnation are all conflicts.
pub(super) fn only_the_present_version_commits(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("v/present")?;
    rig.create(&key, make::birth())?;
    rig.append(&key, make::batch(1, &[4])?)?;
    let present = rig.version(&key)?;
    for wrong in [
        Version::ABSENT,
        Version { revision: present.revision - 1, ..present },
        Version { revision: present.revision + 1, ..present },
        Version { lineage: present.lineage + 1, ..present },
        Version { lineage: present.lineage - 1, ..present },
    ] {
        let batch = make::batch(2, &[4])?;
        for change in [
            make::append(&key, wrong, batch),
            make::removal(&key, wrong),
            make::soft_deletion(&key, wrong),
        ] {
            let result = rig.try_unit(make::unit([change]))?;
            ensure_eq!(result, UnitResult::Conflict, "{wrong:?} instead of {present:?}");
        }
    }
    rig.reopen()?;
    ensure_eq!(rig.version(&key)?, present, "conflicts change nothing");
    rig.unit([make::append(&key, present, make::batch(3, &[4])?)])?;
    ensure_eq!(rig.version(&key)?, make::next(present), "the present version commits");
    Ok(())
}

/// A stream is created only where there is none, and changed only where there is one.
pub(super) fn absence_is_a_version(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("v/absent")?;
    let never = Version { lineage: 1, revision: 1 };
    let result = rig.try_unit(make::unit([make::append(&key, never, make::batch(1, &[1])?)]))?;
    ensure_eq!(result, UnitResult::Conflict, "an append to a stream that is not there");
    let state = rig.create(&key, make::birth())?;
    for _ in 0..2 {
        let result = rig.try_unit(make::unit([make::creation(&key, make::birth())]))?;
        ensure_eq!(result, UnitResult::Conflict, "a creation over a stream");
        ensure_eq!(rig.slot(&key)?, Slot::Live(state.clone()), "the stream that was there");
        rig.reopen()?;
    }
    Ok(())
}

/// A stream that was removed and created anew does not look unchanged, though it is as old in commits.
pub(super) fn a_recreated_stream_is_another_one(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("v/again")?;
    let old = rig.create(&key, make::birth())?.version();
    rig.unit([make::removal(&key, old)])?;
    rig.reopen()?;
    let new = rig.create(&key, make::birth())?.version();
    ensure_eq!(new.revision, old.revision, "commits since creation");
    ensure!(new.lineage > old.lineage, "lineage {} came after {}", new.lineage, old.lineage);
    let result = rig.try_unit(make::unit([make::append(&key, old, make::batch(1, &[1])?)]))?;
    ensure_eq!(result, UnitResult::Conflict, "an append to the incarnation that was removed");
    rig.unit([make::append(&key, new, make::batch(2, &[1])?)])?;
    Ok(())
}

/// A unit may be based on an earlier one of its group.
pub(super) fn a_unit_may_follow_an_earlier_one_of_its_group(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("v/follow")?;
    let mut version = rig.create(&key, make::birth())?.version();
    let mut group = Vec::new();
    for seed in 0..5 {
        group.push(make::unit([make::append(&key, version, make::batch(seed, &[3])?)]));
        version = make::next(version);
    }
    for result in rig.commit(group)? {
        committed(result)?;
    }
    rig.reopen()?;
    ensure_eq!(rig.version(&key)?, version, "five units on top of each other");
    let expected: Vec<u8> = (0..5).flat_map(|seed| make::pattern(seed, 3)).collect();
    ensure_eq!(rig.content(&key)?, expected, "their bytes in order");
    Ok(())
}

/// What changes a stream of a unit that fell falls too, and so on; what does not goes on.
///
/// It falls even where its version is there after all: the third unit names the revision that the second would have
/// made, and which another commit has made instead.
pub(super) fn a_unit_falls_with_the_one_it_follows(rig: &mut Rig<'_>) -> Verdict {
    let names = ["v/fallen", "v/beside", "v/behind", "v/standing"];
    let keys = names.iter().map(|name| make::key(name)).collect::<Result<Vec<_>, _>>()?;
    let [fallen, beside, behind, standing] = keys.as_slice() else {
        return Err(Failure::new("four names give four keys"));
    };
    for key in &keys {
        rig.create(key, make::birth())?;
    }
    let stale = rig.version(fallen)?;
    rig.append(fallen, make::batch(1, &[1])?)?;
    let append = |key: &StreamKey, basis, seed| {
        Ok::<_, Failure>(make::append(key, basis, make::batch(seed, &[1])?))
    };
    let at = |key: &StreamKey| rig.version(key);
    let group = [
        (true, vec![append(standing, at(standing)?, 2)?]),
        (false, vec![append(fallen, stale, 3)?, append(beside, at(beside)?, 3)?]),
        (false, vec![append(fallen, make::next(stale), 4)?]),
        (false, vec![append(behind, at(behind)?, 5)?, append(beside, at(beside)?, 5)?]),
        (false, vec![append(behind, at(behind)?, 6)?]),
        (true, vec![append(standing, make::next(at(standing)?), 7)?]),
    ];
    let (expected, group): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    let results = rig.commit(group.into_iter().map(make::unit).collect())?;
    let fates: Vec<_> =
        results.iter().map(|result| matches!(result, UnitResult::Committed(_))).collect();
    ensure_eq!(fates, expected, "which units committed");
    rig.reopen()?;
    for (key, seeds) in keys.iter().zip([&[1][..], &[], &[], &[2, 7]]) {
        let expected: Vec<u8> = seeds.iter().flat_map(|seed| make::pattern(*seed, 1)).collect();
        ensure_eq!(rig.content(key)?, expected, "bytes of {key}");
    }
    // The next group is not concerned.
    rig.append(fallen, make::batch(8, &[1])?)?;
    Ok(())
}

/// A group without units is reported like any other.
pub(super) fn an_empty_group_is_reported(rig: &mut Rig<'_>) -> Verdict {
    ensure_eq!(rig.commit(Vec::new())?, [], "results of no units");
    Ok(())
}

/// Groups of which nothing is committed, empty ones and ones of conflicts, do no harm: not as the very first that fresh
/// data sees, not between others, and not as the last before it is closed.
pub(super) fn a_group_that_commits_nothing_does_no_harm(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("v/harmless")?;
    // No stream of this store is ever at this version.
    let never = Version { lineage: u64::MAX, revision: 1 };
    let mut expected = Vec::new();
    rig.commit(Vec::new())?;
    for seed in 0..4 {
        rig.reopen()?;
        let conflict = make::unit([make::append(&key, never, make::batch(seed, &[3])?)]);
        ensure_eq!(rig.try_unit(conflict)?, UnitResult::Conflict, "an append to what is not there");
        rig.reopen()?;
        if seed == 0 {
            rig.create(&key, make::birth())?;
        }
        rig.append(&key, make::batch(seed, &[3])?)?;
        expected.extend(make::pattern(seed, 3));
        rig.commit(Vec::new())?;
        rig.reopen()?;
        ensure_eq!(rig.content(&key)?, expected, "bytes");
    }
    Ok(())
}
