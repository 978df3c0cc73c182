//! What the adapter counts beside what every adapter does. Names and help stand here and nowhere else; `docs/metrics.md` has the same.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const CHUNK_FILES: &str = "headwater_journal_chunk_files";
const CHUNK_BYTES: &str = "headwater_journal_chunk_bytes";
const LIVE_BYTES: &str = "headwater_journal_live_bytes";
const REPLAY_BYTES: &str = "headwater_journal_replay_bytes";
const PACKED_BYTES: &str = "headwater_journal_packed_bytes_total";
const MERGES: &str = "headwater_journal_merges_total";
const MERGED_BYTES: &str = "headwater_journal_merged_bytes_total";
const SCRUBBED_BYTES: &str = "headwater_journal_scrubbed_bytes_total";
const DAMAGE: &str = "headwater_journal_damage_total";

/// The handles, made once.
pub(super) struct Metrics {
    pub(super) chunk_files: Gauge,
    pub(super) chunk_bytes: Gauge,
    pub(super) live_bytes: Gauge,
    pub(super) replay_bytes: Gauge,
    pub(super) packed_bytes: Counter,
    pub(super) merges: Counter,
    pub(super) merged_bytes: Counter,
    pub(super) scrubbed_bytes: Counter,
    pub(super) damage: Counter,
}

impl Metrics {
    pub(super) fn new() -> Self {
        describe();
        Self {
            chunk_files: gauge!(CHUNK_FILES),
            chunk_bytes: gauge!(CHUNK_BYTES),
            live_bytes: gauge!(LIVE_BYTES),
            replay_bytes: gauge!(REPLAY_BYTES),
            packed_bytes: counter!(PACKED_BYTES),
            merges: counter!(MERGES),
            merged_bytes: counter!(MERGED_BYTES),
            scrubbed_bytes: counter!(SCRUBBED_BYTES),
            damage: counter!(DAMAGE),
        }
    }
}

fn describe() {
    describe_gauge!(CHUNK_FILES, "Chunk files");
    describe_gauge!(CHUNK_BYTES, "Bytes of all chunk files");
    describe_gauge!(LIVE_BYTES, "Bytes of chunk files that are still needed");
    describe_gauge!(
        REPLAY_BYTES,
        "Bytes of the journal that are not packed yet: what a start after a crash reads"
    );
    describe_counter!(PACKED_BYTES, "Bytes of chunk files that were written from memory");
    describe_counter!(MERGES, "Chunk files that were written anew from others");
    describe_counter!(MERGED_BYTES, "Bytes of chunk files that were written anew from others");
    describe_counter!(SCRUBBED_BYTES, "Bytes that were read only to see whether they are sound");
    describe_counter!(DAMAGE, "Places in chunk files that were found damaged by looking for it");
}
