//! Handles: answers that may be given, callbacks, and the end.

use std::sync::Arc;
use std::sync::mpsc;

use headwater_core::change::PinChange;
use headwater_core::storage::{
    Confirmation, Detail, ListQuery, ReadRange, Refusal, SpaceRead, SpaceSequence, StorageError,
    UnitResult,
};
use headwater_core::{Lineage, Storage, StoreId, StreamKey, Tail, Timestamp, Version};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// The versions that stand are current, all others are stale, and one stale one among many is enough.
pub(super) fn only_present_versions_are_confirmed(rig: &mut Rig<'_>) -> Verdict {
    let (one, two, absent) = (make::key("h/one")?, make::key("h/two")?, make::key("h/absent")?);
    let first = rig.create(&one, make::birth())?.version();
    rig.create(&two, make::birth())?;
    rig.append(&one, make::batch(1, &[1])?)?;
    let nothing = (absent.clone(), Version::ABSENT);
    for _ in 0..2 {
        let present =
            [(one.clone(), rig.version(&one)?), (two.clone(), rig.version(&two)?), nothing.clone()];
        ensure_eq!(rig.confirm(&present)?, Confirmation::Current, "what stands");
        ensure_eq!(rig.confirm(&[])?, Confirmation::Current, "nothing");
        for (key, wrong) in [
            (&one, first),
            (&one, Version::ABSENT),
            (&one, make::next(rig.version(&one)?)),
            (&two, Version { lineage: first.lineage, revision: 1 }),
            (&absent, first),
        ] {
            let mut relies_on = present.to_vec();
            relies_on.retain(|(other, _)| other != key);
            relies_on.push((key.clone(), wrong));
            ensure_eq!(rig.confirm(&relies_on)?, Confirmation::Stale, "{key} at {wrong:?}");
        }
        rig.reopen()?;
    }
    let old = rig.version(&two)?;
    rig.unit([make::removal(&two, old)])?;
    rig.create(&two, make::birth())?;
    ensure_eq!(rig.confirm(&[(two, old)])?, Confirmation::Stale, "an incarnation that was removed");
    Ok(())
}

/// A callback may commit the next group, and so on.
pub(super) fn a_callback_may_commit(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("h/chain")?;
    let version = rig.create(&key, make::birth())?.version();
    let (sender, receiver) = mpsc::channel();
    chain(rig.storage(), (key.clone(), version), 50, sender);
    let outcome = rig.receive(&receiver, "the chain broke")?;
    ensure_eq!(outcome, None, "what a unit in the chain became");
    ensure_eq!(rig.version(&key)?.revision, version.revision + 50, "commits in the chain");
    Ok(())
}

/// Commits and lets the callback commit on, `left` times; sends the first result that is not a commit, or `None`.
fn chain(
    storage: &Arc<dyn Storage>,
    (key, version): (StreamKey, Version),
    left: u32,
    end: mpsc::Sender<Option<UnitResult>>,
) {
    let again = Arc::clone(storage);
    let change = make::pin(&key, version, PinChange::Add(0));
    let done = move |mut results: Vec<UnitResult>| match results.pop() {
        Some(UnitResult::Committed(_)) if left > 1 => {
            chain(&again, (key, make::next(version)), left - 1, end);
        }
        Some(UnitResult::Committed(_)) => drop(end.send(None)),
        other => drop(end.send(other)),
    };
    storage.commit(vec![make::unit([change])], Timestamp(5), Box::new(done));
}

/// While a callback takes its time, streams can be loaded and read.
pub(super) fn nobody_waits_for_a_callback(rig: &mut Rig<'_>) -> Verdict {
    let (key, other) = (make::key("h/slow")?, make::key("h/other")?);
    rig.create(&other, make::birth())?;
    rig.append(&other, make::batch(1, &[100])?)?;
    let (entered, inside) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let done = move |_| {
        entered.send(()).ok();
        // Ends when the sender is dropped, however this check ends.
        left.recv().ok();
    };
    let group = vec![make::unit([make::creation(&key, make::birth())])];
    rig.storage().commit(group, Timestamp(5), Box::new(done));
    rig.receive(&inside, "a commit was not reported")?;
    ensure_eq!(rig.live(&key)?.tail, Tail::default(), "what was just committed");
    ensure_eq!(rig.content(&other)?, make::pattern(1, 100), "another stream");
    ensure_eq!(rig.space("h", 1_000)?.len(), 1, "entries of the space");
    ensure_eq!(rig.list("h/", None, 10)?.len(), 2, "streams");
    drop(leave);
    Ok(())
}

/// A group that was handed over before the handle was closed is finished; then everything is refused.
pub(super) fn a_closed_handle_refuses(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("h/closed")?;
    rig.create(&key, make::birth())?;
    let version = rig.version(&key)?;
    let (sender, receiver) = mpsc::channel();
    let done = move |results: Vec<UnitResult>| drop(sender.send(results));
    let unit = make::unit([make::append(&key, version, make::batch(1, &[9])?)]);
    rig.storage().commit(vec![unit], Timestamp(5), Box::new(done));
    rig.close()?;
    let in_flight = receiver.try_recv().unwrap_or_default();
    ensure!(
        matches!(in_flight.as_slice(), [UnitResult::Committed(_)]),
        "the group in flight was {in_flight:?} when the handle was closed"
    );
    rig.close()?;
    let unit = make::unit([make::append(&key, make::next(version), make::batch(2, &[9])?)]);
    let refused = rig.commit(vec![unit.clone(), unit])?;
    ensure_eq!(refused, vec![UnitResult::Refused(Refusal::Closed); 2], "commits");
    let answers = refusals(rig, &key)?;
    ensure_eq!(answers, vec![Some(StorageError::Closed); 6], "reads");
    rig.reopen()?;
    Ok(())
}

fn refusals(rig: &Rig<'_>, key: &StreamKey) -> Result<Vec<Option<StorageError>>, Failure> {
    let storage = rig.storage();
    let range = ReadRange { lineage: Lineage(1), from: 0, to: 9, budget: 9 };
    let (store, space, after) = (StoreId::DEFAULT, "h".to_owned(), SpaceSequence(0));
    let space = SpaceRead { store, space, after, budget: 9 };
    let list = ListQuery { store, prefix: String::new(), after: None, limit: 9 };
    Ok(vec![
        rig.wait(storage.load(key, None))?.err(),
        rig.wait(storage.confirm(&[]))?.err(),
        rig.wait(storage.read(range, Detail::Bytes))?.err(),
        rig.wait(storage.read_space(space))?.err(),
        rig.wait(storage.list(list))?.err(),
        rig.wait(storage.expiring(Timestamp(9), 9))?.err(),
    ])
}

/// Closing releases the data: it can be opened again while the old handle is still held.
pub(super) fn closing_releases_the_data(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("h/released")?;
    rig.create(&key, make::birth())?;
    for seed in 0..3 {
        let old = Arc::clone(rig.storage());
        rig.append(&key, make::batch(seed, &[4])?)?;
        rig.reopen()?;
        ensure_eq!(rig.live(&key)?.tail.sequence, seed + 1, "records found again");
        drop(old);
    }
    Ok(())
}

/// A second group can be handed over while the first is still being reported, and is reported after it.
pub(super) fn a_second_group_is_queued_behind_the_first(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("h/queue")?;
    let version = rig.create(&key, make::birth())?.version();
    let (reports, reported) = mpsc::channel();
    let (leave, left) = mpsc::channel::<()>();
    let mut left = Some(left);
    let (handed_over, returned) = mpsc::channel();
    let storage = Arc::clone(rig.storage());
    let mut groups = Vec::new();
    for (seed, basis) in [(0, version), (1, make::next(version))] {
        groups.push(vec![make::unit([make::append(&key, basis, make::batch(seed, &[4])?)])]);
    }
    // On a thread of its own, so that a handle that waits here makes this check fail instead of hang.
    let caller = std::thread::spawn(move || {
        for (group, number) in groups.into_iter().zip(0..) {
            let (reports, held) = (reports.clone(), left.take());
            let done = move |results: Vec<UnitResult>| {
                if let Some(held) = held {
                    held.recv().ok();
                }
                drop(reports.send((number, results)));
            };
            storage.commit(group, Timestamp(5), Box::new(done));
        }
        handed_over.send(()).ok();
    });
    let returned = rig.receive(&returned, "handing over waits");
    drop(leave);
    returned?;
    caller.join().map_err(|_| Failure::new("commit panicked"))?;
    for expected in 0..2 {
        let (number, results) = rig.receive(&reported, "a group was not reported")?;
        ensure_eq!(number, expected, "which group is reported");
        ensure!(matches!(results.as_slice(), [UnitResult::Committed(_)]), "{number}: {results:?}");
    }
    Ok(())
}
