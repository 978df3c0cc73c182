//! One damage: it is done, the store is opened, and everything is looked at, within a time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use headwater_core::Slot;
use headwater_storage::journal::{JournalStorage, OpenError, Options};
use headwater_storage::testkit::sight::Given;
use headwater_storage::testkit::{Failure, Parts, Rig, make};

use super::store::{Files, Store, folder, never_packing, read_all, write_all};

/// How long one trial may take. The longest took a hundredth of it on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that are looked at together before each of them is.
const STRETCH: usize = 32;

/// Flips the bytes of a file one by one; `flip` says whether that made a difference. Where a stretch makes none in the middle, nor
/// does one beside it, one byte stands for all: nobody reads there.
pub(crate) fn flip_each(len: usize, mut flip: impl FnMut(usize) -> bool) {
    let middles = (0..len).step_by(STRETCH).map(|from| from + (len - from).min(STRETCH) / 2);
    let read: Vec<bool> = middles.map(&mut flip).collect();
    for at in 0..len {
        let stretch = at / STRETCH;
        let beside = stretch.saturating_sub(1)..(stretch + 2).min(read.len());
        if read[beside].contains(&true) {
            flip(at);
        }
    }
}

/// What is done to a file.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// A bit of the byte at this place is flipped; which one goes with the place.
    Flip(PathBuf, usize),
    /// Only so many bytes are left.
    Cut(PathBuf, usize),
    /// The file is gone, or the folder with all that is in it.
    Removed(PathBuf),
}

impl Damage {
    fn inflict(&self, files: &mut Files) {
        match self {
            Self::Flip(name, at) => files.get_mut(name).unwrap()[*at] ^= 1 << ((at / 3 + at) % 8),
            Self::Cut(name, len) => files.get_mut(name).unwrap().truncate(*len),
            Self::Removed(name) => files.retain(|file, _| !file.starts_with(name)),
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The store was not opened.
    Refused(OpenError),
    /// It was opened, and this could be seen.
    Opened(Seen),
}

/// What could be seen.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What stands under each key.
    pub(crate) slots: Vec<Result<Slot, Failure>>,
    pub(crate) parts: Parts,
}

/// What could not be read.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Streams, by their place, and why.
    pub(crate) streams: Vec<(usize, Failure)>,
    pub(crate) spaces: Vec<(usize, Failure)>,
}

impl Lost {
    /// Whether everything could be read.
    pub(crate) fn nothing(&self) -> bool {
        self.streams.is_empty() && self.spaces.is_empty()
    }

    pub(crate) fn reasons(&self) -> impl Iterator<Item = &Failure> {
        self.streams.iter().chain(&self.spaces).map(|(_, reason)| reason)
    }
}

impl Store {
    /// Its files with damage.
    pub(crate) fn with(&self, damages: &[Damage]) -> Files {
        let mut files = self.files.clone();
        damages.iter().for_each(|damage| damage.inflict(&mut files));
        files
    }

    /// Inflicts damage on a copy and opens it.
    ///
    /// # Panics
    /// When there is no answer in time, or a panic; and, naming the damage, when anything is served that is not right.
    #[track_caller]
    pub(crate) fn after(self: &Arc<Self>, damages: &[Damage]) -> Result<Lost, OpenError> {
        let outcome = self.in_time(damages, |store, files| store.open(&files));
        match outcome {
            Outcome::Refused(error) => Err(error),
            Outcome::Opened(seen) => {
                let lost = self.compare(seen);
                Ok(lost.unwrap_or_else(|wrong| panic!("{damages:?}: {wrong}")))
            }
        }
    }

    /// As [`after`](Self::after), where everything must be whole; and life goes on with these options, and is found again.
    #[track_caller]
    pub(crate) fn goes_on_after(self: &Arc<Self>, damages: &[Damage], options: Options) {
        let lost = self.after(damages).unwrap_or_else(|error| panic!("{damages:?}: {error}"));
        assert!(lost.nothing(), "{damages:?}: {lost:?}");
        let outcome = self.in_time(damages, move |store, files| store.go_on(&files, options));
        outcome.unwrap_or_else(|failure| panic!("{damages:?}: {failure}"));
    }

    /// Runs something on the damaged files, in a thread that is given up when it takes too long.
    #[track_caller]
    fn in_time<T: Send + 'static>(
        self: &Arc<Self>,
        damages: &[Damage],
        run: impl FnOnce(&Self, Files) -> T + Send + 'static,
    ) -> T {
        let (sender, receiver) = mpsc::channel();
        let store = Arc::clone(self);
        let files = self.with(damages);
        thread::spawn(move || drop(sender.send(run(&store, files))));
        let answer = receiver.recv_timeout(PATIENCE);
        answer.unwrap_or_else(|error| panic!("{damages:?}: a hang or a panic: {error}"))
    }

    fn open(&self, files: &Files) -> Outcome {
        let root = folder();
        write_all(files, root.path());
        let storage = match open(root.path(), never_packing()) {
            Ok(storage) => storage,
            Err(error) => return Outcome::Refused(error),
        };
        let rig = Rig::open(&storage).unwrap();
        let slots = self.places.streams.iter().map(|key| rig.slot(key)).collect();
        Outcome::Opened(Seen { slots, parts: self.places.look_at_each(&rig) })
    }

    /// Appends to it, stops it cleanly, and looks again.
    fn go_on(&self, files: &Files, options: Options) -> Result<(), Failure> {
        let root = folder();
        write_all(files, root.path());
        let key = make::key("later")?;
        {
            let storage = open(root.path(), options).unwrap();
            let rig = Rig::open(&storage)?;
            rig.create(&key, make::birth())?;
            rig.append(&key, make::batch(5, &[700])?)?;
            rig.close()?;
        }
        let copy = folder();
        write_all(&read_all(root.path()), copy.path());
        let storage = open(copy.path(), never_packing()).unwrap();
        let rig = Rig::open(&storage)?;
        let found = rig.content(&key)?;
        let stream = |found: &headwater_storage::testkit::Sight| found.streams.clone();
        let same = stream(&self.places.look(&rig)?) == stream(&self.sight);
        let appended = found == make::pattern(5, 700);
        (same && appended)
            .then_some(())
            .ok_or_else(|| Failure::new("something else is there later"))
    }

    /// Holds what was seen against what there is.
    fn compare(&self, seen: Seen) -> Result<Lost, Failure> {
        let mut lost = Lost::default();
        for (found, (key, slot, ..)) in seen.slots.into_iter().zip(&self.sight.streams) {
            let found = found.map_err(|failure| failure.during("looking for a stream"))?;
            same(&found, slot, &format!("what stands under {key}"))?;
        }
        let Parts { streams, spaces, listed, expiring } = seen.parts;
        for (place, (found, stream)) in streams.into_iter().zip(&self.sight.streams).enumerate() {
            match found {
                Ok(found) => same(&found, stream, &format!("the stream {}", stream.0))?,
                Err(reason) => lost.streams.push((place, reason)),
            }
        }
        for (place, (found, space)) in spaces.into_iter().zip(&self.sight.spaces).enumerate() {
            match found {
                Ok(found) => same(&found, space, "a space")?,
                Err(reason) => lost.spaces.push((place, reason)),
            }
        }
        same(&listed?, &self.sight.listed, "what is listed")?;
        same(&expiring?, &self.sight.expiring, "what ends")?;
        Ok(lost)
    }
}

pub(crate) fn open(directory: &Path, options: Options) -> Result<Given, OpenError> {
    JournalStorage::open(directory, options).map(|storage| Given(Arc::new(storage)))
}

fn same<T: PartialEq>(found: &T, there: &T, what: &str) -> Result<(), Failure> {
    if found == there { Ok(()) } else { Err(Failure::new(format!("{what} is served as another"))) }
}

/// The place that an error names in a file, if it names that file.
pub(crate) fn place_in(error: &str, name: &Path) -> Option<usize> {
    let (_, behind) = error.split_once(name.to_str().unwrap())?;
    let (_, behind) = behind.split_once(" at byte ")?;
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
