//! The streams, and the groups of appends to them.

use std::sync::Arc;
use std::sync::mpsc;

use bytes::Bytes;
use headwater_core::change::Unit;
use headwater_core::storage::UnitResult;
use headwater_core::{Batch, BatchRecord, Storage, StreamKey, Timestamp, Version};
use headwater_storage::testkit::make;
use tokio::runtime::Runtime;

use super::{Fault, RECORD};

/// Bytes that records are cut out of.
const PATTERN: usize = 64 << 10;

/// Creations of a group.
const CREATIONS: usize = 500;

/// What is appended next, and where.
pub(crate) struct Work {
    streams: Vec<(StreamKey, Version)>,
    /// The next stream in turn.
    next: usize,
    pattern: Bytes,
    rows: Arc<[BatchRecord]>,
}

impl Work {
    /// Creates the streams.
    pub(crate) fn create(
        storage: &dyn Storage,
        streams: usize,
        runtime: &Runtime,
    ) -> Result<Self, Fault> {
        let keys = (0..streams).map(|nth| make::key(&format!("bench/{nth:07}")));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        for keys in keys.chunks(CREATIONS) {
            let units = keys.iter().map(|key| make::unit([make::creation(key, make::birth())]));
            let (sender, results) = mpsc::channel();
            let done = Box::new(move |results| drop(sender.send(results)));
            storage.commit(units.collect(), Timestamp(1), done);
            committed(&results.recv()?)?;
        }
        let version = |key: StreamKey| {
            let loaded = runtime.block_on(storage.load(&key, None))?;
            Ok((key, loaded.slot.version()))
        };
        Ok(Self {
            streams: keys.into_iter().map(version).collect::<Result<_, Fault>>()?,
            next: 0,
            pattern: make::pattern(1, PATTERN),
            rows: Arc::new([BatchRecord::plain(RECORD as u64)]),
        })
    }

    /// So many appends, to one stream after the other.
    pub(crate) fn group(&mut self, units: usize) -> Result<Vec<Unit>, Fault> {
        (0..units).map(|_| self.unit()).collect()
    }

    fn unit(&mut self) -> Result<Unit, Fault> {
        let from = (self.next * RECORD) % (PATTERN - RECORD);
        let batch = Batch::new(self.pattern.slice(from..from + RECORD), Arc::clone(&self.rows))?;
        let nth = self.next % self.streams.len();
        self.next += 1;
        let (key, version) = self.streams.get_mut(nth).ok_or("a stream")?;
        let unit = make::unit([make::append(key, *version, batch)]);
        *version = make::next(*version);
        Ok(unit)
    }

    /// How many streams do not stand where they should.
    pub(crate) fn wrong(&self, storage: &dyn Storage, runtime: &Runtime) -> Result<u64, Fault> {
        let mut wrong = 0;
        for (key, version) in &self.streams {
            let slot = runtime.block_on(storage.load(key, None))?.slot;
            let appends = version.revision - 1;
            let position = slot.state().map(|state| state.tail.position);
            let sound = slot.version() == *version && position == Some(appends * RECORD as u64);
            wrong += u64::from(!sound);
        }
        Ok(wrong)
    }
}

/// Whether all units of a group are durable; nothing here makes one that could not be.
pub(crate) fn committed(results: &[UnitResult]) -> Result<(), Fault> {
    match results.iter().find(|result| !matches!(result, UnitResult::Committed(_))) {
        Some(result) => Err(format!("a unit was not committed: {result:?}").into()),
        None => Ok(()),
    }
}
