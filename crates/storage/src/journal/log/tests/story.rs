//! The life of a log, as the tests of crashes and of failing disks need it: everything that the log does to a disk.

use super::*;

/// What a session does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Writes a group with contents of so many words of four bytes, until it can be acknowledged.
    Write(&'static [usize]),
    /// Makes durable what was written.
    Sync,
    /// Prepares a spare, as the thread beside the writer would.
    Prepare,
    /// Remembers the log's end as the place to recover from, and gives back the files in front of it.
    Release,
    /// Stops in good order, and opens the log again.
    Restart,
    /// Writes a group, is killed before it is synced, and opens the log again.
    Kill(&'static [usize]),
}

use Step::{Kill, Prepare, Release, Restart, Sync, Write};

/// Files without spares, with spares, and recycled; a group in several sectors, one that fills a file, and one that is larger.
pub(super) const STORY: &[Step] = &[
    Write(&[20, 30]),
    Prepare,
    Prepare,
    Write(&[300, 10]),
    Write(&[700, 1]),
    Write(&[40]),
    Release,
    Prepare,
    Write(&[600, 300]),
    Write(&[2100, 7]),
    Write(&[400]),
    Release,
    Prepare,
    Prepare,
    Restart,
    Write(&[900]),
    Write(&[200; 4]),
    Write(&[50]),
    Restart,
    Write(&[50; 3]),
    Release,
    Prepare,
    Write(&[998]),
    Write(&[333, 333]),
    Kill(&[100, 100]),
    Write(&[10]),
    Prepare,
    Kill(&[900, 2]),
    Kill(&[5000]),
    Write(&[20, 400]),
    Sync,
    Write(&[300]),
    Write(&[2, 2]),
    Write(&[120, 9]),
];

/// Bytes of a file: eight sectors.
pub(super) const CAPACITY: u32 = 4096;

/// The unit of the lengths in a story.
const WORD: usize = 4;

/// Groups of chance: within a sector, over several, as large as a file, larger.
const SHAPES: [&[usize]; 9] =
    [&[1], &[20], &[110, 2], &[250], &[60; 5], &[700], &[500, 480], &[998], &[1500, 30]];

/// A story of so many steps, by chance.
pub(super) fn life(seed: u64, steps: usize) -> Vec<Step> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let mut step = || {
        let shape = SHAPES[draw(SHAPES.len() as u64) as usize];
        match draw(20) {
            0..10 => Write(shape),
            10 => Sync,
            11..14 => Prepare,
            14..16 => Release,
            16..17 => Restart,
            _ => Kill(shape),
        }
    };
    (0..steps).map(|_| step()).collect()
}

/// What is known at a moment to have happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// From where the log is recovered.
    pub(super) from: Mark,
    /// The last group that was durable.
    pub(super) durable: u64,
    /// All groups that were begun, with the session that wrote them: those behind the last durable one may not be.
    pub(super) groups: Vec<(u8, &'static [usize])>,
    /// The last group that was acknowledged, by a run that counted above these floors.
    pub(super) acknowledged: u64,
    pub(super) floors: Floors,
}

impl Told {
    /// Whether a log that was recovered knows what it may have lost, and of which run.
    pub(super) fn knows(&self, recovered: &Recovered) -> Result<(), String> {
        let lost = self.acknowledged > recovered.end.group;
        if lost && !recovered.may_have_lost() || recovered.run.floors < self.floors {
            return Err(format!("{recovered:?} does not know what it has lost: {self:?}"));
        }
        Ok(())
    }

    /// Whether these are the groups that must be there now: all durable ones, and the beginning of the others that were begun.
    pub(super) fn check(&self, groups: &[Read], end: Mark) -> Result<(), String> {
        let first = self.from.group + 1;
        let last = self.groups.len() as u64;
        if end.group < self.durable || end.group > last {
            let Self { durable, .. } = self;
            return Err(format!("found {} groups where {durable} to {last} belong", end.group));
        }
        for (number, (mark, found)) in (first..).zip(groups) {
            let (session, lens) = self.groups[number as usize - 1];
            if mark.group != number || *found != words(session, number, lens) {
                return Err(format!("group {number} is not what was written"));
            }
        }
        let found = groups.len() as u64;
        if found == end.group - self.from.group {
            Ok(())
        } else {
            Err(format!("{found} groups were handed out and the log ends with {end:?}"))
        }
    }

    /// The log was found to end so: what was begun and is not there will be written anew.
    pub(super) fn settle(&mut self, end: Mark) {
        self.durable = end.group;
        self.acknowledged = end.group;
        self.groups.truncate(end.group as usize);
    }
}

/// Runs the steps as one session after what is told, and puts the number of each entry of `history` into the disk's history.
pub(super) fn run(
    disk: &FakeDisk,
    (session, settings): (u8, Settings),
    steps: &[Step],
    told: &mut Told,
    history: &mut Vec<Told>,
) -> Result<(), String> {
    let enter = |told: &mut Told| enter(disk, told, settings);
    let mut log = enter(told)?;
    let mut tell = |told: &Told| {
        disk.mark(history.len() as u64);
        history.push(told.clone());
    };
    for step in steps {
        match step {
            Write(lens) => {
                let number = told.groups.len() as u64 + 1;
                told.groups.push((session, lens));
                tell(told);
                let written = log.write(&words(session, number, lens));
                told.acknowledged = written.map_err(|error| error.to_string())?.end.group;
                told.durable = log.durable();
                told.floors = log.floors;
            }
            Sync => {
                log.writer.sync().map_err(|error| error.to_string())?;
                told.durable = log.durable();
            }
            Prepare => drop(log.supply.prepare_one().map_err(|error| error.to_string())?),
            Release => {
                // Nothing is given up that is not durable elsewhere, and nothing is that is not durable here.
                log.writer.sync().map_err(|error| error.to_string())?;
                told.durable = log.durable();
                told.from = log.writer.end();
                tell(told);
                let below = told.from.place.generation;
                log.supply.release(below).map_err(|error| error.to_string())?;
            }
            Kill(lens) => {
                let number = told.groups.len() as u64 + 1;
                told.groups.push((session, lens));
                tell(told);
                let written = log.append(&words(session, number, lens));
                written.map_err(|error| error.to_string())?;
                log = enter(told)?;
            }
            Restart => {
                log.writer.close().map_err(|error| error.to_string())?;
                log = enter(told)?;
            }
        }
        tell(told);
    }
    Ok(())
}

fn words(session: u8, number: u64, lens: &[usize]) -> Vec<Vec<u8>> {
    let lens: Vec<_> = lens.iter().map(|len| len * WORD).collect();
    contents(session, number, &lens)
}

fn enter(disk: &FakeDisk, told: &mut Told, settings: Settings) -> Result<Log, String> {
    let (log, groups) = Log::open(disk, told.from, settings)?;
    told.check(&groups, log.writer.end())?;
    told.settle(log.writer.end());
    Ok(log)
}
