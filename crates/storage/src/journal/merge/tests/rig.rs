//! A directory on a fake disk, in which commits, rounds and merges happen when a test says so.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use headwater_core::change::{Change, Unit};
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::storage::{
    Detail, ListQuery, Listed, ReadRange, SpaceRead, SpaceSequence, StorageError, UnitResult,
};
use headwater_core::{Lineage, Slot, StoreId, StreamKey, StreamState, Timestamp};

use super::table::{Rows, Table, TableSource};
use crate::disk::{Disk, FakeDisk};
use crate::journal::chunks::FOLDER;
use crate::journal::holdings::{self, PerFile};
use crate::journal::identity;
use crate::journal::index::Index;
use crate::journal::log::{Batch, Settings, SyncPolicy, Writer};
use crate::journal::merge::policy::Limits;
use crate::journal::merge::thread::{Merger, Step};
use crate::journal::open::{self, Opened};
use crate::journal::packer::Packer;
use crate::journal::shared::{Exchange, Frozen, Through};
use crate::journal::unit::Encoder;
use crate::local::decide::{Deciding, DiskSpace};
use crate::local::read::{catalogue, page::Snapshot, space};
use crate::local::view::View;

/// Everything that can be seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    streams: Vec<Listed>,
    content: BTreeMap<Lineage, (Vec<u8>, Vec<RecordMeta>)>,
    spaces: Vec<Entry>,
    due: Vec<(Timestamp, StreamKey)>,
}

/// What is open.
pub(super) struct Rig {
    pub(super) disk: FakeDisk,
    pub(super) table: Arc<Table>,
    pub(super) view: Arc<View<Index>>,
    pub(super) packer: Packer,
    merger: Merger,
    writer: Writer,
    through: Through,
    batch: Batch,
    encoder: Encoder,
    spaces: Vec<String>,
}

impl Rig {
    pub(super) fn new(limits: Limits) -> Self {
        let disk = FakeDisk::new();
        disk.create_folder(Path::new(open::FOLDER)).unwrap();
        disk.create_folder(Path::new(FOLDER)).unwrap();
        identity::create(&disk).unwrap();
        disk.sync_folder(Path::new("")).unwrap();
        Self::open(&disk, Table::of(&disk, Rows::new()), limits).unwrap()
    }

    pub(super) fn open(
        disk: &FakeDisk,
        table: Arc<Table>,
        limits: Limits,
    ) -> Result<Self, StorageError> {
        let port: Arc<dyn Disk> = Arc::new(disk.clone());
        let settings = Settings { capacity: 4096, spares: 1, sync: SyncPolicy::Always };
        let opened = open::open(&port, &TableSource(Arc::clone(&table)), settings)?;
        let Opened { view, writer, supply, progress, through, .. } = opened;
        let exchange = Arc::new(Exchange::default());
        let merger =
            Merger::new(Arc::clone(&port), Arc::clone(&view), Arc::clone(&exchange), limits);
        let packer = Packer {
            disk: port,
            view: Arc::clone(&view),
            supply,
            durability: Arc::clone(writer.durability()),
            exchange,
            progress,
        };
        let (batch, encoder) = (Batch::default(), Encoder::default());
        let (disk, spaces) = (disk.clone(), vec![String::new(), "a".into(), "b".into()]);
        Ok(Self { disk, table, view, packer, merger, writer, through, batch, encoder, spaces })
    }

    /// Goes on with the same disk after the process was killed, with this catalogue.
    pub(super) fn reopen(self, rows: Rows, limits: Limits) -> Self {
        let disk = self.disk.at_rest();
        Self::open(&disk, Table::of(&disk, rows), limits).unwrap()
    }

    /// Commits changes as one unit, and returns its number.
    pub(super) fn commit(&mut self, changes: impl IntoIterator<Item = Change>) -> u64 {
        let (number, at) = (self.through.unit + 1, self.through.at + 1);
        let mut deciding = Deciding::new(&*self.view, number, Timestamp(at));
        let unit = Unit { changes: changes.into_iter().collect() };
        let result = deciding.decide(unit, DiskSpace::Enough);
        assert!(matches!(result, UnitResult::Committed(_)), "{result:?}");
        let accepted = deciding.accepted.pop().unwrap();
        self.batch.clear();
        self.encoder.push(&mut self.batch, (number, at), &accepted.unit).unwrap();
        let mark = self.writer.append(&mut self.batch).unwrap().end;
        self.writer.sync().unwrap();
        self.through = Through { mark, unit: number, at };
        let mut recent = self.view.recent.write();
        for committed in accepted.committed(mark.group, at) {
            recent.active.publish(&committed);
        }
        number
    }

    /// What stands under a key.
    pub(super) fn slot(&self, key: &StreamKey) -> Slot {
        self.view.slot(key).unwrap()
    }

    /// The live stream under a key.
    pub(super) fn live_state(&self, key: &StreamKey) -> Arc<StreamState> {
        match self.slot(key) {
            Slot::Live(state) => state,
            other => panic!("{key}: {other:?}"),
        }
    }

    /// Packs everything that is recent.
    pub(super) fn round(&mut self) {
        if self.view.recent.read().active.weight() > 0 {
            let frozen = self.freeze();
            self.packer.pack(&frozen).unwrap();
        }
    }

    /// Merges once. With `between`, a round comes between the writing of the file and its coming to count.
    pub(super) fn merge_with(&mut self, between: impl FnOnce(&mut Packer)) -> Step {
        let packer = &mut self.packer;
        self.merger.step(|copied| {
            between(packer);
            packer.merge(copied).unwrap();
            packer.exchange.take_merged()
        })
    }

    /// Merges until nothing is worth it, and returns how often.
    pub(super) fn merge(&mut self) -> usize {
        let mut merges = 0;
        while self.merge_with(|_| {}) == Step::Done {
            merges += 1;
            assert!(merges < 1000, "it does not come to an end");
        }
        merges
    }

    /// A layer to be packed.
    pub(super) fn freeze(&mut self) -> Frozen {
        Frozen { layer: self.view.recent.write().freeze(), through: self.through }
    }

    /// Sizes of the chunk files.
    pub(super) fn sizes(&self) -> Vec<u64> {
        let files = self.disk.files().into_iter();
        files.filter(|(path, _)| path.starts_with(FOLDER)).map(|(_, size)| size).collect()
    }

    /// What is counted as live, and what the catalogue leads to.
    pub(super) fn live(&self) -> (BTreeMap<String, u64>, BTreeMap<String, u64>) {
        let index = &self.view.packed;
        let (mut counted, mut led) = (BTreeMap::new(), BTreeMap::new());
        for holding in index.holdings().stand().files {
            counted.insert(holding.file.footer().name.to_string(), holding.live);
            led.insert(holding.file.footer().name.to_string(), 0);
        }
        let mut per = PerFile::new();
        for (key, value) in &self.table.now() {
            holdings::note(&mut per, key, value).unwrap();
        }
        led.extend(per.into_iter().map(|(name, bytes)| (name.to_string(), bytes)));
        (counted, led)
    }

    /// Everything that can be seen from outside.
    pub(super) fn seen(&self) -> Seen {
        let view = &*self.view;
        let all = ListQuery {
            store: StoreId::DEFAULT,
            prefix: String::new(),
            after: None,
            limit: usize::MAX,
        };
        let streams = catalogue::list(view, &all).unwrap();
        let mut content = BTreeMap::new();
        for Listed { key, state } in &streams {
            for range in state.ranges.inherited() {
                let span = (range.from.max(state.floor.position), range.to);
                if span.0 < span.1 {
                    content.entry(range.lineage).or_insert_with(|| self.read(range.lineage, span));
                }
            }
            let own = state.ranges.own();
            let from = state.ranges.base().max(state.floor.position);
            let span = (from, state.tail.position);
            let mut read = self.read(own, span);
            read.1.retain(|record| record.sequence > state.floor.sequence);
            assert_eq!(read.0.len() as u64, span.1 - span.0, "{key}");
            content.insert(own, read);
        }
        let spaces = self.spaces.iter().flat_map(|name| self.space(name)).collect();
        let due = catalogue::expiring(view, Timestamp(u64::MAX), usize::MAX).unwrap();
        Seen { streams, content, spaces, due }
    }

    /// The rows of what a stream appended and has not given up.
    pub(super) fn records(&self, state: &StreamState) -> Vec<RecordMeta> {
        let from = state.ranges.base().max(state.floor.position);
        let mut records = self.read(state.ranges.own(), (from, state.tail.position)).1;
        records.retain(|record| record.sequence > state.floor.sequence);
        records
    }

    fn read(&self, lineage: Lineage, (from, to): (u64, u64)) -> (Vec<u8>, Vec<RecordMeta>) {
        let (mut bytes, mut records, mut next) = (Vec::new(), Vec::<RecordMeta>::new(), from);
        loop {
            let range = ReadRange { lineage, from: next, to, budget: 50_000 };
            let page = Snapshot::take(&self.view, range, Detail::Records);
            let page = page.complete(&self.view).unwrap();
            next += page.chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
            page.chunks.iter().for_each(|chunk| bytes.extend_from_slice(chunk));
            let last = records.last().map_or(0, |record| record.sequence);
            records.extend(page.records.into_iter().filter(|record| record.sequence > last));
            if next >= to {
                return (bytes, records);
            }
        }
    }

    fn space(&self, name: &str) -> Vec<Entry> {
        let (mut entries, mut after) = (Vec::new(), SpaceSequence(0));
        loop {
            let (store, space) = (StoreId::DEFAULT, name.to_owned());
            let read = SpaceRead { store, space, after, budget: 10_000 };
            let page = space::read_space(&self.view, &read).unwrap();
            entries.extend(page.entries);
            if page.end {
                return entries;
            }
            after = page.next;
        }
    }
}
