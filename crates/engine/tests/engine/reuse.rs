//! Streams that expire by themselves give their space back for reuse: over a real directory, the file stays flat.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use headwater_core::storage::ListQuery;
use headwater_core::{Expiry, Storage, StoreId};
use headwater_storage::sled::{Options, SledStorage};
use tempfile::TempDir;

use crate::counting::counting;
use crate::support::{
    Verdict, append, create, demand, engine_on, options, text, until, with_expiry,
};

const ROUNDS: usize = 30;
const STREAMS: usize = 4;
const STREAM_BYTES: usize = 400_000;

/// Bytes of all files in a directory and below.
fn size_of(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    // A file may go away while it is looked at.
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

async fn is_empty(storage: &SledStorage) -> bool {
    let query = ListQuery { store: StoreId::DEFAULT, prefix: String::new(), after: None, limit: 1 };
    storage.list(query).await.unwrap().is_empty()
}

/// Rounds of streams that come, are filled, and whose time passes. The file has room for a few rounds, as sled copies what
/// it keeps before it gives up the old place; never for half of all that was written.
async fn the_file_stays_flat(expiry: Expiry) -> Verdict {
    let directory = TempDir::new().unwrap();
    let mut small = Options::default();
    small.recent_bytes = 1 << 20;
    let sled = Arc::new(SledStorage::open(directory.path().join("data"), small).unwrap());
    let (storage, counts) = counting(Arc::clone(&sled) as _);
    let (engine, clock) = engine_on(storage, options());
    let mut sizes = Vec::new();
    let body = "x".repeat(STREAM_BYTES / 4);
    for round in 0..ROUNDS {
        for stream in 0..STREAMS {
            let path = format!("r/{round}/{stream}");
            create(&engine, &path, with_expiry(expiry)).await.unwrap();
            for _ in 0..4 {
                append(&engine, &path, text(&body)).await.unwrap();
            }
        }
        clock.pass(60_000);
        counts.upkeep().await;
        if expiry != Expiry::Never {
            until(|| is_empty(&sled)).await;
        }
        sizes.push(size_of(directory.path()));
    }
    engine.shutdown().await.unwrap();
    let written = (ROUNDS * STREAMS * STREAM_BYTES) as u64;
    let largest = sizes.iter().copied().max().unwrap_or(0);
    println!("{expiry:?}: {written} bytes written, {largest} in files at most");
    demand(largest < written / 2, || format!("the files grew: {sizes:?}"))
}

#[tokio::test]
async fn streams_that_expire_make_room_for_those_that_come() {
    the_file_stays_flat(Expiry::Ttl(60)).await.unwrap();
    let found = the_file_stays_flat(Expiry::Never).await;
    found.expect_err("a file that grows with every stream went unnoticed");
}
