//! The catalogue: what is packed, as rows by key, in whatever keeps it.
//!
//! It holds nothing that the chunk files do not, so it may be lost, be old, or be damaged: the next start notices, and
//! makes it anew. That it is found whole only saves time. So it is written outside the path of acknowledgements, and synced
//! now and then.

mod database;
#[cfg(test)]
mod map;

use std::fmt;
use std::ops::Bound;

use headwater_core::storage::StorageError;
use sled::IVec;

pub(super) use database::DatabaseCatalogue;
#[cfg(test)]
pub(super) use map::{Happened, Image, Past, Shelf};

use crate::local::rows::Entry;

/// A row to be set, or deleted where there is no value.
pub(super) type Edit = (Vec<u8>, Option<Vec<u8>>);

/// Rows by key.
pub(super) trait Catalogue: fmt::Debug + Send + Sync + 'static {
    /// A value.
    fn get(&self, key: &[u8]) -> Result<Option<IVec>, StorageError>;

    /// The last entry at or before a key, among those that begin with a prefix.
    fn floor(&self, prefix: &[u8], key: &[u8]) -> Result<Option<(IVec, IVec)>, StorageError>;

    /// Entries that begin with a prefix, in order, from a key on.
    fn scan<'c>(
        &'c self,
        prefix: Vec<u8>,
        from: Bound<Vec<u8>>,
    ) -> Box<dyn Iterator<Item = Entry> + 'c>;

    /// Changes rows, all of them or none.
    fn write(&self, edits: Vec<Edit>) -> Result<(), StorageError>;

    /// Makes what was written durable.
    fn sync(&self) -> Result<(), StorageError>;
}
