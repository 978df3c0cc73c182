//! The sizes that follow from how sled works, and why they are what they are.
//!
//! sled divides a leaf of its tree when it holds more than 16 entries, however large they are, and writes a leaf as a
//! whole when it consolidates, moves or divides it. Two things follow, both measured:
//!
//! - A leaf that serializes to more than a quarter of a segment goes into a file of its own under `blobs/`, which sled never
//!   syncs. With values of 48 KiB and segments of 512 KiB, *all* data of a 200 MiB log ended up in 476 such files, where a
//!   loss of power can take it back long after it was acknowledged. So values are small: [`VALUE_BYTES`], [`SEGMENT_BYTES`].
//!   Should such a file come into being all the same, it is synced too: [`super::barrier`].
//! - The page cache evicts by leaf, and only after 64 accesses to each of its 256 shards. What is in memory is bounded by
//!   the size of a leaf far more than by the configured capacity: [`super::TOUCH_EVERY`].
//!
//! All that an edit replaces is kept until it is complete, with a copy of the leaf for each key: an edit of 20,000 keys took
//! hundreds of megabytes. So background work is cut into edits of about [`BATCH_KEYS`] keys and [`BATCH_BYTES`] bytes: one that
//! has reached either takes in nothing more. Larger is what has to be there at once or not at all, or is packed as a whole:
//!
//! - A group: one key for each [`VALUE_BYTES`], so some 4,100 for the 16 MiB that the engine puts into one. Part by part, a crash
//!   would leave groups that are neither committed nor absent.
//! - The records of one append, which are a run, and end in chunks: as many keys again.
//! - The fork points of one stream that changed since it was last packed. They are counted on from what is stored, so they
//!   change together with the state that tells whether they have been.

/// What values are packed to: sixteen of them make a leaf of 64 KiB.
pub(crate) const VALUE_BYTES: usize = 4096;

/// No value is larger. The largest is a chunk of one record with all the metadata that core allows, in many tiny entries.
pub(crate) const VALUE_LIMIT: usize = 24 * 1024;

/// Size of sled's segments. A leaf holds at most 20 entries (16, one more before it is divided, three from a merge). With 8 KiB of
/// metadata in each, beside 4 KiB of payload, it takes less than a quarter of this; so does an index of 257 names of 990
/// bytes. Larger segments would hold more, but sled keeps several in memory.
pub(crate) const SEGMENT_BYTES: usize = 1 << 20;

/// sled's page cache, unless configured otherwise. Small, because the operating system caches the file too.
pub(crate) const CACHE_BYTES: u64 = 2 << 20;

/// How often sled's own thread writes, syncs, and moves data out of segments that are mostly garbage. Elsewhere sled moves at
/// most one leaf for each that it writes as a whole, which is too little when much is deleted.
pub(crate) const FLUSH_EVERY_MS: u64 = 500;

/// Keys at which an edit of background work is full.
pub(crate) const BATCH_KEYS: usize = 64;

/// Bytes at which an edit of background work is full.
pub(crate) const BATCH_BYTES: usize = 256 * 1024;

/// A last chunk or stretch below this is written anew with what follows it, so that slow streams do not leave a value per
/// record; above it, what follows gets a value of its own, so that not all is written again and again.
pub(crate) const MERGE_BELOW: usize = 1024;
