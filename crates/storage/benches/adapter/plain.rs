//! The floor: the same bytes in the same groups, written over a file that was filled with zeros before, and synced.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use headwater_storage::testkit::make::pattern;

use super::args::Args;
use super::meter::{self, Times};
use super::outcome::Outcome;
use super::{Fault, RECORD};

/// Larger than what any processor caches; written again from its start when it is full.
const FILE: u64 = 64 << 20;

/// Writes groups for as long as it should.
pub(crate) fn measure(args: &Args) -> Result<Outcome, Fault> {
    let path = args.dir.join("plain");
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    file.write_all(&vec![0; FILE as usize])?;
    file.sync_all()?;
    let length = args.group * RECORD;
    let bytes = pattern(1, length);

    let (mut offset, mut written) = (0, 0);
    let mut write = || -> Result<(u64, u64), Fault> {
        if offset + length as u64 > FILE {
            offset = 0;
        }
        let begun = Instant::now();
        file.write_all_at(&bytes, offset)?;
        let before_sync = Instant::now();
        file.sync_data()?;
        offset += length as u64;
        written += length as u64;
        Ok((nanos(begun), nanos(before_sync)))
    };
    let begun = Instant::now();
    while begun.elapsed() < args.warm_up {
        write()?;
    }
    let (mut groups, mut sync_nanos, mut last) = (Vec::new(), 0, 0);
    let begun = Times::now()?;
    while begun.at.elapsed() < args.secs {
        let (group, sync) = write()?;
        groups.push(group);
        sync_nanos += sync;
        last += u64::from(begun.at.elapsed() >= args.secs.mul_f64(0.8));
    }
    let ended = Times::now()?;
    let outcome = Outcome {
        records: (groups.len() * args.group) as u64,
        seconds: 0.0,
        syncs: (groups.len() as u64, sync_nanos),
        groups,
        cpu: Duration::ZERO,
        driver: Duration::ZERO,
        others: 0.0,
        resident: meter::peak()?,
        backlog: 0,
        late: 0,
        last: (last * args.group as u64) as f64 / args.secs.as_secs_f64() * 5.0,
        stored: (meter::stored(&args.dir)?, written),
        wrong: 0,
    };
    // It has no driver beside it: all it does is what is measured.
    let timed = outcome.timed(&begun, &ended);
    Ok(Outcome { cpu: timed.cpu + timed.driver, driver: Duration::ZERO, ..timed })
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
