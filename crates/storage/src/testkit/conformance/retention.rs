//! Retention: a policy is kept with its stream, and says when there may be something to be done.

use std::num::NonZeroU64;

use headwater_core::change::{Birth, PinChange, Update};
use headwater_core::retention::{ChosenBy, Policy, Retention};
use headwater_core::{StreamKey, Tail, Timestamp};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

fn policy(bytes: u64, seconds: u64, by: ChosenBy) -> Option<Policy> {
    let limit = NonZeroU64::new;
    Some(Policy { retention: Retention { bytes: limit(bytes), seconds: limit(seconds) }, by })
}

/// A policy is there as long as the stream, in all its parts, and so is what was found out about its records.
pub(super) fn a_policy_is_kept_in_full(rig: &mut Rig<'_>) -> Verdict {
    let policies = [
        ("bytes", policy(1_000, 0, ChosenBy::Request)),
        ("seconds", policy(0, 60, ChosenBy::Surroundings)),
        ("both", policy(u64::MAX, u64::MAX, ChosenBy::Surroundings)),
        ("nothing", policy(0, 0, ChosenBy::Request)),
        ("none", None),
    ];
    for (name, policy) in policies {
        let key = make::key(&format!("rt/{name}"))?;
        rig.create(&key, Birth { policy, at: Timestamp(7), ..make::birth() })?;
        rig.update(&key, Update { oldest: Some(Timestamp(900)), ..Update::default() })?;
        rig.update(&key, Update { oldest: Some(Timestamp(800)), ..Update::default() })?;
    }
    for _ in 0..2 {
        for (name, policy) in policies {
            let retained =
                rig.live(&make::key(&format!("rt/{name}"))?)?.retained.as_deref().copied();
            ensure_eq!(retained.map(|retained| retained.policy), policy, "the policy of {name}");
            let oldest = retained.map(|retained| retained.oldest);
            ensure_eq!(oldest, policy.map(|_| Timestamp(900)), "the oldest record of {name}");
        }
        rig.reopen()?;
    }
    let key = make::key("rt/both")?;
    rig.update(&key, Update { pin: Some(PinChange::Add(0)), ..Update::default() })?;
    rig.unit([make::soft_deletion(&key, rig.version(&key)?)])?;
    for _ in 0..2 {
        let slot = rig.slot(&key)?;
        ensure!(slot.state().is_some_and(|state| state.retained.is_some()), "when soft-deleted");
        rig.reopen()?;
    }
    Ok(())
}

/// A stream is listed while it may have too much, at the time its state says, among those that end.
pub(super) fn streams_with_too_much_are_listed(rig: &mut Rig<'_>) -> Verdict {
    let (many, old) = (make::key("rd/many")?, make::key("rd/old")?);
    let birth = |policy| Birth { policy, at: Timestamp(1_000), ..make::birth() };
    rig.create(&many, birth(policy(160, 0, ChosenBy::Request)))?;
    rig.create(&old, birth(policy(0, 16, ChosenBy::Request)))?;
    listed(rig, &[])?;
    rig.append(&many, make::batch(1, &[100, 70])?)?;
    rig.append(&old, make::batch(2, &[5, 5])?)?;
    listed(rig, &[(&old, 18_000)])?;
    rig.append(&many, make::batch(3, &[1])?)?;
    listed(rig, &[(&many, 0), (&old, 18_000)])?;
    let floor = |position, sequence| Some(Tail { position, sequence });
    rig.update(&many, Update { floor: floor(100, 1), ..Update::default() })?;
    rig.update(&old, Update { oldest: Some(Timestamp(3_000)), ..Update::default() })?;
    listed(rig, &[(&old, 20_000)])?;
    let oldest = Some(Timestamp(4_000));
    rig.update(&old, Update { floor: floor(5, 1), oldest, ..Update::default() })?;
    listed(rig, &[(&old, 21_000)])?;
    rig.update(&old, Update { floor: floor(10, 2), ..Update::default() })?;
    listed(rig, &[])?;
    rig.append(&many, make::batch(4, &[500])?)?;
    listed(rig, &[(&many, 0)])?;
    rig.unit([make::removal(&many, rig.version(&many)?)])?;
    listed(rig, &[])
}

fn listed(rig: &mut Rig<'_>, expected: &[(&StreamKey, u64)]) -> Verdict {
    let expected: Vec<(u64, StreamKey)> =
        expected.iter().map(|(key, at)| (*at, (*key).clone())).collect();
    for _ in 0..2 {
        ensure_eq!(rig.expiring(u64::MAX - 1, 9)?, expected, "what is listed");
        for (at, key) in expected.iter().filter(|(at, _)| *at > 0) {
            let earlier = rig.expiring(at - 1, 9)?;
            ensure!(!earlier.iter().any(|(_, other)| other == key), "{key} is listed before {at}");
        }
        rig.reopen()?;
    }
    Ok::<_, Failure>(())
}
