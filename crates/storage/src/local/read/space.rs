//! A page of a space, in its order.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::storage::{SpacePage, SpaceRead, SpaceSequence, StorageError};
use headwater_core::{Lineage, Slot, StreamKey};

use super::super::recent::{RecentRun, SpaceName};
use super::super::row::Row;
use super::super::rows::{Packed, Piece, Rows};
use super::super::run;
use super::super::stored::{StoredLineage, Unacceptable};
use super::super::view::View;
use super::page::missing;

/// What an entry counts beside its payload, so that a page of empty records is bounded too.
const ENTRY_BYTES: usize = 128;

/// A page that is being filled.
struct Filling<'v, P> {
    view: &'v View<P>,
    page: SpacePage,
    left: usize,
    /// Which lineages are live, asked once per page.
    live: HashMap<Lineage, Option<Live>>,
    /// What was read last, by lineage: neighbours in a space are often neighbours in a stream.
    pieces: HashMap<Lineage, Piece>,
}

/// A live stream: its key, and the sequence up to which it has given its records up.
struct Live {
    key: StreamKey,
    floor: u64,
}

/// Whether the page takes more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Left,
    None,
}

/// What comes where nothing is packed any more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Something that should be there.
    Missing,
    /// What is recent, and was taken before.
    Recent,
}

/// Reads a page of a space.
pub(crate) fn read_space<P: Packed>(
    view: &View<P>,
    read: &SpaceRead,
) -> Result<SpacePage, StorageError> {
    let name = SpaceName { store: read.store, space: read.space.as_str().into() };
    let recent = RecentPart::take(view, &name, read);
    let page = SpacePage { entries: Vec::new(), next: read.after, end: true };
    let (live, pieces) = (HashMap::new(), HashMap::new());
    let mut filling = Filling { view, page, left: read.budget, live, pieces };
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
    fn take<P>(view: &View<P>, name: &SpaceName, read: &SpaceRead) -> Self {
        let recent = view.recent.read();
        let mut used = 0;
        let mut runs = recent.order_from(name, read.after.0).peekable();
        let mut taken = Vec::new();
        while used <= read.budget
            && let Some(run) = runs.next()
        {
            used += run.batch.payload().len() + run.batch.records().len() * ENTRY_BYTES;
            taken.push(Arc::clone(run));
        }
        let cut = runs.peek().is_some();
        Self { first: recent.order(name).next().map(|run| run.head.space), runs: taken, cut }
    }
}

impl<P: Packed> Filling<'_, P> {
    /// Takes packed entries, up to the space sequence from which on everything is recent.
    fn take_packed(&mut self, name: &SpaceName, first: Option<u64>) -> Result<Room, StorageError> {
        let (limit, rest) = self.packed_up_to(name, first)?;
        let mut next = self.page.next.0.saturating_add(1);
        while next < limit {
            let Some(stretch) = self.view.packed.stretch(name, next)? else {
                return if rest == Rest::Recent { Ok(Room::Left) } else { Err(gap(name, next)) };
            };
            for found in &stretch.runs {
                if self.take_run(found, limit)? == Room::None {
                    return Ok(Room::None);
                }
            }
            next = stretch.to;
            self.page.next = self.page.next.max(SpaceSequence(next.min(limit) - 1));
        }
        Ok(Room::Left)
    }

    /// Before which space sequence everything is packed, and what it means when something before that is not.
    fn packed_up_to(
        &self,
        name: &SpaceName,
        first: Option<u64>,
    ) -> Result<(u64, Rest), StorageError> {
        match first {
            Some(first) if self.view.orders_above == 0 => Ok((first, Rest::Missing)),
            // After a crash that may have taken numbers, those that come next are jumped over, and nothing tells of them.
            Some(first) => match self.view.packed.space(name)?.last + 1 {
                packed if packed <= first => Ok((packed, Rest::Missing)),
                // What is recent is being packed at this moment: the space tells of it already, its order perhaps not yet.
                _ => Ok((first, Rest::Recent)),
            },
            None => Ok((self.view.packed.space(name)?.last + 1, Rest::Missing)),
        }
    }

    /// Takes the entries of a packed run that come after the place where the page is, and before a limit.
    fn take_run(&mut self, found: &run::Run, limit: u64) -> Result<Room, StorageError> {
        let lineage = found.head.lineage;
        for row in run::rows(found.head, &found.records) {
            if row.space_sequence <= self.page.next || row.space_sequence.0 >= limit {
                continue;
            }
            if let Some(live) = self.live(lineage)?.filter(|live| row.sequence > live.floor) {
                let key = live.key.clone();
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
        let floor = self.live_as(found.head.lineage, &found.key)?;
        let mut payload = found.batch.payload().clone();
        for row in run::rows(found.head, found.batch.records()) {
            // A record is a part of the payload of its batch.
            let bytes = payload.split_to((row.len as usize).min(payload.len()));
            if row.space_sequence <= self.page.next {
                continue;
            }
            let sequence = row.space_sequence;
            if floor.is_some_and(|floor| row.sequence > floor) {
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
    fn live(&mut self, lineage: Lineage) -> Result<Option<&Live>, StorageError> {
        if !self.live.contains_key(&lineage) {
            let row = Row::Lineage(lineage);
            let stored = self.view.packed.read::<StoredLineage>(row)?;
            let key = stored.map(|stored| stored.into_key().map_err(Unacceptable::at(&row.key())));
            if let Some(key) = key.transpose()? {
                self.live_as(lineage, &key)?;
            } else {
                self.live.insert(lineage, None);
            }
        }
        Ok(self.live.get(&lineage).and_then(Option::as_ref))
    }

    /// The sequence up to which a lineage's records are given up, if it is live, where its stream is known.
    fn live_as(&mut self, lineage: Lineage, key: &StreamKey) -> Result<Option<u64>, StorageError> {
        if let Some(known) = self.live.get(&lineage) {
            return Ok(known.as_ref().map(|live| live.floor));
        }
        let floor = live_floor(self.view, lineage, key)?;
        let live = floor.map(|floor| Live { key: key.clone(), floor });
        self.live.insert(lineage, live);
        Ok(floor)
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
            match self.view.packed.record(lineage, meta.position, meta.sequence)? {
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
            let Some(piece) = self.piece(lineage, position)? else { return Ok(None) };
            let bytes = piece.within(position, to);
            if position == from && piece.end() >= to {
                return Ok(Some(bytes));
            }
            whole.extend_from_slice(&bytes);
            position = piece.end();
        }
        Ok(Some(whole.freeze()))
    }

    /// What is stored with a position: the last piece read, or another.
    fn piece(&mut self, lineage: Lineage, position: u64) -> Result<Option<&Piece>, StorageError> {
        let last = self.pieces.get(&lineage).map(|piece| piece.from..piece.end());
        if last.is_none_or(|span| !span.contains(&position)) {
            let Some(found) = self.view.packed.piece(lineage, position)? else { return Ok(None) };
            self.pieces.insert(lineage, found);
        }
        Ok(self.pieces.get(&lineage))
    }
}

/// Records of streams that were removed, or are only kept for their forks, are left out, and those that were given up.
fn live_floor<P: Rows>(
    view: &View<P>,
    lineage: Lineage,
    key: &StreamKey,
) -> Result<Option<u64>, StorageError> {
    let slot = view.slot(key)?;
    Ok(match &slot {
        Slot::Live(state) if state.ranges.own() == lineage => Some(state.floor.sequence),
        _ => None,
    })
}

fn gap(name: &SpaceName, sequence: u64) -> StorageError {
    let row = Row::Order { store: name.store, space: &name.space, first: SpaceSequence(sequence) };
    StorageError::Corrupt(format!("{row} is missing"))
}
