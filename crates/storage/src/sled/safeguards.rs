//! What keeps data safe, as one seam: the sync, and everything that is compared when a directory is opened and read.
//!
//! Outside tests nothing is ever taken away. Tests take one thing away at a time and show that it is missed.

#![cfg_attr(
    not(any(test, feature = "testkit")),
    allow(unreachable_pub, reason = "public for tests alone")
)]

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::Arc;

use crate::local::database::Syncs;

/// Something that is compared, and that refuses damaged data where it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The database's files with the seal of a clean stop, before anything opens them.
    Seal,
    /// The last group found with the last one that was reported as committed.
    Committed,
    /// The sum over all packed rows with the checkpoint.
    Digest,
    /// Payload and record tables of each stream with each other and with its state.
    Chains,
    /// Each value with its checksum.
    Checksums,
}

/// What keeps data safe.
pub trait Safeguards: fmt::Debug + Send + Sync + 'static {
    /// Makes what was written to the database's file durable.
    ///
    /// # Errors
    /// When that is not certain. It is never tried again.
    fn sync(&self, data: &File) -> io::Result<()> {
        data.sync_data()
    }

    /// Whether something is compared.
    fn compares(&self, what: Comparison) -> bool {
        let _ = what;
        true
    }
}

/// All of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strict;

impl Safeguards for Strict {}

/// The sync of these safeguards.
#[derive(Debug)]
pub(super) struct Guarded(pub(super) Arc<dyn Safeguards>);

impl Syncs for Guarded {
    fn sync(&self, file: &File) -> io::Result<()> {
        self.0.sync(file)
    }
}
