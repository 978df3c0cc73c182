//! A history with everything that merging must not lose and may not keep.

use headwater_core::change::{Birth, Change, Effect, PinChange, ProducerChange, Update};
use headwater_core::{Batch, Expiry, Slot, StreamKey, StreamState, Tail, Timestamp};

use super::rig::Rig;
use crate::testkit::make;

/// A chain of pseudo-random numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most.max(1)
    }
}

/// What is done with one stream in one commit, by chance.
pub(super) struct Story {
    pub(super) dice: Dice,
    /// Streams that there may be.
    pub(super) streams: u64,
    /// The longest record is about so long; once in a while there is one that fills more than a block.
    pub(super) record: u64,
    forks: u64,
    /// Forks, with the stream and the position they were made at.
    forked: Vec<(StreamKey, StreamKey, u64)>,
}

impl Story {
    pub(super) fn new(seed: u64, streams: u64, record: u64) -> Self {
        Self { dice: Dice(seed | 1), streams, record, forks: 0, forked: Vec::new() }
    }

    /// So many commits.
    pub(super) fn commits(&mut self, rig: &mut Rig, count: usize) {
        for _ in 0..count {
            self.commit(rig);
        }
    }

    fn commit(&mut self, rig: &mut Rig) {
        let space = ["", "a/", "b/"][self.dice.below(3) as usize];
        let key = make::key(&format!("{space}{}", self.dice.below(self.streams))).unwrap();
        match rig.slot(&key) {
            Slot::Absent => {
                let mut birth = Birth { batch: Some(self.batch()), ..make::birth() };
                if self.dice.below(4) == 0 {
                    birth.expiry = Expiry::At(Timestamp(1 << 40));
                }
                rig.commit([make::creation(&key, birth)]);
            }
            Slot::SoftDeleted(_) => self.let_go(rig),
            Slot::Live(state) => match self.dice.below(14) {
                0 if state.forks == 0 => {
                    rig.commit([make::removal(&key, state.version())]);
                }
                0 | 1 if state.forks > 0 => {
                    rig.commit([make::soft_deletion(&key, state.version())]);
                }
                2 => self.fork(rig, &key, &state),
                3 => self.produce(rig, &key, &state),
                4 => self.let_go(rig),
                5 | 6 => self.truncate(rig, &key, &state),
                _ => {
                    rig.commit([make::append(&key, state.version(), self.batch())]);
                }
            },
        }
    }

    fn batch(&mut self) -> Batch {
        let seed = self.dice.below(u64::MAX);
        match self.dice.below(40) {
            0 => make::batch(seed, &[70_000 + self.dice.below(80_000) as usize]).unwrap(),
            1 => make::batch(seed, &[0; 3]).unwrap(),
            2 => {
                let len = self.dice.below(self.record) as usize;
                make::tagged(make::pattern(seed, len), "kind", "x").unwrap()
            }
            _ => {
                let count = 1 + self.dice.below(4);
                let lens: Vec<usize> =
                    (0..count).map(|_| self.dice.below(self.record) as usize).collect();
                make::batch(seed, &lens).unwrap()
            }
        }
    }

    /// Gives up some of the records that a stream appended, or all.
    fn truncate(&mut self, rig: &mut Rig, key: &StreamKey, state: &StreamState) {
        let floor = match self.dice.below(4) {
            0 => state.tail,
            _ => {
                let records = rig.records(state);
                match records.get(self.dice.below(records.len() as u64) as usize) {
                    Some(record) => Tail { position: record.end(), sequence: record.sequence },
                    None => return,
                }
            }
        };
        let update = Update { floor: Some(floor), ..Update::default() };
        rig.commit([make::update(key, state.version(), update)]);
    }

    fn produce(&mut self, rig: &mut Rig, key: &StreamKey, state: &StreamState) {
        let id = make::producer(&format!("p{}", self.dice.below(3))).unwrap();
        let known = rig.view.load(key, Some(&id)).unwrap().producer;
        let change = match known {
            None => ProducerChange::Introduce(id, make::row(1, 1).unwrap()),
            Some(known) => ProducerChange::Advance(id, make::row(1, known.seq.get() + 1).unwrap()),
        };
        let update = make::produced(self.batch(), change);
        rig.commit([make::update(key, state.version(), update)]);
    }

    /// Forks a stream at its tail.
    fn fork(&mut self, rig: &mut Rig, key: &StreamKey, state: &StreamState) {
        self.forks += 1;
        let space =
            if key.space().is_empty() { String::new() } else { format!("{}/", key.space()) };
        let name = make::key(&format!("{space}fork-{}", self.forks)).unwrap();
        let at = state.tail;
        let update = Update { pin: Some(PinChange::Add(at.position)), ..Update::default() };
        rig.commit([
            make::creation(&name, Birth { floor: state.floor, ..make::fork_birth(key, state, at) }),
            make::update(key, state.version(), update),
        ]);
        self.forked.push((name, key.clone(), at.position));
    }

    /// Removes a fork that nobody forked, and what was only kept for it.
    fn let_go(&mut self, rig: &mut Rig) {
        if self.forked.is_empty() {
            return;
        }
        let at = self.dice.below(self.forked.len() as u64) as usize;
        let (name, source, position) = self.forked[at].clone();
        let Slot::Live(state) = rig.slot(&name) else { return };
        if state.forks > 0 {
            return;
        }
        self.forked.swap_remove(at);
        let slot = rig.slot(&source);
        let kept = slot.state().unwrap();
        let ends = matches!(slot, Slot::SoftDeleted(_)) && kept.forks == 1;
        // A source that is kept for forks of its own goes with the last of them; here it stays where it is a fork itself.
        let last: Change = if ends && kept.origin.is_none() {
            Change { key: source.clone(), basis: slot.version(), effect: Effect::Remove }
        } else {
            make::pin(&source, slot.version(), PinChange::Drop(position))
        };
        rig.commit([make::removal(&name, state.version()), last]);
    }
}
