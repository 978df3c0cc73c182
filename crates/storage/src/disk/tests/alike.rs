//! The same operations on both disks have the same results.

use std::io::ErrorKind;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Folders among the paths, one of which is never made, and one inside of another.
const FOLDERS: &[&str] = &["", "a", "a/b", "nowhere"];

/// Names of files, one of which is that of a folder too. What is renamed is a file: the port renames nothing else.
const NAMES: &[&str] = &["one", "two", "three", "b"];
const FILES: &[&str] = &["one", "two", "three"];

#[derive(Clone, Debug)]
enum Step {
    Folder(String),
    Create(String),
    Open(String),
    Rename(String, String),
    Remove(String),
    List(String),
    SyncFolder(String),
    /// On one of the files that were opened, by its number. The same for the rest.
    Write(usize, u64, Vec<usize>),
    Read(usize, u64, usize),
    Size(usize),
    Sync(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let folder = || select(FOLDERS).prop_map(str::to_owned);
    let path = |names: &'static [&'static str]| {
        (select(FOLDERS), select(names))
            .prop_map(|(folder, name)| Path::new(folder).join(name).to_str().unwrap().to_owned())
    };
    let offset = || prop_oneof![0..20_u64, 500..530_u64, 4000..4200_u64, 0..20_000_u64];
    let len = || prop_oneof![0..20_usize, 500..1030_usize, 0..10_000_usize];
    prop_oneof![
        1 => folder().prop_map(Step::Folder),
        4 => path(NAMES).prop_map(Step::Create),
        2 => path(NAMES).prop_map(Step::Open),
        1 => (select(FOLDERS), select(FILES), select(NAMES)).prop_map(|(folder, from, to)| {
            let path = |name| Path::new(folder).join(name).to_str().unwrap().to_owned();
            Step::Rename(path(from), path(to))
        }),
        1 => (path(FILES), path(NAMES)).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => path(NAMES).prop_map(Step::Remove),
        2 => folder().prop_map(Step::List),
        1 => folder().prop_map(Step::SyncFolder),
        6 => (0..9_usize, offset(), vec(len(), 0..4)).prop_map(|(file, at, lens)| Step::Write(file, at, lens)),
        6 => (0..9_usize, offset(), len()).prop_map(|(file, at, len)| Step::Read(file, at, len)),
        2 => (0..9_usize).prop_map(Step::Size),
        1 => (0..9_usize).prop_map(Step::Sync),
    ]
}

/// What is seen of a call: what it returned, or the kind of its error.
type Seen = Result<String, ErrorKind>;

/// A disk, and the files that were opened on it.
struct Side {
    disk: Box<dyn Disk>,
    files: Vec<Arc<dyn DiskFile>>,
}

impl Side {
    fn new(disk: impl Disk) -> Self {
        Self { disk: Box::new(disk), files: Vec::new() }
    }

    fn take(&mut self, number: usize, step: &Step) -> Seen {
        let disk = &self.disk;
        let file = |index: &usize| self.files.get(*index).cloned().ok_or(ErrorKind::Other);
        let done = |(): ()| "done".to_owned();
        let seen = match step {
            Step::Folder(path) => disk.create_folder(Path::new(path)).map(done),
            Step::Create(path) => {
                disk.create(Path::new(path)).map(|file| self.files.push(file)).map(done)
            }
            Step::Open(path) => {
                disk.open(Path::new(path)).map(|file| self.files.push(file)).map(done)
            }
            Step::Rename(from, to) => disk.rename(Path::new(from), Path::new(to)).map(done),
            Step::Remove(path) => disk.remove(Path::new(path)).map(done),
            Step::List(path) => disk.list(Path::new(path)).map(|mut names| {
                names.sort();
                names.join(" ")
            }),
            Step::SyncFolder(path) => disk.sync_folder(Path::new(path)).map(done),
            Step::Write(index, offset, lens) => {
                let parts: Vec<_> = lens.iter().map(|len| vec![number as u8 + 1; *len]).collect();
                let pieces: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
                file(index)?.write(&pieces, *offset).map(|written| written.to_string())
            }
            Step::Read(index, offset, len) => {
                file(index)?.read(*offset, *len).map(|bytes| format!("{bytes:?}"))
            }
            Step::Size(index) => file(index)?.size().map(|size| size.to_string()),
            Step::Sync(index) => file(index)?.sync_data().map(done),
        };
        seen.map_err(|error| error.kind())
    }
}

/// Every file below, as it can be opened and read.
fn contents(disk: &dyn Disk, folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for name in disk.list(folder).unwrap() {
        let path = folder.join(name);
        match disk.open(&path) {
            Ok(file) => {
                let size = file.size().unwrap() as usize;
                found.push((path.display().to_string(), file.read(0, size).unwrap().to_vec()));
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::IsADirectory, "{path:?}");
                contents(disk, &path, found);
            }
        }
    }
    found.sort();
}

fn whole(disk: &dyn Disk) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    contents(disk, Path::new(""), &mut found);
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn both_disks_answer_alike(steps in vec(step(), 1..60)) {
        let directory = tempfile::tempdir().unwrap();
        let fake = FakeDisk::new();
        let mut sides = [Side::new(RealDisk::new(directory.path())), Side::new(fake.clone())];
        for (number, step) in steps.iter().enumerate() {
            let [real, fake] = sides.each_mut().map(|side| side.take(number, step));
            prop_assert_eq!(real, fake, "step {}: {:?}", number, step);
        }
        let [real, seen] = sides.map(|side| whole(&*side.disk));
        prop_assert_eq!(&real, &seen);

        let taken = FakeDisk::copy_of(directory.path()).unwrap();
        prop_assert_eq!(taken.hash(), fake.hash(), "copied from the real one");
        let other = tempfile::tempdir().unwrap();
        fake.copy_to(other.path()).unwrap();
        prop_assert_eq!(whole(&RealDisk::new(other.path())), real, "copied to a real one");
    }
}

fn each_disk(check: impl Fn(&dyn Disk)) {
    let directory = tempfile::tempdir().unwrap();
    check(&RealDisk::new(directory.path()));
    check(&FakeDisk::new());
}

#[test]
fn more_pieces_than_a_system_takes_at_once_are_all_written() {
    each_disk(|disk| {
        let file = disk.create(Path::new("file")).unwrap();
        let bytes: Vec<u8> = (0..5000).map(|number| number as u8).collect();
        let mut pieces: Vec<_> = bytes.chunks(2).map(IoSlice::new).collect();
        write_all(&*file, &mut pieces, 3).unwrap();
        assert_eq!(file.read(3, bytes.len()).unwrap(), bytes, "{disk:?}");
    });
}

#[test]
fn what_is_removed_or_renamed_stays_open() {
    each_disk(|disk| {
        let (one, two) = (created(disk, "one", b"1"), created(disk, "two", b"2"));
        disk.rename(Path::new("one"), Path::new("two")).unwrap();
        put(&*one, 1, b"!");
        put(&*two, 1, b"?");
        assert_eq!(disk.open(Path::new("two")).unwrap().read(0, 2).unwrap(), "1!", "{disk:?}");
        disk.remove(Path::new("two")).unwrap();
        assert_eq!(one.read(0, 2).unwrap(), "1!", "{disk:?}");
        assert_eq!(two.read(0, 2).unwrap(), "2?", "{disk:?}");
        one.sync_data().unwrap();
        assert!(disk.list(Path::new("")).unwrap().is_empty(), "{disk:?}");
        assert!(disk.free_bytes().unwrap() > 0, "{disk:?}");
    });
}

#[test]
fn a_length_from_a_damaged_header_takes_no_memory() {
    each_disk(|disk| {
        let file = created(disk, "file", b"short");
        for len in [6, 1 << 30, 1 << 46, isize::MAX as usize, usize::MAX] {
            let error = file.read(0, len).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{disk:?} {len}");
        }
        let error = file.read(u64::MAX, 2).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{disk:?}");
    });
}
