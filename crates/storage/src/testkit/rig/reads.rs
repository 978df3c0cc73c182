//! Reading through a rig: every call waits, and whole ranges are read page by page.

use std::sync::Arc;

use bytes::Bytes;
use headwater_core::record::{Entry, RecordMeta};
use headwater_core::storage::{
    Confirmation, Detail, ListQuery, Listed, Loaded, Page, ReadRange, SpacePage, SpaceRead,
    SpaceSequence, StorageError,
};
use headwater_core::{
    Lineage, ProducerId, Slot, StoreId, StreamKey, StreamState, Timestamp, Version,
};

use super::Rig;
use crate::testkit::check::{Failure, ensure};

impl Rig<'_> {
    /// What stands under a key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn slot(&self, key: &StreamKey) -> Result<Slot, Failure> {
        Ok(self.load(key, None)?.slot)
    }

    /// What stands under a key, and a producer's row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn load(&self, key: &StreamKey, id: Option<&ProducerId>) -> Result<Loaded, Failure> {
        Ok(self.wait(self.storage.load(key, id))??)
    }

    /// The version that stands under a key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn version(&self, key: &StreamKey) -> Result<Version, Failure> {
        Ok(self.slot(key)?.version())
    }

    /// The state of a stream that has to be live.
    ///
    /// # Errors
    /// When it is not, or cannot be read.
    pub fn live(&self, key: &StreamKey) -> Result<Arc<StreamState>, Failure> {
        match self.slot(key)? {
            Slot::Live(state) => Ok(state),
            other => Err(Failure::new(format!("{key} is not live: {other:?}"))),
        }
    }

    /// One page.
    ///
    /// # Errors
    /// When there is no answer; a refusal to read is an answer.
    pub fn page(
        &self,
        range: ReadRange,
        detail: Detail,
    ) -> Result<Result<Page, StorageError>, Failure> {
        self.wait(self.storage.read(range, detail))
    }

    /// All bytes and rows of a range of a lineage, page by page.
    ///
    /// # Errors
    /// As [`pages`](Self::pages), and when the range cannot be read.
    pub fn read(
        &self,
        lineage: Lineage,
        from: u64,
        to: u64,
    ) -> Result<(Bytes, Vec<RecordMeta>), Failure> {
        let read = self.pages(ReadRange { lineage, from, to, budget: 64 * 1024 })?;
        Ok(read?)
    }

    /// All bytes and rows of a range, in pages of its budget.
    ///
    /// # Errors
    /// When a page is empty, holds an empty piece, or exceeds its budget or the range.
    pub fn pages(
        &self,
        range: ReadRange,
    ) -> Result<Result<(Bytes, Vec<RecordMeta>), StorageError>, Failure> {
        let (mut bytes, mut rows) = (Vec::new(), Vec::<RecordMeta>::new());
        let mut rest = range;
        loop {
            let page = match self.page(rest, Detail::Records)? {
                Ok(page) => page,
                Err(error) => return Ok(Err(error)),
            };
            check_page(rest, &page)?;
            rest.from += page.len();
            bytes.extend(page.chunks.concat());
            // Neighbouring pages may both tell about a record.
            let last = rows.last().map_or(0, |row| row.sequence);
            rows.extend(page.records.into_iter().filter(|row| row.sequence > last));
            if rest.from >= range.to {
                return Ok(Ok((bytes.into(), rows)));
            }
        }
    }

    /// The bytes that a live stream inherited and wrote, from its start.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn content(&self, key: &StreamKey) -> Result<Bytes, Failure> {
        let state = self.live(key)?;
        let tail = state.tail.position;
        let (mut position, mut bytes) = (0, Vec::new());
        while let Some(range) = state.ranges.holding(position, tail) {
            bytes.extend(self.read(range.lineage, range.from, range.to)?.0);
            position = range.to;
        }
        Ok(bytes.into())
    }

    /// The rows of a stream's own records.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rows(&self, key: &StreamKey) -> Result<Vec<RecordMeta>, Failure> {
        let state = self.live(key)?;
        Ok(self.read(state.ranges.own(), state.ranges.base(), state.tail.position)?.1)
    }

    /// One page of a space of the default store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn space_page(&self, space: &str, after: u64, budget: usize) -> Result<SpacePage, Failure> {
        let (store, space, after) = (StoreId::DEFAULT, space.to_owned(), SpaceSequence(after));
        let read = SpaceRead { store, space, after, budget };
        Ok(self.wait(self.storage.read_space(read))??)
    }

    /// All entries of a space of the default store, in pages of a budget.
    ///
    /// # Errors
    /// When a page makes no progress, or goes backwards.
    pub fn space(&self, space: &str, budget: usize) -> Result<Vec<Entry>, Failure> {
        let (mut entries, mut after) = (Vec::<Entry>::new(), 0);
        loop {
            let page = self.space_page(space, after, budget)?;
            for entry in page.entries {
                let number = entry.meta.space_sequence.0;
                ensure!(number > after, "space {space:?} gave {number} after {after}");
                after = number;
                entries.push(entry);
            }
            ensure!(page.next.0 >= after, "space {space:?} continues before its last entry");
            if page.end {
                return Ok(entries);
            }
            let stuck = page.next.0 == after
                && entries.last().is_none_or(|e| e.meta.space_sequence.0 < after);
            ensure!(!stuck, "space {space:?} has more after {after} but does not give it");
            after = page.next.0;
        }
    }

    /// A page of the catalogue of the default store.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Listed>, Failure> {
        let (prefix, after) = (prefix.to_owned(), after.map(str::to_owned));
        let query = ListQuery { store: StoreId::DEFAULT, prefix, after, limit };
        Ok(self.wait(self.storage.list(query))??)
    }

    /// Streams whose time is up.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn expiring(&self, before: u64, limit: usize) -> Result<Vec<(u64, StreamKey)>, Failure> {
        let found = self.wait(self.storage.expiring(Timestamp(before), limit))??;
        Ok(found.into_iter().map(|(at, key)| (at.0, key)).collect())
    }

    /// Whether versions are the present ones.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn confirm(&self, relies_on: &[(StreamKey, Version)]) -> Result<Confirmation, Failure> {
        Ok(self.wait(self.storage.confirm(relies_on))??)
    }
}

fn check_page(range: ReadRange, page: &Page) -> Result<(), Failure> {
    let wanted = (range.to - range.from).min(range.budget as u64);
    ensure!(page.len() <= wanted, "{range:?} gave {} bytes", page.len());
    ensure!(wanted == 0 || !page.is_empty(), "{range:?} gave nothing");
    ensure!(page.chunks.iter().all(|chunk| !chunk.is_empty()), "{range:?} gave an empty piece");
    Ok(())
}
