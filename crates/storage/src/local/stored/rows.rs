//! The small rows.

use headwater_core::producer::ProducerState;
use headwater_core::{ProducerNumber, StreamKey, Tail};
use serde::{Deserialize, Serialize};

use super::state::{StoredKey, StoredTail};
use super::{Stored, Unacceptable};

/// How far packing has come, and what all packed rows add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredCheckpoint {
    /// Groups up to this one are in packed rows.
    pub(crate) packed: u64,
    /// The number of the last unit in them.
    pub(crate) unit: u64,
    /// The last commit timestamp in them.
    pub(crate) at: u64,
    /// How many packed rows there are.
    pub(crate) rows: u64,
    /// How many streams there are among them, soft-deleted ones included.
    pub(crate) streams: u64,
    /// The sum of the packed rows' fingerprints, modulo 2^64. Fixed width, because it is a random number.
    pub(crate) digest: [u8; 8],
}

/// Whose lineage it is, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredLineage {
    key: StoredKey,
    base: StoredTail,
    kept: Option<u64>,
}

impl StoredLineage {
    /// A lineage whose first record follows `base`.
    pub(crate) fn new(key: &StreamKey, base: Tail) -> Self {
        Self { key: StoredKey::of(key), base: base.into(), kept: None }
    }

    /// The same, whose first record that is kept follows `base`.
    pub(crate) fn kept_from(self, base: Tail) -> Self {
        Self { base: base.into(), ..self }
    }

    /// The same, of which only what lies before a position is still needed.
    pub(crate) fn kept_to(self, position: u64) -> Self {
        Self { kept: Some(position), ..self }
    }

    /// The tail before its first record that is kept.
    pub(crate) fn base(&self) -> Tail {
        self.base.into()
    }

    /// Where what is still needed ends; `None` where all of it is.
    pub(crate) fn kept(&self) -> Option<u64> {
        self.kept
    }

    /// The stream.
    pub(crate) fn into_key(self) -> Result<StreamKey, Unacceptable> {
        self.key.into_key()
    }
}

/// The counters of a space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSpace {
    /// The last space sequence that is in its order.
    pub(crate) last: u64,
    /// How many records its order tells about.
    pub(crate) records: u64,
    /// How many of them belonged to streams that were removed since. An estimate: it only says when to tidy up.
    pub(crate) dead: u64,
}

/// What a stream remembers of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredProducer {
    epoch: u64,
    seq: u64,
}

impl StoredProducer {
    /// The stored form.
    pub(crate) fn of(state: ProducerState) -> Self {
        Self { epoch: state.epoch.get(), seq: state.seq.get() }
    }

    /// The row.
    pub(crate) fn into_state(self) -> Result<ProducerState, Unacceptable> {
        let number = |number| ProducerNumber::new(number).map_err(|_| Unacceptable);
        Ok(ProducerState { epoch: number(self.epoch)?, seq: number(self.seq)? })
    }
}

/// Which stream ends at the time in the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredDeadline(StoredKey);

impl StoredDeadline {
    /// The stored form.
    pub(crate) fn of(key: &StreamKey) -> Self {
        Self(StoredKey::of(key))
    }

    /// The stream.
    pub(crate) fn into_key(self) -> Result<StreamKey, Unacceptable> {
        self.0.into_key()
    }
}

/// How many forks diverge at the position in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPin {
    pub(crate) forks: u64,
}

/// What is to be deleted of the lineage in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredGrave {
    /// Everything.
    Whole,
    /// Chunks that begin past this position.
    Past(u64),
}

/// Where what is kept of the lineage in the key begins: a position and a sequence. Chunks that begin before are to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredTrim(pub(crate) u64, pub(crate) u64);

/// The files of the database as a clean stop left them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSeal {
    /// Path inside the database's folder, length, and CRC-32C, in the order of the paths.
    pub(crate) files: Vec<(String, u64, u32)>,
}

macro_rules! stored {
    ($($kind:ty),+) => {
        $(impl Stored for $kind {
            const VERSION: u8 = 1;
        })+
    };
}

stored!(
    StoredCheckpoint,
    StoredDeadline,
    StoredGrave,
    StoredLineage,
    StoredPin,
    StoredProducer,
    StoredSeal,
    StoredSpace,
    StoredTrim
);
