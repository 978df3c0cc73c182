//! What only the journal adapter counts moves when what it counts happens.
#![cfg(feature = "journal")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use headwater_core::Storage;
use headwater_storage::journal::{JournalStorage, Options};
use headwater_storage::testkit::{Harness, Restarts, Rig, make};
use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    with_local_recorder,
};
use tempfile::TempDir;

/// How long anything may take that is waited for.
const DEADLINE: Duration = Duration::from_secs(60);

/// Keeps what is counted.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Kept {
    fn cell(&self, key: &Key) -> Arc<AtomicU64> {
        Arc::clone(self.0.lock().unwrap().entry(key.name().to_owned()).or_default())
    }

    fn raw(&self, name: &str) -> u64 {
        self.named(&format!("headwater_journal_{name}"))
    }

    fn named(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).unwrap().load(Ordering::Relaxed)
    }

    fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.raw(name))
    }

    /// Waits until something is so.
    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is(self) {
            assert!(begun.elapsed() < DEADLINE, "{what}");
            std::thread::yield_now();
        }
    }
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

struct Directory<'k> {
    root: TempDir,
    kept: &'k Kept,
    /// How many files are merged.
    merge_files: usize,
}

impl Directory<'_> {
    /// The chunk files and their sizes.
    fn chunks(&self) -> Vec<(PathBuf, u64)> {
        let files = fs::read_dir(self.root.path().join("data/chunks")).unwrap();
        let file = |file: fs::DirEntry| (file.path(), file.metadata().unwrap().len());
        files.map(|entry| file(entry.unwrap())).collect()
    }
}

impl Harness for Directory<'_> {
    fn open(&self) -> Arc<dyn Storage> {
        let mut options = Options::default();
        (options.recent_bytes, options.idle) = (100_000, Duration::ZERO);
        (options.file_bytes, options.merge_files) = (64 << 10, self.merge_files);
        (options.scrub_bytes, options.scrub_every) = (1 << 30, Duration::from_millis(1));
        let path = self.root.path().join("data");
        with_local_recorder(self.kept, || Arc::new(JournalStorage::open(path, options).unwrap()))
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

#[test]
fn what_waits_to_be_packed_is_bounded() {
    const APPEND: usize = 40_000;
    let kept = Kept::default();
    let directory = Directory { root: TempDir::new().unwrap(), kept: &kept, merge_files: 0 };
    let rig = Rig::open(&directory).unwrap();
    let key = make::key("a").unwrap();
    rig.create(&key, make::birth()).unwrap();
    let waits = (0..200).map(|turn| {
        rig.append(&key, make::batch(turn, &[APPEND]).unwrap()).unwrap();
        f64::from_bits(kept.named("headwater_unpacked_bytes"))
    });
    let most = waits.fold(0.0, f64::max);
    // What begins packing three times, and what was appended by then, which takes a little more than its payload.
    assert!(most > 100_000.0, "nothing was packed: {most}");
    assert!(most < 300_000.0 + 1.1 * APPEND as f64, "{most}");
    rig.close().unwrap();
}

#[test]
fn what_the_journal_counts_moves() {
    let kept = Kept::default();
    let mut directory = Directory { root: TempDir::new().unwrap(), kept: &kept, merge_files: 2 };
    let rig = Rig::open(&directory).unwrap();
    let key = make::key("a").unwrap();
    rig.create(&key, make::birth()).unwrap();
    kept.until("some of the journal is not packed", |kept| kept.gauge("replay_bytes") > 0.0);
    for turn in 0..30 {
        rig.append(&key, make::batch(turn, &[40_000]).unwrap()).unwrap();
    }
    kept.until("it is packed", |kept| kept.raw("packed_bytes_total") >= 30 * 40_000);
    kept.until("files are merged", |kept| {
        kept.raw("merges_total") > 0 && kept.raw("merged_bytes_total") > 400_000
    });
    kept.until("what is left is less than a journal file", |kept| {
        kept.gauge("replay_bytes") < f64::from(64 << 10)
    });
    kept.until("few files are there", |kept| {
        let (files, bytes) = (kept.gauge("chunk_files"), kept.gauge("chunk_bytes"));
        let live = kept.gauge("live_bytes");
        (1.0..=3.0).contains(&files) && live > 1_200_000.0 && bytes > live && bytes < live * 1.1
    });
    kept.until("they are looked at", |kept| kept.raw("scrubbed_bytes_total") > 1_200_000);
    assert_eq!(kept.raw("damage_total"), 0);
    rig.close().unwrap();
    drop(rig);
    // From here on the files stay what they are. What a merge that was broken off left behind is removed unread at an opening.
    directory.merge_files = 0;
    Rig::open(&directory).unwrap().close().unwrap();
    let files = directory.chunks();
    let (path, size) = files.iter().max_by_key(|(_, size)| *size).unwrap();
    assert!(*size > 400_000, "{files:?}");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.write_all_at(&[0x5A; 9], 1000).unwrap();
    let scrubbed = kept.raw("scrubbed_bytes_total");
    let rig = Rig::open(&directory).unwrap();
    kept.until("damage is found", |kept| kept.raw("damage_total") > 0);
    // Whatever is found again was told before.
    let all: u64 = files.iter().map(|(_, size)| size).sum();
    kept.until("it is looked at twice more", |kept| {
        kept.raw("scrubbed_bytes_total") > scrubbed + 3 * all
    });
    assert_eq!(kept.raw("damage_total"), 1);
    rig.close().unwrap();
}
