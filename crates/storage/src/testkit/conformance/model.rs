//! A store as simple as it can be, to compare an adapter with: streams are vectors, and a unit is tried on a copy.
//!
//! It shares no code with the adapters, nor with core's rules of how a state advances.

use std::collections::{BTreeMap, BTreeSet};

use headwater_core::change::{Change, ProducerChange, Unit, Update};
use headwater_core::producer::ProducerState;
use headwater_core::storage::UnitResult;
use headwater_core::{Slot, StreamKey, Version};
use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::testkit::check::{Verdict, ensure, ensure_eq};
use crate::testkit::{Failure, Rig, make};

const STREAMS: u64 = 6;
const PRODUCERS: u64 = 3;

/// A stream. Creations are counted by `born`, because a lineage is not known before storage has given it.
#[derive(Clone, Debug, Default)]
struct Stream {
    born: u64,
    revision: u64,
    payload: Vec<u8>,
    lens: Vec<u64>,
    producers: BTreeMap<u64, ProducerState>,
}

/// The streams, and the order of their space: which creation appended which bytes.
#[derive(Clone, Debug, Default)]
struct Store {
    streams: BTreeMap<u64, Stream>,
    space: Vec<(u64, Vec<u8>)>,
    births: u64,
}

/// What has to become of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It commits, and is this creation if it is one.
    Commits(Option<u64>),
    /// It does not.
    Conflicts,
}

/// A random history, and what it has to lead to.
#[derive(Debug)]
pub(super) struct Model {
    rng: TestRng,
    store: Store,
    /// The lineage that storage gave to each creation.
    lineages: BTreeMap<u64, u64>,
    reached: BTreeMap<&'static str, u64>,
}

impl Model {
    /// The same seed gives the same history.
    pub(super) fn new(seed: u8) -> Self {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        let (store, lineages, reached) = (Store::default(), BTreeMap::new(), BTreeMap::new());
        Self { rng, store, lineages, reached }
    }

    /// The next group, and the fate of each of its units. The model takes them for committed.
    pub(super) fn group(&mut self) -> Result<(Vec<Unit>, Vec<Fate>), Failure> {
        let (mut units, mut fates) = (Vec::new(), Vec::new());
        let mut fallen = BTreeSet::new();
        for _ in 0..self.rng.random_range(1..=6) {
            let mut tried = self.store.clone();
            let (unit, stale) = self.unit(&mut tried)?;
            let touched: BTreeSet<_> = unit.changes.iter().map(|c| c.key.clone()).collect();
            units.push(unit);
            fates.push(if stale || !touched.is_disjoint(&fallen) {
                fallen.extend(touched);
                self.count("conflict");
                Fate::Conflicts
            } else {
                self.count("commit");
                let born = (tried.births > self.store.births).then_some(tried.births);
                self.store = tried;
                Fate::Commits(born)
            });
        }
        Ok((units, fates))
    }

    /// A unit of one to three changes, applied to `tried`, and whether one of them is based on what is not there.
    fn unit(&mut self, tried: &mut Store) -> Result<(Unit, bool), Failure> {
        let (mut unit, mut stale) = (make::unit([]), false);
        let (first, count) = (self.rng.random_range(0..STREAMS), self.rng.random_range(1..=3));
        for name in (first..first + count).map(|name| name % STREAMS) {
            let created = unit.changes.iter().any(|change| change.basis == Version::ABSENT);
            let change = match tried.streams.get(&name) {
                None if created => continue,
                None => tried.create(name),
                Some(stream) => match self.lineages.get(&stream.born) {
                    // Created in this very group: nobody can name its version yet.
                    None => continue,
                    Some(lineage) => {
                        let basis = Version { lineage: *lineage, revision: stream.revision };
                        self.change(tried, name, basis)
                    }
                },
            };
            let mut change = change?;
            if self.rng.random_ratio(1, 12) {
                stale = true;
                change.basis.revision += 1;
            }
            unit.changes.push(change);
        }
        Ok((unit, stale))
    }

    fn change(&mut self, tried: &mut Store, name: u64, basis: Version) -> Result<Change, Failure> {
        let key = key(name)?;
        if self.rng.random_ratio(1, 15) {
            self.count("removal");
            tried.remove(name);
            return Ok(make::removal(&key, basis));
        }
        let sizes = [0, 1, 90, 5_000, 40_000];
        let lens = (0..self.rng.random_range(1..=4))
            .map(|_| sizes.get(self.rng.random_range(0..sizes.len())).copied().unwrap_or(0))
            .collect::<Vec<_>>();
        let batch = make::batch(self.rng.random(), &lens)?;
        let producer = if self.rng.random_ratio(1, 3) {
            let (id, row) =
                (self.rng.random_range(0..PRODUCERS), make::row(0, self.rng.random_range(0..99))?);
            Some((id, row))
        } else {
            None
        };
        let known = tried.append(name, batch.payload(), &lens, producer);
        let producer = match producer {
            None => None,
            Some((id, row)) if known => Some(ProducerChange::Advance(id_of(id)?, row)),
            Some((id, row)) => Some(ProducerChange::Introduce(id_of(id)?, row)),
        };
        Ok(make::update(&key, basis, Update { batch: Some(batch), producer, ..Update::default() }))
    }

    /// Takes note of the numbers that storage gave.
    pub(super) fn learn(&mut self, results: &[UnitResult], fates: &[Fate]) -> Verdict {
        for (result, fate) in results.iter().zip(fates) {
            match (result, fate) {
                (UnitResult::Committed(stamp), Fate::Commits(born)) => {
                    self.lineages.extend(born.map(|born| (born, stamp.unit.0)));
                }
                (UnitResult::Conflict, Fate::Conflicts) => {}
                _ => return Err(Failure::new(format!("a unit became {result:?}, not {fate:?}"))),
            }
        }
        Ok(())
    }

    /// Compares all that can be read.
    pub(super) fn compare(&self, rig: &Rig<'_>) -> Verdict {
        for name in 0..STREAMS {
            let key = key(name)?;
            match self.store.streams.get(&name) {
                None => ensure_eq!(rig.slot(&key)?, Slot::Absent, "{key}"),
                Some(stream) => self.compare_stream(rig, &key, stream)?,
            }
        }
        let listed: Vec<_> = rig.list("m/", None, 100)?.into_iter().map(|l| l.key).collect();
        let expected: Result<Vec<_>, _> =
            self.store.streams.keys().map(|name| key(*name)).collect();
        ensure_eq!(listed, expected?, "streams");
        let entries = rig.space("m", 100_000)?;
        ensure_eq!(entries.len(), self.store.space.len(), "entries of the space");
        for (entry, (born, bytes)) in entries.iter().zip(&self.store.space) {
            let lineage = rig.version(&entry.key)?.lineage;
            ensure_eq!(self.lineages.get(born), Some(&lineage), "whose entry {:?} is", entry.meta);
            ensure!(entry.payload == *bytes, "the bytes of {:?} differ", entry.meta);
        }
        Ok(())
    }

    fn compare_stream(&self, rig: &Rig<'_>, key: &StreamKey, stream: &Stream) -> Verdict {
        let lineage = self.lineages.get(&stream.born).copied().unwrap_or(0);
        ensure_eq!(
            rig.version(key)?,
            Version { lineage, revision: stream.revision },
            "version of {key}"
        );
        ensure!(rig.content(key)? == stream.payload, "the bytes of {key} differ");
        let lens: Vec<u64> = rig.rows(key)?.iter().map(|row| row.len).collect();
        ensure_eq!(lens, stream.lens, "records of {key}");
        for id in 0..PRODUCERS {
            let row = rig.load(key, Some(&id_of(id)?))?.producer;
            ensure_eq!(row, stream.producers.get(&id).copied(), "producer {id} of {key}");
        }
        Ok(())
    }

    fn count(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    /// That the history was worth its name.
    pub(super) fn reached(&self) -> Verdict {
        for (what, least) in [("commit", 300), ("conflict", 50), ("removal", 20)] {
            let times = self.reached.get(what).copied().unwrap_or(0);
            ensure!(times >= least, "the history has {times} times a {what}, not {least}");
        }
        Ok(())
    }
}

impl Store {
    fn create(&mut self, name: u64) -> Result<Change, Failure> {
        self.births += 1;
        let stream = Stream { born: self.births, revision: 1, ..Stream::default() };
        self.streams.insert(name, stream);
        Ok(make::creation(&key(name)?, make::birth()))
    }

    fn remove(&mut self, name: u64) {
        if let Some(stream) = self.streams.remove(&name) {
            self.space.retain(|(born, _)| *born != stream.born);
        }
    }

    /// Appends, and returns whether the producer was known before.
    fn append(
        &mut self,
        name: u64,
        payload: &[u8],
        lens: &[usize],
        producer: Option<(u64, ProducerState)>,
    ) -> bool {
        let Some(stream) = self.streams.get_mut(&name) else { return false };
        stream.revision += 1;
        stream.payload.extend(payload);
        let mut rest = payload;
        for len in lens {
            stream.lens.push(*len as u64);
            let (record, after) = rest.split_at_checked(*len).unwrap_or((rest, &[]));
            self.space.push((stream.born, record.to_vec()));
            rest = after;
        }
        producer.is_some_and(|(id, row)| stream.producers.insert(id, row).is_some())
    }
}

fn key(name: u64) -> Result<StreamKey, Failure> {
    make::key(&format!("m/{name}"))
}

fn id_of(id: u64) -> Result<headwater_core::ProducerId, Failure> {
    make::producer(&format!("writer-{id}"))
}
