//! A page of a space, in its order.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::storage::{SpacePage, SpaceRead, SpaceSequence, StorageError};
use headwater_core::{Lineage, Slot, StreamKey};

use super::super::chunk::{self, Chunk};
use super::super::tree::Tree;
use super::super::view::View;
use super::page::missing;
use super::rows::row_of;
use crate::local::frame::Damage;
use crate::local::recent::{RecentRun, SpaceName};
use crate::local::row::{Row, of_space};
use crate::local::run;
use crate::local::stored::{StoredLineage, StoredOrder, Stretch, Unacceptable, decode};

/// What an entry counts beside its payload, so that a page of empty records is bounded too.
const ENTRY_BYTES: usize = 128;

/// A page that is being filled.
struct Filling<'v> {
    view: &'v View,
    page: SpacePage,
    left: usize,
    /// Whose lineages are live, asked once per page.
    live: HashMap<Lineage, Option<StreamKey>>,
    /// The chunk that was read last, by lineage: neighbours in a space are often neighbours in a stream.
    chunks: HashMap<Lineage, Chunk>,
}

/// Whether the page takes more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Left,
    None,
}

/// Reads a page of a space.
pub(crate) fn read_space(view: &View, read: &SpaceRead) -> Result<SpacePage, StorageError> {
    let name = SpaceName { store: read.store, space: read.space.as_str().into() };
    let recent = RecentPart::take(view, &name, read);
    let page = SpacePage { entries: Vec::new(), next: read.after, end: true };
    let (live, chunks) = (HashMap::new(), HashMap::new());
    let mut filling = Filling { view, page, left: read.budget, live, chunks };
    if filling.take_packed(&name, recent.first)? == Room::Left {
        for run in &recent.runs {
            if filling.take_recent(run)? == Room::None {
                return Ok(filling.page);
            }
        }
        filling.page.end = !recent.cut;
    }
    Ok(filling.page)
}

/// What is recent about a space, as far as a page may need it.
struct RecentPart {
    /// The space sequence from which on everything is recent.
    first: Option<u64>,
    runs: Vec<Arc<RecentRun>>,
    /// Whether more follows.
    cut: bool,
}

impl RecentPart {
    fn take(view: &View, name: &SpaceName, read: &SpaceRead) -> Self {
        let recent = view.recent.read();
        let runs = recent.space(name).map_or(&[][..], |space| &space.runs);
        let from = runs.partition_point(|run| run.end().space <= read.after.0.saturating_add(1));
        let mut used = 0;
        let fits = |run: &&Arc<RecentRun>| {
            let fits = used <= read.budget;
            used += run.batch.payload().len() + run.batch.records().len() * ENTRY_BYTES;
            fits
        };
        let taken: Vec<_> = runs.iter().skip(from).take_while(fits).cloned().collect();
        let cut = from + taken.len() < runs.len();
        Self { first: runs.first().map(|run| run.head.space), runs: taken, cut }
    }
}

impl Filling<'_> {
    /// Takes entries from the database, up to the space sequence from which on everything is recent.
    fn take_packed(&mut self, name: &SpaceName, first: Option<u64>) -> Result<Room, StorageError> {
        let tree = &self.view.tree;
        let limit = match first {
            Some(first) => first,
            None => self.view.packed_space(name)?.last + 1,
        };
        let mut next = self.page.next.0.saturating_add(1);
        let mut stretch = if next < limit { stretch_holding(tree, name, next)? } else { None };
        while next < limit {
            let Some((_, current)) = stretch else {
                // A stretch may have been joined with the one before it in the meantime.
                stretch = stretch_holding(tree, name, next)?;
                if stretch.is_none() {
                    return Err(gap(name, next));
                }
                continue;
            };
            for found in &current.runs {
                if self.take_run(found, limit)? == Room::None {
                    return Ok(Room::None);
                }
            }
            next = current.to;
            self.page.next = self.page.next.max(SpaceSequence(next.min(limit) - 1));
            stretch = if next < limit { stretch_at(tree, name, next)? } else { None };
        }
        Ok(Room::Left)
    }

    /// Takes the entries of a packed run that come after the place where the page is, and before a limit.
    fn take_run(&mut self, found: &run::Run, limit: u64) -> Result<Room, StorageError> {
        let lineage = found.head.lineage;
        for row in run::rows(found.head, &found.records) {
            if row.space_sequence <= self.page.next || row.space_sequence.0 >= limit {
                continue;
            }
            if let Some(key) = self.live(lineage)?.cloned() {
                if !self.has_room(row.len) {
                    return Ok(Room::None);
                }
                if let Some(entry) = self.packed_entry(key, lineage, row.clone())? {
                    self.push(entry);
                }
            }
            self.page.next = row.space_sequence;
        }
        Ok(Room::Left)
    }

    /// Takes the entries of a recent run.
    fn take_recent(&mut self, found: &RecentRun) -> Result<Room, StorageError> {
        let live = self.live_as(found.head.lineage, &found.key)?;
        let mut payload = found.batch.payload().clone();
        for row in run::rows(found.head, found.batch.records()) {
            // A record is a part of the payload of its batch.
            let bytes = payload.split_to((row.len as usize).min(payload.len()));
            if row.space_sequence <= self.page.next {
                continue;
            }
            let sequence = row.space_sequence;
            if live {
                if !self.has_room(row.len) {
                    return Ok(Room::None);
                }
                self.push(Entry { key: found.key.clone(), meta: row, payload: bytes });
            }
            self.page.next = sequence;
        }
        Ok(Room::Left)
    }

    /// Whether an entry fits; the first one always does. Otherwise the page ends before it.
    fn has_room(&mut self, len: u64) -> bool {
        let cost = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(ENTRY_BYTES);
        let fits = self.page.entries.is_empty() || cost <= self.left;
        self.page.end &= fits;
        fits
    }

    fn push(&mut self, entry: Entry) {
        self.left = self.left.saturating_sub(entry.payload.len() + ENTRY_BYTES);
        self.page.entries.push(entry);
    }

    /// The stream of a lineage, if it is live.
    fn live(&mut self, lineage: Lineage) -> Result<Option<&StreamKey>, StorageError> {
        if !self.live.contains_key(&lineage) {
            let row = Row::Lineage(lineage);
            let stored = self.view.tree.read::<StoredLineage>(row)?;
            let key = stored.map(|stored| stored.into_key().map_err(Unacceptable::at(&row.key())));
            let live = match key.transpose()? {
                Some(key) if is_live(self.view, lineage, &key)? => Some(key),
                _ => None,
            };
            self.live.insert(lineage, live);
        }
        Ok(self.live.get(&lineage).and_then(Option::as_ref))
    }

    /// Whether a lineage is live, where its stream is known.
    fn live_as(&mut self, lineage: Lineage, key: &StreamKey) -> Result<bool, StorageError> {
        if let Some(known) = self.live.get(&lineage) {
            return Ok(known.is_some());
        }
        let live = is_live(self.view, lineage, key)?;
        self.live.insert(lineage, live.then(|| key.clone()));
        Ok(live)
    }

    /// A packed record with its bytes and metadata; `None` when its stream is removed at this moment.
    fn packed_entry(
        &mut self,
        key: StreamKey,
        lineage: Lineage,
        mut meta: RecordMeta,
    ) -> Result<Option<Entry>, StorageError> {
        let Some(payload) = self.payload(lineage, meta.position, meta.end())? else {
            missing(self.view, lineage, meta.position)?;
            return Ok(None);
        };
        if meta.metadata.is_some() {
            match row_of(&self.view.tree, lineage, meta.position, meta.sequence)? {
                Some(row) => meta = row,
                None => return missing(self.view, lineage, meta.position).map(|()| None),
            }
        }
        Ok(Some(Entry { key, meta, payload }))
    }

    fn payload(
        &mut self,
        lineage: Lineage,
        from: u64,
        to: u64,
    ) -> Result<Option<Bytes>, StorageError> {
        let (mut position, mut whole) = (from, BytesMut::new());
        while position < to {
            let Some(chunk) = self.chunk(lineage, position)? else { return Ok(None) };
            let piece = chunk.within(position, to);
            if position == from && chunk.end() >= to {
                return Ok(Some(piece));
            }
            whole.extend_from_slice(&piece);
            position = chunk.end();
        }
        Ok(Some(whole.freeze()))
    }

    /// The chunk that holds a position: the last one read, or another.
    fn chunk(&mut self, lineage: Lineage, position: u64) -> Result<Option<&Chunk>, StorageError> {
        let last = self.chunks.get(&lineage).map(|chunk| chunk.start.position..chunk.end());
        if last.is_none_or(|span| !span.contains(&position)) {
            let Some(found) = chunk::holding(&self.view.tree, lineage, position)? else {
                return Ok(None);
            };
            self.chunks.insert(lineage, found);
        }
        Ok(self.chunks.get(&lineage))
    }
}

/// Records of streams that were removed, or are only kept for their forks, are left out.
fn is_live(view: &View, lineage: Lineage, key: &StreamKey) -> Result<bool, StorageError> {
    let slot = view.slot(key)?;
    Ok(matches!(&slot, Slot::Live(state) if state.ranges.own() == lineage))
}

/// A stretch of the order with the space sequence that it begins at.
type Found = Option<(u64, Stretch)>;

fn stretch_at(tree: &Tree, name: &SpaceName, first: u64) -> Result<Found, StorageError> {
    let row = Row::Order { store: name.store, space: &name.space, first: SpaceSequence(first) };
    let key = row.key();
    let value = tree.get_in_passing(&key)?;
    value.map(|value| open(tree, &key, &value)).transpose()
}

fn stretch_holding(tree: &Tree, name: &SpaceName, sequence: u64) -> Result<Found, StorageError> {
    let row = Row::Order { store: name.store, space: &name.space, first: SpaceSequence(sequence) };
    let Some((key, value)) = tree.floor(&of_space(name.store, &name.space), &row.key())? else {
        return Ok(None);
    };
    let (first, stretch) = open(tree, &key, &value)?;
    Ok((sequence < stretch.to).then_some((first, stretch)))
}

/// The last stretch of the order of a space, and the bytes of its stored form.
pub(crate) fn last_stretch(
    tree: &Tree,
    name: &SpaceName,
) -> Result<Option<(u64, Stretch, usize)>, StorageError> {
    let Some((key, value)) = tree.last(&of_space(name.store, &name.space))? else {
        return Ok(None);
    };
    let (first, stretch) = open(tree, &key, &value)?;
    Ok(Some((first, stretch, value.len())))
}

pub(crate) fn open(tree: &Tree, key: &[u8], value: &[u8]) -> Result<(u64, Stretch), StorageError> {
    let Some(Row::Order { first, .. }) = Row::parse(key) else {
        return Err(StorageError::Corrupt(Damage::Content.at(key)));
    };
    let stored: StoredOrder = decode(key, value, tree.verify())?;
    let stretch = stored.into_stretch(first.0).map_err(Unacceptable::at(key))?;
    Ok((first.0, stretch))
}

fn gap(name: &SpaceName, sequence: u64) -> StorageError {
    let row = Row::Order { store: name.store, space: &name.space, first: SpaceSequence(sequence) };
    StorageError::Corrupt(format!("{row} is missing"))
}
