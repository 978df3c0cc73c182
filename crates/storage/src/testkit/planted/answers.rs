//! Faults of answers.

use bytes::Bytes;
use headwater_core::record::RecordMeta;
use headwater_core::storage::{
    ListQuery, Listed, Page, ReadRange, SpacePage, SpaceRead, SpaceSequence, StorageError,
};
use headwater_core::{Lineage, Slot, StoreId};

use super::Fault;
use super::storage::State;

impl State {
    /// Whether a stream was created by another handle.
    pub(super) fn is_foreign(&self, slot: &Slot) -> bool {
        !self.notes.lock().lineages.contains_key(&slot.version().lineage)
    }

    /// The range that is read in place of the one asked for.
    pub(super) fn asked_instead(&self, range: ReadRange) -> Result<ReadRange, StorageError> {
        let notes = self.notes.lock();
        let floor = notes.floors.get(&range.lineage.0).copied();
        match self.fault {
            Fault::RefusesEmptyRanges if range.from == range.to => Err(StorageError::Gone),
            Fault::ForgetsPins if notes.soft_deleted.contains(&range.lineage.0) => {
                Err(StorageError::Gone)
            }
            Fault::GivesUpTooMuch if floor == Some(range.from) => Err(StorageError::Gone),
            Fault::GivesUpForForks if floor.is_some_and(|floor| range.from < floor) => {
                Err(StorageError::Gone)
            }
            Fault::StartsEarly if range.from > 0 => {
                Ok(ReadRange { from: range.from - 1, to: range.to - 1, ..range })
            }
            Fault::MixesIncarnations => {
                let key = notes.lineages.get(&range.lineage.0);
                let newest = notes.lineages.iter().rfind(|(_, other)| Some(*other) == key);
                let lineage = newest.map_or(range.lineage, |(lineage, _)| Lineage(*lineage));
                Ok(ReadRange { lineage, ..range })
            }
            _ => Ok(range),
        }
    }

    /// A page as it is given.
    pub(super) fn altered(&self, range: ReadRange, mut page: Page) -> Page {
        let end = range.from + page.len();
        match self.fault {
            Fault::EndsShort if end == range.to => page.chunks.clear(),
            Fault::FlipsBits => page.chunks = page.chunks.iter().map(flipped).collect(),
            Fault::TellsOnlyWholeRecords => {
                page.records.retain(|row| row.position >= range.from && row.end() <= end);
            }
            Fault::TellsOfTenThousand => page.records.retain(|row| row.sequence <= 10_000),
            Fault::LosesEmptyRecords => page.records.retain(|row| row.len > 0),
            Fault::LosesMetadata => page.records.iter_mut().for_each(without_metadata),
            _ => {}
        }
        page
    }

    /// A page of a space as it is given.
    pub(super) async fn altered_space(
        &self,
        mut read: SpaceRead,
    ) -> Result<SpacePage, StorageError> {
        if self.fault == Fault::MergesSpaces {
            let parent = read.space.split_once('/').map(|(parent, _)| parent.to_owned());
            read.space = parent.unwrap_or(read.space);
        }
        let (after, budget) = (read.after, read.budget);
        let mut page = self.inner.read_space(read).await?;
        let too_large = page.entries.first().is_some_and(|entry| entry.payload.len() > budget);
        match self.fault {
            Fault::EndsSpacesEarly => page.end = true,
            Fault::ForgetsPlaces => page.next = SpaceSequence(0),
            Fault::StopsAtLargeEntries if too_large => {
                page = SpacePage { entries: Vec::new(), next: after, end: false };
            }
            _ => {}
        }
        Ok(page)
    }

    /// A listing as it is given.
    pub(super) async fn altered_list(
        &self,
        mut query: ListQuery,
    ) -> Result<Vec<Listed>, StorageError> {
        if self.fault == Fault::IgnoresStores {
            query.store = StoreId::DEFAULT;
        }
        let mut listed = self.inner.list(query).await?;
        if self.fault == Fault::ReversesListings {
            listed.reverse();
        }
        Ok(listed)
    }
}

fn flipped(chunk: &Bytes) -> Bytes {
    let mut bytes = chunk.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes.into()
}

fn without_metadata(row: &mut RecordMeta) {
    row.metadata = None;
}
