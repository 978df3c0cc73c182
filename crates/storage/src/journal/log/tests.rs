//! The log on a disk that tears, loses, alters and refuses.

mod crash;
mod damage;
mod durable;
mod forged;
mod frame;
mod refusing;
mod round_trip;
mod spares;
mod story;

use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::disk::{Disk, FakeDisk, write_all};

const FOLDER: &str = "journal";
const VERSION: u8 = 3;

/// A log on a disk, open for writing.
struct Log {
    writer: Writer,
    supply: Arc<Supply>,
    batch: Batch,
    floors: Floors,
}

/// A group that was handed out: its end, and the content of its frames.
type Read = (Mark, Vec<Vec<u8>>);

fn files(disk: &FakeDisk) -> Files {
    Files::new(Arc::new(disk.clone()), FOLDER, Identity::new(7))
}

fn path(generation: u64) -> PathBuf {
    Path::new(FOLDER).join(format!("{generation:016}.log"))
}

fn settings(capacity: u32) -> Settings {
    Settings { capacity, spares: 2, sync: SyncPolicy::Always }
}

/// Nothing is synced before it is acknowledged, unless it has to be.
fn relaxed(capacity: u32) -> Settings {
    Settings { sync: SyncPolicy::Within(Duration::from_secs(3600)), ..settings(capacity) }
}

/// Reads the log and keeps everything.
fn read(disk: &FakeDisk, from: Mark) -> Result<(Vec<Read>, Recovered), ReadError> {
    let mut groups = Vec::new();
    let recovered = recover(&files(disk), from, |group: Group<'_>| {
        let expected = |frame: &Frame| (frame.kind, frame.version) == (Kind::UNIT, VERSION);
        assert!(group.frames.iter().all(expected));
        assert!(group.frames.is_sorted_by_key(|frame| frame.place));
        assert!(group.frames.iter().all(|frame| frame.place < group.end.place));
        let contents = group.frames.iter().map(|frame| frame.content.to_vec()).collect();
        groups.push((group.end, contents));
        Ok::<_, ReadError>(())
    })?;
    Ok((groups, recovered))
}

/// What lies on a disk, and nothing of its history, with this file's bytes instead of its own.
fn replaced(disk: &FakeDisk, path: &Path, bytes: &[u8]) -> FakeDisk {
    let disk = disk.at_rest();
    disk.remove(path).unwrap();
    let file = disk.create(path).unwrap();
    write_all(&*file, &mut [IoSlice::new(bytes)], 0).unwrap();
    disk
}

impl Recovered {
    /// What a log that may have lost something counts above from now on.
    fn next_floors(&self) -> Floors {
        let Floors { unit, space } = self.run.floors;
        if self.may_have_lost() { Floors { unit: unit + 1, space } } else { self.run.floors }
    }
}

impl Log {
    /// Recovers and opens.
    fn open(disk: &FakeDisk, from: Mark, settings: Settings) -> Result<(Self, Vec<Read>), String> {
        let (groups, recovered) = read(disk, from).map_err(|error| error.to_string())?;
        let floors = recovered.next_floors();
        let (writer, supply) =
            open(&files(disk), recovered, settings, floors).map_err(|error| error.to_string())?;
        Ok((Self { writer, supply, batch: Batch::default(), floors }, groups))
    }

    fn new(disk: &FakeDisk, capacity: u32) -> Self {
        Self::open(disk, Mark::default(), settings(capacity)).unwrap().0
    }

    /// Writes a group without syncing it.
    fn append<C: AsRef<[u8]>>(&mut self, contents: &[C]) -> Result<Written, WriteError> {
        self.batch.clear();
        for content in contents {
            self.batch.push(Kind::UNIT, VERSION, content.as_ref(), &[]).unwrap();
        }
        self.writer.append(&mut self.batch)
    }

    /// The last group that is durable.
    fn durable(&self) -> u64 {
        self.writer.durability().group().unwrap()
    }

    /// Writes a group, until it can be acknowledged.
    fn write<C: AsRef<[u8]>>(&mut self, contents: &[C]) -> Result<Written, WriteError> {
        let written = self.append(contents)?;
        self.writer.settle()?;
        Ok(written)
    }
}

/// Bytes that differ from frame to frame.
fn content(session: u8, group: u64, index: usize, len: usize) -> Vec<u8> {
    let seed = [session, group as u8, index as u8, 0xA5];
    (0..len).map(|at| seed[at % 4].wrapping_add((at / 4) as u8)).collect()
}

/// The contents of a group.
fn contents(session: u8, group: u64, lens: &[usize]) -> Vec<Vec<u8>> {
    let one = |(index, len): (usize, &usize)| content(session, group, index, *len);
    lens.iter().enumerate().map(one).collect()
}
