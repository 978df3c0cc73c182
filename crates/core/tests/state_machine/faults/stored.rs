//! Stores that keep something else than was decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::change::PinChange::{Add, Drop};
use headwater_core::change::{Birth, Change, Effect, ProducerChange, Unit, Update};
use headwater_core::producer::ProducerState;
use headwater_core::retention::ChosenBy;
use headwater_core::{Batch, BatchRecord, ProducerNumber, StreamKey, Tail, Timestamp};

use super::Planted;
use crate::namespace::Fault;

pub(super) const FAULTS: &[Planted] = &[
    ("drops producer state", || in_updates(|update| update.producer = None)),
    ("ignores the epoch", || in_updates(ignore_epoch)),
    ("keeps the producer's row, not its data", || in_updates(|update| update.batch = None)),
    ("forgets the pin of a fork", || in_updates(|update| update.pin = None)),
    ("pins a byte too little", || in_updates(pin_less)),
    ("forgets to close", || in_updates(|update| update.closed = None)),
    ("forgets who closed", || in_updates(forget_closer)),
    ("forgets Stream-Seq", || in_updates(|update| update.stream_seq = None)),
    ("forgets a truncation", || in_updates(|update| update.floor = None)),
    ("gives up a record too many", || in_updates(one_more)),
    ("forgets what a policy gave up", || by_policy(|update| update.floor = None)),
    ("gives up a record too many by a policy", || by_policy(one_more)),
    ("takes what a policy does for a use", || by_policy(|update| update.used_at = Some(SOON))),
    ("forgets since when there are records", || in_updates(|update| update.oldest = None)),
    ("keeps no policy", || in_births(|birth| birth.policy = None)),
    ("forgets who chose a policy", || in_births(chosen_by_nobody)),
    ("forgets what a source gave up", || in_births(|birth| birth.floor = Tail::default())),
    ("forgets a use", || in_updates(|update| update.used_at = None)),
    ("takes a use from the future", || in_updates(use_later)),
    ("joins the records of a batch", || in_updates(join_records)),
    ("applies half a unit", || in_units(|unit, _| unit.changes.truncate(1))),
    ("applies the other half", || in_units(|unit, _| drop_first(unit))),
    ("reuses the lineage of a deleted stream", reuse_lineage),
    ("removes instead of soft-deleting", || swap_effects(Effect::SoftDelete, Effect::Remove)),
    ("soft-deletes instead of removing", || swap_effects(Effect::Remove, Effect::SoftDelete)),
    ("forgets what a fork was asked for", || in_births(forget_request)),
    ("counts the records of a fork from one", || in_births(|birth| birth.base.sequence = 0)),
    ("lets a fork take no old tokens", || in_births(forget_empty_ranges)),
];

struct InUnits<F>(F);

impl<F: FnMut(&mut Unit, &mut u64)> Fault for InUnits<F> {
    fn unit(&mut self, unit: &mut Unit, number: &mut u64) {
        (self.0)(unit, number);
    }
}

fn in_units(fault: impl FnMut(&mut Unit, &mut u64) + 'static) -> Box<dyn Fault> {
    Box::new(InUnits(fault))
}

fn in_changes(fault: impl Fn(&mut Change) + 'static) -> Box<dyn Fault> {
    in_units(move |unit, _| unit.changes.iter_mut().for_each(&fault))
}

fn in_updates(fault: impl Fn(&mut Update) + 'static) -> Box<dyn Fault> {
    in_changes(move |change| {
        if let Effect::Update(update) = &mut change.effect {
            fault(update);
        }
    })
}

/// A time after all others.
const SOON: Timestamp = Timestamp(1 << 40);

/// In what was decided because of a policy, which is no use of a stream.
fn by_policy(fault: impl Fn(&mut Update) + 'static) -> Box<dyn Fault> {
    in_updates(move |update| {
        if update.floor.is_some() && update.used_at.is_none() {
            fault(update);
        }
    })
}

fn chosen_by_nobody(birth: &mut Birth) {
    if let Some(policy) = &mut birth.policy {
        policy.by = ChosenBy::Surroundings;
    }
}

fn in_births(fault: impl Fn(&mut Birth) + 'static) -> Box<dyn Fault> {
    in_changes(move |change| {
        if let Effect::Create(birth) = &mut change.effect {
            fault(birth);
        }
    })
}

fn swap_effects(from: Effect, to: Effect) -> Box<dyn Fault> {
    in_changes(move |change| {
        if change.effect == from {
            change.effect = to.clone();
        }
    })
}

fn one_more(update: &mut Update) {
    if let Some(floor) = &mut update.floor {
        floor.sequence += 1;
    }
}

fn ignore_epoch(update: &mut Update) {
    if let Some(ProducerChange::Introduce(_, row) | ProducerChange::Advance(_, row)) =
        &mut update.producer
    {
        *row = ProducerState { epoch: ProducerNumber::ZERO, ..*row };
    }
}

fn pin_less(update: &mut Update) {
    update.pin = update.pin.map(|pin| match pin {
        Add(at) => Add(at.saturating_sub(1)),
        Drop(at) => Drop(at.saturating_sub(1)),
    });
}

fn forget_closer(update: &mut Update) {
    if let Some(closed) = &mut update.closed {
        Arc::make_mut(closed).by = None;
    }
}

fn use_later(update: &mut Update) {
    update.used_at = update.used_at.map(|at| Timestamp(at.0 + 1));
}

fn join_records(update: &mut Update) {
    if let Some(batch) = &update.batch {
        let payload: Bytes = batch.payload().clone();
        let records = [BatchRecord::plain(payload.len() as u64)];
        update.batch = Some(Batch::new(payload, records.into()).unwrap());
    }
}

fn drop_first(unit: &mut Unit) {
    if unit.changes.len() > 1 {
        unit.changes.remove(0);
    }
}

/// A stream that is created under a name that was used before gets the lineage of the first one there.
fn reuse_lineage() -> Box<dyn Fault> {
    let mut first: BTreeMap<StreamKey, u64> = BTreeMap::new();
    in_units(move |unit, number| {
        for change in &unit.changes {
            if let Effect::Create(_) = change.effect {
                *number = *first.entry(change.key.clone()).or_insert(*number);
            }
        }
    })
}

fn forget_request(birth: &mut Birth) {
    if let Some(origin) = &mut birth.origin {
        Arc::make_mut(origin).requested_expiry = birth.expiry;
    }
}

fn forget_empty_ranges(birth: &mut Birth) {
    let inherited = birth.inherited.iter().copied();
    birth.inherited = inherited.filter(|range| range.from < range.to).collect();
}
