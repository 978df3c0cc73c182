//! The catalogue: streams by name, and by when they end.

use headwater_core::change::{Birth, Update};
use headwater_core::storage::ListQuery;
use headwater_core::{Expiry, StoreId, Timestamp};

use crate::testkit::check::{Verdict, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// Names in an order that is not the one they were created in, and that differs from what a locale would say.
const NAMES: &[&str] = &[
    "zebra",
    "a",
    "a/b",
    "a.b",
    "a%2Fb",
    "A",
    "ab",
    "a/b/c",
    "ä",
    "z",
    "日本/語",
    "𝄞",
    "a b",
    "~",
    "é",
    "e\u{301}",
];

/// Streams are listed in the order of the bytes of their paths, in pages, by prefix.
pub(super) fn names_are_listed_in_byte_order(rig: &mut Rig<'_>) -> Verdict {
    let mut states = Vec::new();
    for name in NAMES {
        let key = make::key(name)?;
        states.push((name.to_string(), rig.create(&key, make::birth())?));
    }
    rig.create(&make::key_in(StoreId(1), "a/other")?, make::birth())?;
    states.sort_by(|(left, _), (right, _)| left.as_bytes().cmp(right.as_bytes()));
    let afters =
        NAMES.iter().copied().map(Some).chain([None, Some("a/"), Some("\u{10FFFF}"), Some("")]);
    for after in afters {
        for prefix in ["", "a", "a/", "a/b", "ä", "日", "e", "nothing"] {
            for limit in [0, 1, 3, 100] {
                let expected: Vec<_> = states
                    .iter()
                    .filter(|(name, _)| name.starts_with(prefix))
                    .filter(|(name, _)| after.is_none_or(|after| name.as_str() > after))
                    .take(limit)
                    .cloned()
                    .collect();
                let found: Vec<_> = rig
                    .list(prefix, after, limit)?
                    .into_iter()
                    .map(|listed| (listed.key.path().to_owned(), listed.state))
                    .collect();
                ensure_eq!(found, expected, "prefix {prefix:?}, after {after:?}, limit {limit}");
            }
        }
    }
    Ok(())
}

/// What is listed is the durable state of live streams, per store, also after a restart.
pub(super) fn a_listing_shows_durable_state(rig: &mut Rig<'_>) -> Verdict {
    let other = StoreId(u128::MAX);
    let keys = [make::key("c/x")?, make::key_in(other, "c/y")?];
    for (key, seed) in keys.iter().zip(0..) {
        rig.create(key, make::birth())?;
        rig.append(key, make::batch(seed, &[5])?)?;
    }
    for _ in 0..2 {
        for key in &keys {
            let (prefix, after) = (String::new(), None);
            let query = ListQuery { store: key.store(), prefix, after, limit: 10 };
            let found = rig.wait(rig.storage().list(query))??;
            let found: Vec<_> = found.into_iter().map(|l| (l.key, l.state)).collect();
            ensure_eq!(found, [(key.clone(), rig.live(key)?)], "streams of {:?}", key.store());
        }
        rig.reopen()?;
    }
    Ok(())
}

/// Streams come back by deadline, earliest first, none before its time, and only while they are live.
pub(super) fn streams_expire_in_order(rig: &mut Rig<'_>) -> Verdict {
    let lives = [
        ("at-50", Expiry::At(Timestamp(50_000))),
        ("never", Expiry::Never),
        ("ttl-9", Expiry::Ttl(9)),
        ("ttl-0", Expiry::Ttl(0)),
        ("at-20", Expiry::At(Timestamp(20_000))),
        ("max", Expiry::Ttl(u64::MAX)),
        ("used", Expiry::Ttl(5)),
    ];
    for (name, expiry) in lives {
        let birth = Birth { expiry, at: Timestamp(1_000), ..make::birth() };
        rig.create(&make::key(&format!("e/{name}"))?, birth)?;
    }
    expires(rig, &[("ttl-0", 1), ("used", 6), ("ttl-9", 10), ("at-20", 20), ("at-50", 50)])?;
    // A use puts a TTL off, and a fixed time not.
    for name in ["used", "at-20"] {
        let update = Update { used_at: Some(Timestamp(30_000)), ..Update::default() };
        rig.update(&make::key(&format!("e/{name}"))?, update)?;
    }
    expires(rig, &[("ttl-0", 1), ("ttl-9", 10), ("at-20", 20), ("used", 35), ("at-50", 50)])?;
    // Who is gone, or only kept for forks, does not expire.
    let (removed, deleted) = (make::key("e/ttl-9")?, make::key("e/at-20")?);
    rig.unit([make::removal(&removed, rig.version(&removed)?)])?;
    let pin = Update { pin: Some(headwater_core::change::PinChange::Add(0)), ..Update::default() };
    rig.update(&deleted, pin)?;
    rig.unit([make::soft_deletion(&deleted, rig.version(&deleted)?)])?;
    expires(rig, &[("ttl-0", 1), ("used", 35), ("at-50", 50)])
}

/// Looks at every limit and around every deadline, at once and after a restart.
fn expires(rig: &mut Rig<'_>, expected: &[(&str, u64)]) -> Verdict {
    let expected: Result<Vec<_>, Failure> = expected
        .iter()
        .map(|(name, second)| Ok((second * 1_000, make::key(&format!("e/{name}"))?)))
        .collect();
    let expected = expected?;
    for _ in 0..2 {
        let times =
            expected.iter().flat_map(|(at, _)| [at - 1, *at, at + 1]).chain([0, u64::MAX - 1]);
        for time in times {
            for limit in [0, 1, 2, 100] {
                let due = expected.iter().filter(|(at, _)| *at <= time).take(limit);
                let due: Vec<_> = due.cloned().collect();
                ensure_eq!(rig.expiring(time, limit)?, due, "due at {time}, at most {limit}");
            }
        }
        rig.reopen()?;
    }
    Ok(())
}
