//! Opening a recovered log for writing: from here on the disk changes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use super::durable::SyncPolicy;
use super::frame::{BEGIN, Floors, Run};
#[cfg(test)]
use super::planted::{Fault, planted};
use super::prepare::{Inventory, Spare};
use super::{Files, Recovered, Supply, Writer, seal};
use crate::disk::{DiskFile, write_all};
#[cfg(test)]
use crate::journal::planted as adapter;

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Bytes of a file, at least 64. It may differ from one opening to the next.
    pub(crate) capacity: u32,
    /// How many files are kept ready to be written, and how many old ones to become such: at least one.
    pub(crate) spares: usize,
    /// When what is written is made durable.
    pub(crate) sync: SyncPolicy,
}

/// Opens a log for writing, which was recovered and not changed since.
///
/// What was recovered may be given to readers only when this has returned: until then a crash may take back what was not synced.
/// Floors that are not those of the log are with its next group, at the latest when it is closed.
///
/// # Errors
/// Those of the disk. The log may be recovered again.
pub(crate) fn open(
    files: &Files,
    recovered: Recovered,
    settings: Settings,
    floors: Floors,
) -> io::Result<(Writer, Arc<Supply>)> {
    let Settings { capacity, spares, sync } = settings;
    let capacity = capacity.max(BEGIN as u32);
    files.create()?;
    seal::remove(files)?;
    files.remove_draft()?;
    settle(files, &recovered)?;
    let ready =
        if recovered.sealed { ready(files, &recovered, capacity)? } else { VecDeque::new() };
    let kept = recovered.end.place.generation + ready.len() as u64;
    // From the last one on, one at a time: so the generations on the disk stay contiguous.
    for generation in recovered.behind.iter().rev().filter(|generation| **generation > kept) {
        files.remove(*generation)?;
        files.sync_names()?;
    }
    let (old, used) = (recovered.old.into(), recovered.used.into());
    let found = Inventory { old, used, ready, next: kept + 1 };
    let supply = Arc::new(Supply::new(files.clone(), capacity, spares, found));
    let run = Run { relaxed: sync != SyncPolicy::Always, floors };
    let mut writer = Writer::new(files.clone(), Arc::clone(&supply), recovered.end, (sync, run));
    writer.owes = floors != recovered.run.floors;
    Ok((writer, supply))
}

/// Makes durable what an earlier run may have written, or named, without a sync. Only groups that no frame calls durable can be such.
///
/// They are written again: where their sync failed, and nothing but the program was restarted, they are read back though they may never
/// have reached the disk, and a later sync that succeeds says nothing about it.
fn settle(files: &Files, recovered: &Recovered) -> io::Result<()> {
    #[cfg(test)]
    if planted(Fault::SkipsSyncAtOpening) {
        return Ok(());
    }
    if let Some(last) = recovered.used.last() {
        let file = files.open(*last)?;
        if let Some(from) = recovered.uncertain.filter(|_| !recovered.sealed) {
            rewrite(&*file, from.offset, recovered.end.place.offset)?;
        }
        file.sync_data()?;
    }
    files.sync_names()
}

/// Writes what a range of a file holds once more.
fn rewrite(file: &dyn DiskFile, from: u32, to: u32) -> io::Result<()> {
    #[cfg(test)]
    if adapter::planted(adapter::Fault::SkipsRewriting) {
        return Ok(());
    }
    let bytes = file.read(from.into(), to.saturating_sub(from) as usize)?;
    write_all(file, &mut [IoSlice::new(&bytes)], from.into())
}

/// The spares of a clean stop that can still be used. Without one it is not known what a crash left in them.
fn ready(files: &Files, recovered: &Recovered, capacity: u32) -> io::Result<VecDeque<Spare>> {
    let mut ready = VecDeque::new();
    let expected = recovered.end.place.generation + 1..;
    for (generation, _) in
        expected.zip(&recovered.behind).take_while(|(next, found)| next == *found)
    {
        let file = files.open(generation)?;
        if file.size()? != u64::from(capacity) {
            break;
        }
        ready.push_back(Spare { generation, file, capacity });
    }
    Ok(ready)
}
