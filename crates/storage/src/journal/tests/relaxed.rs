//! What is acknowledged before it is durable, and lost: nobody who has read it ever reads anything else in its place, and who has
//! read what is left goes on.

mod halfway;
mod readers;

use std::sync::Arc;
use std::time::Duration;

use headwater_core::{Slot, StreamState};

use self::readers::Readers;
use super::life::{Life, Told};
use super::recover::chunk_files;
use super::{options, wait_until};
use crate::disk::FakeDisk;
use crate::journal::catalogue::{Image, Shelf};
use crate::journal::handle::{JournalStorage, Options};
use crate::journal::log::SyncPolicy;
use crate::journal::planted::{self, Fault};
use crate::testkit::sight::{Given, Sight};
use crate::testkit::{Failure, Rig, SoleMemory, Story, make};

/// Steps of a life, and of those that follow its crashes.
const STEPS: u64 = 30;
const MORE: u64 = 4;

/// What was seen of many crashes.
#[derive(Debug, Default)]
struct Seen {
    images: usize,
    /// Of these something was lost that had been acknowledged.
    lossy: usize,
    /// Tokens that were lost, and those that were not, of all readers.
    lost: usize,
    kept: usize,
}

/// Nothing is synced that need not be, and much is packed.
fn never() -> Options {
    let sync = SyncPolicy::Within(Duration::from_secs(3600));
    Options { sync, recent_bytes: 1_500, ..options() }
}

fn always() -> Options {
    options()
}

/// Opens a disk whose catalogue is lost: it is made anew of the chunk files.
fn open(disk: &FakeDisk, options: Options) -> Result<Given, Failure> {
    let shelf = Shelf::holding(&Image::default());
    let storage = JournalStorage::over(Arc::new(disk.clone()), &shelf, options, None);
    let storage = storage.map_err(|error| Failure::new(format!("it does not open: {error}")))?;
    Ok(Given(Arc::new(storage)))
}

/// A sight without what a crash adds to the ranges of streams.
fn plain(mut sight: Sight) -> Sight {
    for (_, slot, ..) in &mut sight.streams {
        let of = |state: &StreamState| {
            let (inherited, own) = (state.ranges.inherited().into(), state.ranges.own());
            let ranges = headwater_core::offset::Ranges::with_inherited(inherited, own);
            Arc::new(StreamState { ranges, ..state.clone() })
        };
        *slot = match &*slot {
            Slot::Absent => Slot::Absent,
            Slot::Live(state) => Slot::Live(of(state)),
            Slot::SoftDeleted(state) => Slot::SoftDeleted(of(state)),
        };
    }
    sight
}

/// What was there after no group, the first, the second, and so on: memory's answer.
fn history(told: &[Told]) -> Result<Vec<Sight>, Failure> {
    let rig = Rig::open(&SoleMemory)?;
    let mut history = vec![Story::places()?.look(&rig)?];
    for Told { units, now } in told {
        rig.commit_at(units.clone(), *now)?;
        history.push(Story::places()?.look(&rig)?);
    }
    Ok(history)
}

/// Lives a story, crashes at many of its moments, goes on, and crashes again.
fn crash_everywhere(seed: u64, every: u64, seen: &mut Seen) -> Result<(), Failure> {
    let life = Life::new(never());
    let (mut readers, mut after) = (Readers::default(), Vec::new());
    {
        let rig = Rig::open(&life)?;
        let mut story = Story::brief(seed);
        for step in 0..=STEPS {
            readers.look(&Story::places()?.look(&rig)?);
            after.push((readers.count(), life.told().len()));
            life.disk.mark(step);
            story.go_on(&rig)?;
        }
    }
    let (history, mut crashes) = (history(&life.told())?, life.disk.crashes(seed));
    while let Some(moment) = crashes.next_moment() {
        let step = moment.marks().iter().rev().find(|mark| **mark <= STEPS);
        let Some((readers_then, groups)) = step.map(|step| after[*step as usize]) else { continue };
        for image in moment.images(3).iter().filter(|image| image.hash() % every == 0) {
            let readers = readers.first(readers_then);
            survive(image.disk(), seed, (&history, groups), readers, seen)
                .map_err(|failure| failure.during(&format!("seed {seed}, {image}")))?;
        }
    }
    Ok(())
}

/// Goes on after a crash, and after another one.
fn survive(
    disk: &FakeDisk,
    seed: u64,
    (history, groups): (&[Sight], usize),
    mut readers: Readers,
    seen: &mut Seen,
) -> Result<(), Failure> {
    seen.images += 1;
    let mut disk = disk.at_rest();
    // Both ways to go on: also without further losses those before stay what they were.
    let lives = [never(), if seed.is_multiple_of(2) { always() } else { never() }, always()];
    for (life, options) in (1..).zip(lives) {
        let named = |failure: Failure| failure.during(&format!("life {life}"));
        {
            let given = open(&disk, options).map_err(named)?;
            let rig = Rig::open(&given)?;
            let sight = Story::places()?.look(&rig).map_err(named)?;
            readers.crashed(&sight);
            readers.check(&sight).map_err(named)?;
            if life == 1 {
                let plain = plain(sight);
                let found = history.iter().rposition(|was| *was == plain);
                let found = found.ok_or_else(|| Failure::new("what is there never was"))?;
                seen.lossy += usize::from(found < groups);
            }
            let mut story = Story::brief(seed + life).after(life * 1_000);
            for _ in 0..MORE {
                story.go_on(&rig).map_err(named)?;
                let sight = Story::places()?.look(&rig).map_err(named)?;
                readers.check(&sight).map_err(named)?;
                readers.look(&sight);
            }
        }
        let mut crashes = disk.crashes(seed + life);
        let mut last = None;
        while let Some(moment) = crashes.next_moment() {
            // Everything that is not durable is lost.
            last = moment.images(1).first().map(|image| image.disk().at_rest());
        }
        disk = last.unwrap_or(disk);
    }
    let (lost, kept) = readers.lost();
    (seen.lost, seen.kept) = (seen.lost + lost, seen.kept + kept);
    Ok(())
}

#[test]
fn nobody_reads_other_bytes_where_bytes_were_lost_and_all_others_go_on() {
    let mut seen = Seen::default();
    // How much a life loses is a matter of when it packs, which threads decide.
    let enough = |seen: &Seen| seen.lossy > 5 && seen.lost > 80 && seen.kept > 800;
    let mut seeds = 1..=12;
    while !enough(&seen) {
        let seed = seeds.next().unwrap_or_else(|| panic!("too little was lost: {seen:?}"));
        crash_everywhere(seed, 6, &mut seen).unwrap();
    }
    println!("{seen:?}");
}

/// Packs what is in two files of the journal, of which the second one was not synced for itself, and loses what can be lost.
fn pack_and_crash() -> Result<(), Failure> {
    let options = Options { recent_bytes: 11_000, ..never() };
    let life = Life::new(options);
    let key = make::key("s")?;
    {
        let rig = Rig::open(&life)?;
        rig.create(&key, make::birth())?;
        for seed in 0..4 {
            rig.append(&key, make::batch(seed, &[3_000])?)?;
        }
        wait_until("a round", || chunk_files(&life.disk) == (1, 0));
    }
    let (mut crashes, mut images) = (life.disk.crashes(1), Vec::new());
    while let Some(moment) = crashes.next_moment() {
        images = moment.images(8);
    }
    for image in images {
        let named = |failure: Failure| failure.during(&image.to_string());
        let given = open(&image.disk().at_rest(), options).map_err(named)?;
        let tail = Rig::open(&given)?.live(&key)?.tail.position;
        if tail != 12_000 {
            return Err(named(Failure::new(format!("{tail} bytes are left of 12000 packed ones"))));
        }
    }
    Ok(())
}

#[test]
fn what_is_packed_is_durable_in_the_journal_too() {
    pack_and_crash().unwrap();
    let failure = planted::with(Fault::PacksUnsynced, pack_and_crash).unwrap_err().to_string();
    // What is there depends on whether the round was through before the last moment.
    let words = ["does not open", "are left of 12000 packed ones"];
    assert!(words.iter().any(|words| failure.contains(words)), "{failure}");
}

#[test]
fn what_keeps_it_so_is_missed() {
    for (fault, word) in [(Fault::KeepsLineages, "who is at"), (Fault::KeepsNumbers, "")] {
        let found = planted::with(fault, || {
            (1..=12).try_for_each(|seed| crash_everywhere(seed, 3, &mut Seen::default()))
        });
        let failure = found.expect_err(&format!("{fault:?} is noticed")).to_string();
        println!("{fault:?}: {failure}");
        assert!(failure.contains(word), "{fault:?}: {failure}");
    }
}
