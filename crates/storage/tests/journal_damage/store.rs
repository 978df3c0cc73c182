//! The store that is damaged, as the bytes of its files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use headwater_core::{Slot, Storage};
use headwater_storage::journal::{JournalStorage, Options};
use headwater_storage::testkit::{Harness, Places, Restarts, Rig, Sight, Story};
use tempfile::TempDir;

/// What the store may take, so that everything in it can be damaged in turn.
const MOST_BYTES: usize = 300 << 10;

/// Commands that are packed, and that are in the journal alone.
const STEPS: (usize, usize) = (44, 12);

/// Commands after which a round is waited for.
const ROUND: usize = 7;

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// Bytes of a journal file: a few frames.
const FILE_BYTES: u32 = 4096;

/// Files by their path in the directory.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A sealed store, and what is in it.
pub(crate) struct Store {
    pub(crate) files: Files,
    pub(crate) places: Places,
    pub(crate) sight: Sight,
}

/// A directory of its own.
struct Directory {
    path: PathBuf,
    options: Options,
}

impl Harness for Directory {
    fn open(&self) -> Arc<dyn Storage> {
        Arc::new(JournalStorage::open(&self.path, self.options).unwrap())
    }

    fn restarts(&self) -> Restarts {
        Restarts::Keep
    }
}

/// The last round that is in a file of a store, as the files are called.
fn rounds(store: &Path) -> Option<String> {
    let names = fs::read_dir(store.join("chunks")).into_iter().flatten().flatten();
    let last = |name: &str| name.strip_suffix(".chunk")?.split('-').nth(1).map(str::to_owned);
    names.filter_map(|name| last(name.file_name().to_str()?)).max()
}

/// Packs when so much is recent, and not because nothing happens.
pub(crate) fn packing_at(recent_bytes: usize) -> Options {
    let mut options = Options::default();
    options.recent_bytes = recent_bytes;
    options.idle = Duration::from_secs(3600);
    options.file_bytes = FILE_BYTES;
    options
}

/// Packs nothing, and merges nothing: what a merge that was broken off leaves behind can be damaged without being missed.
pub(crate) fn never_packing() -> Options {
    let mut options = packing_at(usize::MAX / 4);
    options.merge_files = 0;
    options
}

/// A folder for a store. In memory, where the system has such a place: nothing here is about syncs.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

impl Store {
    /// A store, which is made once.
    pub(crate) fn one() -> Arc<Self> {
        static ONE: OnceLock<Arc<Store>> = OnceLock::new();
        Arc::clone(ONE.get_or_init(|| Self::from(1)))
    }

    /// Another one.
    pub(crate) fn another() -> Arc<Self> {
        static ANOTHER: OnceLock<Arc<Store>> = OnceLock::new();
        Arc::clone(ANOTHER.get_or_init(|| Self::from(301)))
    }

    /// The first store from this seed on that has everything.
    fn from(seed: u64) -> Arc<Self> {
        let mut stores = (seed..seed + 200).map(Self::told);
        let store = stores.find(Self::has_everything).expect("a store with everything");
        println!("a store of {:?}", store.lengths());
        let bytes = store.files.values().map(Vec::len).sum::<usize>();
        assert!(bytes <= MOST_BYTES, "{bytes}");
        Arc::new(store)
    }

    /// A story: most of it packed in rounds, the rest in the journal, and then a clean stop.
    fn told(seed: u64) -> Self {
        let (root, places, mut story) = (folder(), Story::places().unwrap(), Story::brief(seed));
        let directory = |options| Directory { path: root.path().join("data"), options };
        let mut packing = packing_at(6_000);
        packing.idle = Duration::from_millis(10);
        for (options, steps) in [(packing, STEPS.0), (never_packing(), STEPS.1)] {
            let directory = directory(options);
            let rig = Rig::open(&directory).unwrap();
            for step in 1..=steps {
                let before = rounds(&directory.path);
                story.go_on(&rig).unwrap();
                // However slow packing is beside this, some rounds end in between. Where one does not, another story may have them.
                if options != never_packing() && step % ROUND == 0 {
                    let begun = Instant::now();
                    while rounds(&directory.path) == before && begun.elapsed() < PATIENCE {
                        thread::yield_now();
                    }
                }
            }
            rig.close().unwrap();
            drop(rig);
            // sled's file is small only until it is opened again; a new one is made of the chunk files.
            if options != never_packing() {
                fs::remove_dir_all(directory.path.join("catalogue")).unwrap();
            }
        }
        let files = read_all(&root.path().join("data"));
        let copy = folder();
        write_all(&files, copy.path());
        let directory = Directory { path: copy.path().to_owned(), options: never_packing() };
        let sight = places.look(&Rig::open(&directory).unwrap()).unwrap();
        Self { files, places, sight }
    }

    /// Files and their lengths.
    fn lengths(&self) -> Vec<(&PathBuf, usize)> {
        self.files.iter().map(|(name, content)| (name, content.len())).collect()
    }

    fn has_everything(&self) -> bool {
        let streams = &self.sight.streams;
        let states = || streams.iter().filter_map(|(_, slot, ..)| slot.state());
        let chunks = self.files.keys().filter(|name| name.starts_with("chunks"));
        [
            streams.iter().any(|(_, slot, ..)| *slot == Slot::Absent),
            streams.iter().any(|(_, slot, ..)| matches!(slot, Slot::SoftDeleted(_))),
            streams.iter().any(|(.., producers)| producers.iter().any(Option::is_some)),
            streams.iter().any(|(_, _, _, rows, _)| rows.iter().any(|row| row.metadata.is_some())),
            states().any(|state| state.closed.is_some()),
            states().any(|state| state.origin.is_some()),
            states().any(|state| state.stream_seq.is_some()),
            self.sight.spaces.iter().filter(|space| space.len() > 1).count() > 1,
            self.sight.expiring.len() > 1,
            chunks.count() > 2,
            // Or nothing would be lost with all of the chunk files.
            !self.files.contains_key(Path::new("journal/0000000000000001.log")),
        ]
        .iter()
        .all(|has| *has)
    }

    /// Names and lengths of the files in a folder of the store; "" is the store itself.
    pub(crate) fn named(&self, folder: &str) -> Vec<(PathBuf, usize)> {
        let inside = |name: &&PathBuf| name.parent() == Some(Path::new(folder));
        let names = self.files.keys().filter(inside);
        names.map(|name| (name.clone(), self.files[name].len())).collect()
    }

    /// Where the log ends, as `docs/format.md` describes the seal: the file, and the byte in it.
    pub(crate) fn end_of_log(&self) -> (PathBuf, usize) {
        let seal = &self.files[Path::new("SEAL")];
        let generation = u64::from_le_bytes(seal[1..9].try_into().unwrap());
        let offset = u32::from_le_bytes(seal[9..13].try_into().unwrap());
        (PathBuf::from(format!("journal/{generation:016}.log")), offset as usize)
    }
}

/// Every file below a directory, by its path in it.
pub(crate) fn read_all(directory: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Writes files to a directory.
pub(crate) fn write_all(files: &Files, directory: &Path) {
    for (name, content) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}
