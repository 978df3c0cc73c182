//! What the adapter counts. Names and help stand here and nowhere else; `docs/metrics.md` has the same.

use metrics::{Gauge, Histogram, describe_gauge, describe_histogram, gauge, histogram};

const COMMIT_SECONDS: &str = "headwater_commit_seconds";
const SYNC_SECONDS: &str = "headwater_sync_seconds";
#[cfg(feature = "journal")]
const UNSYNCED_SECONDS: &str = "headwater_unsynced_seconds";
#[cfg(feature = "journal")]
const UNSYNCED_BYTES: &str = "headwater_unsynced_bytes";
const GROUP_UNITS: &str = "headwater_commit_group_units";
const UNPACKED_GROUPS: &str = "headwater_unpacked_groups";
const UNPACKED_BYTES: &str = "headwater_unpacked_bytes";

/// The handles, made once.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) commit_seconds: Histogram,
    pub(crate) sync_seconds: Histogram,
    #[cfg(feature = "journal")]
    pub(crate) unsynced_seconds: Histogram,
    #[cfg(feature = "journal")]
    pub(crate) unsynced_bytes: Gauge,
    pub(crate) group_units: Histogram,
    pub(crate) unpacked_groups: Gauge,
    pub(crate) unpacked_bytes: Gauge,
}

/// The gauge of what is not packed yet, for whoever packs.
#[cfg(feature = "journal")]
pub(crate) fn unpacked_bytes() -> Gauge {
    gauge!(UNPACKED_BYTES)
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe_histogram!(
            COMMIT_SECONDS,
            "Time from taking a group of units to its being durable"
        );
        describe_histogram!(
            SYNC_SECONDS,
            "Time of a sync; a part of the commit, where groups are durable before they are acknowledged"
        );
        #[cfg(feature = "journal")]
        describe_histogram!(
            UNSYNCED_SECONDS,
            "With a sync interval: time from the first write that a sync was for to the end of the sync, which a loss of power could have taken"
        );
        #[cfg(feature = "journal")]
        describe_gauge!(
            UNSYNCED_BYTES,
            "Bytes of the journal that are written and not durable: acknowledged ones only with a sync interval"
        );
        describe_histogram!(GROUP_UNITS, "Units that became durable together");
        describe_gauge!(
            UNPACKED_GROUPS,
            "Durable groups that are still to be packed: work that a start after a crash would repeat"
        );
        describe_gauge!(UNPACKED_BYTES, "Memory of what is durable and not packed yet, in bytes");
        Self {
            commit_seconds: histogram!(COMMIT_SECONDS),
            sync_seconds: histogram!(SYNC_SECONDS),
            #[cfg(feature = "journal")]
            unsynced_seconds: histogram!(UNSYNCED_SECONDS),
            #[cfg(feature = "journal")]
            unsynced_bytes: gauge!(UNSYNCED_BYTES),
            group_units: histogram!(GROUP_UNITS),
            unpacked_groups: gauge!(UNPACKED_GROUPS),
            unpacked_bytes: gauge!(UNPACKED_BYTES),
        }
    }
}
