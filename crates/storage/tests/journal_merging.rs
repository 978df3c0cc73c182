//! Merging in a store that is used: space comes back, files stay few, and readers see nothing of it.
#![cfg(feature = "journal")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "tests may")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use headwater_core::change::{Birth, PinChange, Update};
use headwater_core::storage::{Detail, ReadRange};
use headwater_core::{Lineage, Slot, Storage, StreamKey};
use headwater_storage::journal::{JournalStorage, Options};
use headwater_storage::testkit::{Harness, Restarts, Rig, make};
use tempfile::TempDir;

/// How long anything may take that is waited for.
const DEADLINE: Duration = Duration::from_secs(120);

struct Directory {
    root: TempDir,
    options: Options,
}

impl Directory {
    fn new(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::default();
        options.file_bytes = 1 << 20;
        change(&mut options);
        Self { root: TempDir::new().unwrap(), options }
    }

    fn path(&self) -> std::path::PathBuf {
        self.root.path().join("data")
    }

    /// Sizes of the chunk files.
    fn chunks(&self) -> Vec<u64> {
        let files = std::fs::read_dir(self.path().join("chunks")).unwrap();
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).collect()
    }

    fn bytes(&self) -> u64 {
        bytes(&self.path())
    }

    /// Waits until something is so.
    fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is(self) {
            assert!(begun.elapsed() < DEADLINE, "{what}: {:?}", self.chunks());
            std::thread::yield_now();
        }
    }
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(JournalStorage::open(self.path(), self.options).unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

fn bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
        Ok(metadata) => metadata.len(),
        // It was removed at this moment.
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}

#[test]
fn a_directory_stays_small_where_streams_come_and_go() {
    let directory = Directory::new(|options| {
        options.recent_bytes = 200_000;
        options.idle = Duration::ZERO;
        options.merge_files = 4;
        options.merge_bytes = 16 << 20;
    });
    let rig = Rig::open(&directory).unwrap();
    let (mut most, mut appended) = (0, 0);
    for turn in 0..400u64 {
        let key = make::key(&format!("a/{turn}")).unwrap();
        let batch = make::batch(turn, &[20_000; 5]).unwrap();
        appended += 100_000;
        rig.create(&key, Birth { batch: Some(batch), ..make::birth() }).unwrap();
        if turn >= 10 {
            let old = make::key(&format!("a/{}", turn - 10)).unwrap();
            let version = rig.wait(rig.storage().load(&old, None)).unwrap().unwrap().slot.version();
            rig.unit([make::removal(&old, version)]).unwrap();
        }
        most = most.max(directory.chunks().iter().sum::<u64>());
        // Nothing makes commits wait for merging, so what it is behind is a matter of how much it may run.
        if turn % 25 == 24 {
            directory.until("merging keeps up", |d| d.chunks().iter().sum::<u64>() < 4_000_000);
        }
    }
    println!("{appended} bytes came and went, and took at most {most} at a time");
    assert!(most < appended / 3, "{most}");
    // Ten streams of 100,000 bytes are left.
    directory.until("the space comes back", |d| d.chunks().iter().sum::<u64>() < 4_000_000);
    println!("in the end the directory has {} bytes", directory.bytes());
    rig.close().unwrap();
}

/// How many streams are read while others are merged.
const STREAMS: usize = 4;

/// Streams that are read again and again by threads of their own, and what must be found.
struct Readers {
    ends: AtomicBool,
    /// How often each has read all of its stream.
    times: [AtomicU64; STREAMS],
}

impl Readers {
    fn have_read(&self, least: u64) -> bool {
        self.times.iter().all(|times| times.load(Ordering::Relaxed) >= least)
    }

    fn read(
        &self,
        storage: &dyn Storage,
        (lineage, to): (Lineage, u64),
        (number, expected): (usize, &[u8]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        while !self.ends.load(Ordering::Relaxed) {
            let (mut from, mut records) = (0, 0);
            while from < to {
                let range = ReadRange { lineage, from, to, budget: 30_000 };
                let page = runtime.block_on(storage.read(range, Detail::Records)).unwrap();
                let bytes = page.chunks.concat();
                let rest = expected.get(from as usize..).unwrap();
                assert!(rest.starts_with(&bytes), "other bytes at {from}");
                from += bytes.len() as u64;
                for record in &page.records {
                    assert!(record.sequence <= records + 1, "a record is missing");
                    records = records.max(record.sequence);
                }
            }
            assert_eq!(records, expected.len() as u64 / 50);
            self.times[number].fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn who_reads_all_the_time_sees_nothing_of_merging() {
    let directory = Directory::new(|options| {
        options.recent_bytes = 10_000;
        options.idle = Duration::ZERO;
        options.merge_files = 2;
    });
    let rig = Rig::open(&directory).unwrap();
    let mut streams: Vec<(StreamKey, Vec<u8>)> = Vec::new();
    for number in 0..STREAMS {
        let key = make::key(&format!("s/{number}")).unwrap();
        rig.create(&key, make::birth()).unwrap();
        streams.push((key, Vec::new()));
    }
    for turn in 0..500u64 {
        for (key, bytes) in &mut streams {
            let batch = make::batch(turn, &[50; 3]).unwrap();
            bytes.extend_from_slice(batch.payload());
            rig.append(key, batch).unwrap();
        }
    }
    let readers = Readers { ends: AtomicBool::new(false), times: Default::default() };
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for (number, (key, bytes)) in streams.iter().enumerate() {
            let loaded = rig.wait(rig.storage().load(key, None)).unwrap().unwrap();
            let state = loaded.slot.state().unwrap().clone();
            let (readers, storage) = (&readers, Arc::clone(rig.storage()));
            let place = (state.ranges.own(), state.tail.position);
            threads.push(scope.spawn(move || readers.read(&*storage, place, (number, bytes))));
        }
        // Meanwhile others come and go, and with each round what is read is merged with them; until everyone has read it twice.
        let begun = Instant::now();
        for turn in 0u64.. {
            if (turn >= 300 && readers.have_read(2)) || begun.elapsed() > DEADLINE {
                break;
            }
            let key = make::key(&format!("t/{turn}")).unwrap();
            let batch = make::batch(turn, &[3000; 4]).unwrap();
            rig.create(&key, Birth { batch: Some(batch), ..make::birth() }).unwrap();
            let version = rig.wait(rig.storage().load(&key, None)).unwrap().unwrap().slot.version();
            rig.unit([make::removal(&key, version)]).unwrap();
        }
        readers.ends.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        println!("read {:?} times", readers.times);
        assert!(readers.have_read(2), "{:?}", readers.times);
    });
    rig.close().unwrap();
}

#[test]
fn forks_keep_what_they_inherit_when_what_they_inherit_it_from_is_merged() {
    let directory = Directory::new(|options| {
        options.recent_bytes = 0;
        options.idle = Duration::ZERO;
        options.merge_files = 2;
    });
    let mut rig = Rig::open(&directory).unwrap();
    let (source, fork) = (make::key("source").unwrap(), make::key("fork").unwrap());
    rig.create(&source, make::birth()).unwrap();
    let mut inherited = Vec::new();
    for turn in 0..20u64 {
        let batch = make::batch(turn, &[700]).unwrap();
        inherited.extend_from_slice(batch.payload());
        rig.append(&source, batch).unwrap();
    }
    let load = |rig: &Rig<'_>, key: &StreamKey| {
        rig.wait(rig.storage().load(key, None)).unwrap().unwrap().slot
    };
    let Slot::Live(state) = load(&rig, &source) else { panic!() };
    let at = state.tail;
    let update = Update { pin: Some(PinChange::Add(at.position)), ..Update::default() };
    rig.unit([
        make::creation(&fork, make::fork_birth(&source, &state, at)),
        make::update(&source, state.version(), update),
    ])
    .unwrap();
    for turn in 0..20u64 {
        // What nobody inherits.
        rig.append(&source, make::batch(turn, &[90_000]).unwrap()).unwrap();
    }
    rig.unit([make::soft_deletion(&source, load(&rig, &source).version())]).unwrap();
    for turn in 0..30u64 {
        rig.append(&fork, make::batch(turn, &[100]).unwrap()).unwrap();
    }
    directory.until("what is not inherited goes", |d| d.chunks().iter().sum::<u64>() < 200_000);
    for reopened in [false, true] {
        if reopened {
            rig.reopen().unwrap();
        }
        let range =
            ReadRange { lineage: state.ranges.own(), from: 0, to: at.position, budget: 1 << 20 };
        let page = rig.wait(rig.storage().read(range, Detail::Records)).unwrap().unwrap();
        assert!(page.chunks.concat() == inherited);
        assert_eq!(page.records.len(), 20);
    }
    rig.close().unwrap();
}

/// Very many streams that are appended to at random are in few files.
#[test]
fn a_hundred_thousand_streams_are_in_few_files() {
    const MANY: u64 = 100_000;
    let directory = Directory::new(|options| options.recent_bytes = 4 << 20);
    let rig = Rig::open(&directory).unwrap();
    let key = |number: u64| make::key(&format!("n/{number}")).unwrap();
    for first in (0..MANY).step_by(1000) {
        let born =
            (first..first + 1000).map(|n| make::unit([make::creation(&key(n), make::birth())]));
        rig.commit(born.collect()).unwrap();
    }
    let (mut revisions, mut dice) = (vec![1u64; MANY as usize], 1u64);
    for _ in 0..60 {
        let mut group = Vec::new();
        for _ in 0..1000 {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let number = (dice >> 33) % MANY;
            let revision = &mut revisions[number as usize];
            let version = headwater_core::Version { lineage: number + 1, revision: *revision };
            *revision += 1;
            group.push(make::unit([make::append(
                &key(number),
                version,
                make::batch(dice, &[3]).unwrap(),
            )]));
        }
        let results = rig.commit(group).unwrap();
        assert!(
            results
                .iter()
                .all(|result| matches!(result, headwater_core::storage::UnitResult::Committed(_)))
        );
    }
    let (files, bytes) = (directory.chunks().len(), directory.chunks().iter().sum::<u64>());
    println!("{MANY} streams and 60,000 records of 3 bytes in {files} files of {bytes} bytes");
    assert!(files <= 64, "{files}");
    rig.close().unwrap();
}
