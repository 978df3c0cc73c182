//! What is committed and not packed yet, kept in memory.
//!
//! Groups are in the database as they were committed, which no reader could use. Until they are packed into rows, what they
//! say is found here. It is bounded: packing begins when it grows, and when nothing happens for a while. A stream about
//! which nothing is recent takes no memory at all.
//!
//! Who reads looks here first and into the database second. What is here wins. Something leaves here only when the rows that
//! take its place are in the database, so a reader that looked here first misses nothing.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use headwater_core::change::{Change, Effect, PinChange};
use headwater_core::producer::ProducerState;
use headwater_core::{Batch, Lineage, ProducerId, Slot, StoreId, StreamKey, Tail};

use super::quick::QuickMap;
use super::run::Head;
use super::stored::Place;

/// What an entry for a stream is taken to weigh: its state, its key, and their places in three maps.
const STREAM_WEIGHT: usize = 700;

/// What a run is taken to weigh beside its bytes and metadata.
const RUN_WEIGHT: usize = 160;

/// What a producer's row is taken to weigh.
const PRODUCER_WEIGHT: usize = 150;

/// A space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpaceName {
    pub(crate) store: StoreId,
    pub(crate) space: Arc<str>,
}

impl SpaceName {
    /// The space of a stream.
    pub(crate) fn of(key: &StreamKey) -> Self {
        Self { store: key.store(), space: key.space().into() }
    }
}

/// What names a space, so that one is found by the key of a stream, without a name of its own for each append.
pub(crate) trait NamesSpace {
    fn names(&self) -> (StoreId, &str);
}

impl NamesSpace for SpaceName {
    fn names(&self) -> (StoreId, &str) {
        (self.store, &self.space)
    }
}

impl NamesSpace for StreamKey {
    fn names(&self) -> (StoreId, &str) {
        (self.store(), self.space())
    }
}

impl PartialEq for dyn NamesSpace + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names()
    }
}

impl Eq for dyn NamesSpace + '_ {}

impl Hash for dyn NamesSpace + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names().hash(state);
    }
}

impl Hash for SpaceName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As what it is found by.
        self.names().hash(state);
    }
}

impl<'a> Borrow<dyn NamesSpace + 'a> for SpaceName {
    fn borrow(&self) -> &(dyn NamesSpace + 'a) {
        self
    }
}

/// Records as they were committed.
#[derive(Debug)]
pub(crate) struct RecentRun {
    pub(crate) head: Head,
    pub(crate) key: StreamKey,
    /// The group that committed them.
    pub(crate) group: u64,
    pub(crate) batch: Batch,
}

impl RecentRun {
    /// The head of what follows it.
    pub(crate) fn end(&self) -> Head {
        self.head.after(self.batch.records())
    }

    fn weight(&self) -> usize {
        let records = self.batch.records();
        let metadata = records.iter().filter_map(|record| record.metadata.as_ref());
        let metadata = metadata.flat_map(|map| map.iter()).map(|(k, v)| k.len() + v.len() + 64);
        RUN_WEIGHT + self.batch.payload().len() + records.len() * 16 + metadata.sum::<usize>()
    }
}

/// What is recent about a lineage.
#[derive(Debug)]
pub(crate) struct RecentStream {
    pub(crate) key: StreamKey,
    /// The tail before its first record, where the database does not know the lineage yet.
    pub(crate) unlisted: Option<Tail>,
    /// Set when it was removed: nothing of it is there any more.
    pub(crate) removed: bool,
    pub(crate) runs: Vec<Arc<RecentRun>>,
    pub(crate) producers: HashMap<ProducerId, ProducerState>,
    /// By position: how many forks more, or fewer.
    pub(crate) pins: BTreeMap<u64, i64>,
    weight: usize,
}

/// What is recent about a space.
#[derive(Debug, Default)]
pub(crate) struct RecentSpace {
    pub(crate) runs: Vec<Arc<RecentRun>>,
}

/// What is committed and not packed yet.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    slots: BTreeMap<StreamKey, Slot>,
    streams: QuickMap<Lineage, RecentStream>,
    spaces: QuickMap<SpaceName, RecentSpace>,
    weight: usize,
}

/// A change that was committed, and what it did.
#[derive(Debug)]
pub(crate) struct Committed<'a> {
    pub(crate) group: u64,
    pub(crate) unit: u64,
    pub(crate) at: u64,
    pub(crate) change: &'a Change,
    pub(crate) after: &'a Slot,
    /// The place of its first record.
    pub(crate) first: Option<Place>,
}

/// The lineage that a change of a unit concerns: the one it creates, or the one it was decided on.
pub(crate) fn lineage_of(change: &Change, unit: u64) -> Lineage {
    match change.effect {
        Effect::Create(_) => Lineage(unit),
        _ => Lineage(change.basis.lineage),
    }
}

impl Committed<'_> {
    /// Whose rows it concerns.
    pub(crate) fn lineage(&self) -> Lineage {
        lineage_of(self.change, self.unit)
    }

    /// The records it appended.
    pub(crate) fn run(&self) -> Option<RecentRun> {
        let (batch, place) = (self.change.batch()?.clone(), self.first?);
        let head = Head {
            lineage: self.lineage(),
            sequence: place.sequence,
            position: place.position,
            space: place.space,
            unit: self.unit,
            at: self.at,
        };
        Some(RecentRun { head, key: self.change.key.clone(), group: self.group, batch })
    }
}

impl Recent {
    /// Takes a change in that was just committed.
    pub(crate) fn publish(&mut self, committed: &Committed<'_>) {
        self.enter(committed);
        if let Some(run) = committed.run() {
            let run = Arc::new(run);
            self.enter_payload(&run);
            self.enter_order(run);
        }
    }

    /// Takes in what a change does to its stream, save its records.
    pub(crate) fn enter(&mut self, committed: &Committed<'_>) {
        let key = &committed.change.key;
        let unlisted = match &committed.change.effect {
            Effect::Create(birth) => Some(birth.base),
            _ => None,
        };
        let mut added = 0;
        let stream = self.streams.entry(committed.lineage()).or_insert_with(|| {
            added += STREAM_WEIGHT;
            RecentStream::new(key.clone(), unlisted)
        });
        added += stream.change(&committed.change.effect);
        stream.weight += added;
        self.weight += added;
        match self.slots.get_mut(key) {
            Some(slot) => *slot = committed.after.clone(),
            None => drop(self.slots.insert(key.clone(), committed.after.clone())),
        }
    }

    /// Takes in records of a stream that was entered.
    pub(crate) fn enter_payload(&mut self, run: &Arc<RecentRun>) {
        if let Some(stream) =
            self.streams.get_mut(&run.head.lineage).filter(|stream| !stream.removed)
        {
            stream.runs.push(Arc::clone(run));
        }
    }

    /// Takes in records of a space. What they weigh counts here, because here they are forgotten last.
    pub(crate) fn enter_order(&mut self, run: Arc<RecentRun>) {
        self.weight += run.weight();
        match self.spaces.get_mut(&run.key as &dyn NamesSpace) {
            Some(space) => space.runs.push(run),
            None => {
                let space = RecentSpace { runs: vec![Arc::clone(&run)] };
                self.spaces.insert(SpaceName::of(&run.key), space);
            }
        }
    }

    /// Bytes of memory it takes, about.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// What stands under a key, if that changed recently.
    pub(crate) fn slot(&self, key: &StreamKey) -> Option<&Slot> {
        self.slots.get(key)
    }

    /// The slots that changed recently, in the order of their keys.
    pub(crate) fn slots(&self) -> &BTreeMap<StreamKey, Slot> {
        &self.slots
    }

    /// What is recent about a lineage.
    pub(crate) fn stream(&self, lineage: Lineage) -> Option<&RecentStream> {
        self.streams.get(&lineage)
    }

    /// What is recent about a space.
    pub(crate) fn space(&self, name: &SpaceName) -> Option<&RecentSpace> {
        self.spaces.get(name)
    }

    /// All lineages that changed, oldest first.
    pub(crate) fn lineages(&self) -> Vec<Lineage> {
        let mut lineages: Vec<_> = self.streams.keys().copied().collect();
        lineages.sort_unstable();
        lineages
    }

    /// The largest number that was given in any space; 0 where none was.
    #[cfg(feature = "journal")]
    pub(crate) fn last_space_sequence(&self) -> u64 {
        let last = |space: &RecentSpace| space.runs.last().map(|run| run.end().space - 1);
        self.spaces.values().filter_map(last).max().unwrap_or_default()
    }

    /// All spaces with records.
    pub(crate) fn spaces(&self) -> Vec<SpaceName> {
        self.spaces.keys().cloned().collect()
    }

    /// Forgets the first runs of a lineage, which are packed; from now on the database knows it.
    pub(crate) fn forget_runs(&mut self, lineage: Lineage, count: usize) {
        if let Some(stream) = self.streams.get_mut(&lineage) {
            stream.unlisted = None;
            stream.runs.drain(..count.min(stream.runs.len()));
        }
    }

    /// Forgets producers of a lineage that the database knows, whose rows are packed. They weigh on until the stream is forgotten.
    pub(crate) fn forget_producers(&mut self, lineage: Lineage, ids: &[ProducerId]) {
        if let Some(stream) = self.streams.get_mut(&lineage) {
            for id in ids {
                stream.producers.remove(id);
            }
        }
    }

    /// Forgets a lineage, all of which is packed.
    pub(crate) fn forget_stream(&mut self, lineage: Lineage) {
        let Some(stream) = self.streams.remove(&lineage) else { return };
        if self.streams.is_empty() {
            // After many streams at once, an empty table would still take megabytes.
            self.streams.shrink_to_fit();
        }
        self.weight = self.weight.saturating_sub(stream.weight);
        let slot = self.slots.get(&stream.key).map(Slot::version);
        // An absent slot stands for the removal of this lineage or of a later one that was never in the database.
        if slot.is_some_and(|version| version.lineage == lineage.0 || version.lineage == 0) {
            self.slots.remove(&stream.key);
        }
    }

    /// Forgets the first runs of a space, which are packed.
    pub(crate) fn forget_order(&mut self, name: &SpaceName, count: usize) {
        let Some(space) = self.spaces.get_mut(name) else { return };
        let packed = space.runs.drain(..count.min(space.runs.len()));
        let weight: usize = packed.map(|run| run.weight()).sum();
        self.weight = self.weight.saturating_sub(weight);
        if space.runs.is_empty() {
            self.spaces.remove(name);
        }
    }
}

impl RecentStream {
    fn new(key: StreamKey, unlisted: Option<Tail>) -> Self {
        Self {
            key,
            unlisted,
            removed: false,
            runs: Vec::new(),
            producers: HashMap::new(),
            pins: BTreeMap::new(),
            weight: 0,
        }
    }

    /// Takes the rows of a change in, and returns what they weigh.
    fn change(&mut self, effect: &Effect) -> usize {
        match effect {
            Effect::Update(update) => {
                if let Some(producer) = &update.producer {
                    let (id, state) = producer.row();
                    self.producers.insert(id.clone(), state);
                }
                match update.pin {
                    Some(PinChange::Add(at)) => *self.pins.entry(at).or_default() += 1,
                    Some(PinChange::Drop(at)) => *self.pins.entry(at).or_default() -= 1,
                    None => {}
                }
                if update.producer.is_some() { PRODUCER_WEIGHT } else { 0 }
            }
            Effect::Remove => {
                self.removed = true;
                self.runs = Vec::new();
                self.producers = HashMap::new();
                self.pins = BTreeMap::new();
                0
            }
            Effect::Create(_) | Effect::SoftDelete => 0,
        }
    }
}
