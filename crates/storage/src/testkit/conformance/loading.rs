//! Load: the state of a stream is exactly what its commits make of it, and producers have a row each.

use std::sync::Arc;

use headwater_core::change::{Birth, Closed, PinChange, ProducerChange, Update};
use headwater_core::state::Origin;
use headwater_core::{
    ContentType, Expiry, Lineage, ProducerTuple, Slot, StreamSeq, StreamState, Tail, Timestamp,
};

use crate::testkit::check::{Verdict, ensure_eq};
use crate::testkit::{Failure, Rig, make};

/// Every field of a new stream, in all its variants, is found again.
pub(super) fn a_birth_is_kept_in_full(rig: &mut Rig<'_>) -> Verdict {
    let mut expected = Vec::new();
    for (birth, number) in births(rig)?.into_iter().zip(0..) {
        let key = make::key(&format!("l/birth/{number}"))?;
        let stamp = rig.unit([make::creation(&key, birth.clone())])?;
        let lineage = headwater_core::Lineage(stamp.unit.0);
        expected.push((key, Slot::Live(Arc::new(StreamState::born(&birth, lineage)))));
    }
    for _ in 0..2 {
        for (key, slot) in &expected {
            ensure_eq!(rig.slot(key)?, *slot, "what stands under {key}");
        }
        rig.reopen()?;
    }
    Ok(())
}

fn births(rig: &Rig<'_>) -> Result<Vec<Birth>, Failure> {
    let source = make::key("l/source-ü")?;
    let state = rig.create(&source, make::birth())?;
    rig.append(&source, make::batch(9, &[40])?)?;
    let typed = ContentType::parse("text/plain; charset=\"utf-8\"");
    let typed = typed.map_err(|error| Failure::new(error.to_string()))?;
    let tuple = ProducerTuple {
        id: make::producer("schließer")?,
        epoch: make::row(3, 0)?.epoch,
        seq: make::row(0, (1 << 53) - 1)?.seq,
    };
    let base = Tail { position: 30, sequence: 1 };
    let forked = make::fork_birth(&source, &state, base);
    let origin = forked.origin.as_deref().map(|origin| {
        let requested_expiry = Expiry::At(Timestamp(77));
        Arc::new(Origin { anchor: 25, sub_offset: 5, requested_expiry, ..origin.clone() })
    });
    let floor = Tail { position: 10, sequence: 0 };
    Ok(vec![
        make::birth(),
        Birth { content_type: typed, expiry: Expiry::Ttl(0), ..make::birth() },
        Birth { expiry: Expiry::Ttl(u64::MAX), at: Timestamp(u64::MAX), ..make::birth() },
        Birth { expiry: Expiry::At(Timestamp(0)), at: Timestamp(0), ..make::birth() },
        Birth { batch: Some(make::batch(1, &[0, 10])?), ..make::birth() },
        Birth { closed: Some(Arc::new(Closed { by: None })), ..make::birth() },
        Birth { closed: Some(Arc::new(Closed { by: Some(tuple) })), ..make::birth() },
        Birth { origin, floor, batch: Some(make::batch(2, &[6])?), ..forked },
    ])
}

/// After each kind of update the stream is in the state that core's rules give.
pub(super) fn updates_are_kept_in_full(rig: &mut Rig<'_>) -> Verdict {
    let key = make::key("l/updates")?;
    let birth = Birth { expiry: Expiry::Ttl(60), ..make::birth() };
    let mut state = StreamState::clone(&*rig.create(&key, birth)?);
    for update in updates()? {
        state.advance(&update, Lineage(0));
        rig.update(&key, update.clone())?;
        ensure_eq!(rig.slot(&key)?, Slot::Live(Arc::new(state.clone())), "after {update:?}");
        rig.reopen()?;
        ensure_eq!(
            rig.slot(&key)?,
            Slot::Live(Arc::new(state.clone())),
            "reopened after {update:?}"
        );
    }
    Ok(())
}

fn updates() -> Result<Vec<Update>, Failure> {
    let seq = |bytes: &[u8]| StreamSeq::new(bytes).map_err(|error| Failure::new(error.to_string()));
    let (one, two) = (make::producer("one")?, make::producer("two")?);
    let tuple =
        ProducerTuple { id: two.clone(), epoch: make::row(1, 0)?.epoch, seq: make::row(0, 4)?.seq };
    Ok(vec![
        Update {
            batch: Some(make::batch(1, &[3, 3])?),
            used_at: Some(Timestamp(50)),
            ..Update::default()
        },
        // A use that is older than the last one changes nothing but the revision.
        Update { used_at: Some(Timestamp(40)), ..Update::default() },
        Update { stream_seq: Some(seq(&[0, 255])?), ..Update::default() },
        Update { stream_seq: Some(seq(&[255; 256])?), ..Update::default() },
        Update { pin: Some(PinChange::Add(3)), ..Update::default() },
        Update {
            producer: Some(ProducerChange::Introduce(one.clone(), make::row(0, 0)?)),
            ..Update::default()
        },
        Update {
            producer: Some(ProducerChange::Advance(one, make::row(7, 0)?)),
            ..Update::default()
        },
        Update { pin: Some(PinChange::Drop(3)), ..Update::default() },
        Update {
            batch: Some(make::batch(2, &[0])?),
            producer: Some(ProducerChange::Introduce(two, make::row(1, 4)?)),
            closed: Some(Arc::new(Closed { by: Some(tuple) })),
            used_at: Some(Timestamp(9_999)),
            ..Update::default()
        },
    ])
}

/// Each producer of each stream has a row of its own, at the same version as the stream.
pub(super) fn producers_have_a_row_each(rig: &mut Rig<'_>) -> Verdict {
    let keys = [make::key("l/p")?, make::key("l/q")?, make::key("l/p/q")?];
    let ids = ["a", "b", "ab", "a/b", "ü", "\u{0}", &"x".repeat(256)];
    let ids = ids.iter().map(|id| make::producer(id)).collect::<Result<Vec<_>, _>>()?;
    for key in &keys {
        rig.create(key, make::birth())?;
    }
    let number =
        |key: usize, id: usize, advance: u64| make::row(id as u64, (key as u64) * 10 + advance);
    for advance in 0..2 {
        for (k, key) in keys.iter().enumerate() {
            for (i, id) in ids.iter().enumerate() {
                let row = number(k, i, advance)?;
                let change = match advance {
                    0 => ProducerChange::Introduce(id.clone(), row),
                    _ => ProducerChange::Advance(id.clone(), row),
                };
                rig.update(key, make::produced(make::batch(1, &[1])?, change))?;
            }
        }
        for round in ["at once", "reopened"] {
            for (k, key) in keys.iter().enumerate() {
                for (i, id) in ids.iter().enumerate() {
                    let loaded = rig.load(key, Some(id))?;
                    ensure_eq!(
                        loaded.producer,
                        Some(number(k, i, advance)?),
                        "{round}: {id} of {key}"
                    );
                    let tail = loaded.slot.state().map(|state| state.tail.sequence);
                    ensure_eq!(
                        tail,
                        Some(ids.len() as u64 * (advance + 1)),
                        "{round}: records of {key}"
                    );
                }
                let stranger = rig.load(key, Some(&make::producer("nobody")?))?;
                ensure_eq!(stranger.producer, None, "{round}: a stranger's row");
                ensure_eq!(rig.load(key, None)?.producer, None, "{round}: nobody's row");
            }
            rig.reopen()?;
        }
    }
    Ok(())
}

/// A change of a producer and of the data of its stream are never apart, nor the latter without the former.
pub(super) fn a_row_commits_with_its_data(rig: &mut Rig<'_>) -> Verdict {
    let (key, id) = (make::key("l/exactly-once")?, make::producer("writer")?);
    rig.create(&key, make::birth())?;
    for seq in 0..20 {
        let row = make::row(0, seq)?;
        let change = if seq == 0 {
            ProducerChange::Introduce(id.clone(), row)
        } else {
            ProducerChange::Advance(id.clone(), row)
        };
        let stale = rig.version(&key)?;
        rig.unit([make::update(&key, stale, make::produced(make::batch(seq, &[5])?, change))])?;
        // The retry of a writer that did not hear the answer: decided on what was there before.
        let retry = ProducerChange::Advance(id.clone(), make::row(0, seq + 1)?);
        let retry = make::update(&key, stale, make::produced(make::batch(seq, &[5])?, retry));
        let result = rig.try_unit(make::unit([retry]))?;
        ensure_eq!(
            result,
            headwater_core::storage::UnitResult::Conflict,
            "a retry on an old version"
        );
        if seq % 5 == 0 {
            rig.reopen()?;
        }
        let loaded = rig.load(&key, Some(&id))?;
        ensure_eq!(loaded.producer, Some(row), "the row");
        let records = loaded.slot.state().map(|state| state.tail.sequence);
        ensure_eq!(records, Some(seq + 1), "records");
    }
    Ok(())
}
