//! Crashes at every moment, and crashes after crashes.

use super::story::{CAPACITY, STORY, Step, Told, life, run};
use super::*;
use crate::disk::fake::Image;
use crate::journal::log::planted::{self, Fault};

/// What a log does after a crash, before the next one.
const AFTERWARDS: &[Step] =
    &[Step::Write(&[20, 30]), Step::Write(&[500]), Step::Prepare, Step::Write(&[500, 3])];

/// Both ways to write.
const ALWAYS: fn(u32) -> Settings = settings;
const LATER: fn(u32) -> Settings = relaxed;

/// How many images were looked at, by how many crashes lie behind them, and how many groups were cut.
#[derive(Debug, Default)]
struct Seen {
    once: usize,
    twice: usize,
    cuts: usize,
    unacknowledged: usize,
    lost: usize,
}

/// Lives the story, and crashes at every moment of it; each time the log goes on, and some of those lives crash at every moment too.
fn crash_everywhere(
    settings: fn(u32) -> Settings,
    story: &[Step],
    images: usize,
    often: u64,
) -> Result<Seen, String> {
    let mut seen = Seen::default();
    let disk = FakeDisk::new();
    let mut history = vec![Told::default()];
    run(&disk, (1, settings(CAPACITY)), story, &mut Told::default(), &mut history)?;
    let mut crashes = disk.crashes(1);
    while let Some(moment) = crashes.next_moment() {
        let told = &history[moment.marks().last().map_or(0, |mark| *mark as usize)];
        for image in moment.images(images) {
            seen.once += 1;
            let twice = image.hash() % often == 0;
            survive(settings(CAPACITY), &image, told, twice, &mut seen)
                .map_err(|error| format!("{image}: {error}"))?;
        }
    }
    Ok(seen)
}

/// Recovers what a crash left, goes on, and perhaps crashes again.
fn survive(
    settings: Settings,
    image: &Image,
    told: &Told,
    again: bool,
    seen: &mut Seen,
) -> Result<(), String> {
    let disk = image.disk();
    let (_, recovered) = check(disk, told)?;
    seen.cuts += usize::from(recovered.cut.is_some());
    seen.unacknowledged += usize::from(recovered.end.group > told.acknowledged);
    seen.lost += usize::from(recovered.end.group < told.acknowledged);
    let mut told = told.clone();
    let mut history = vec![told.clone()];
    run(disk, (2, settings), AFTERWARDS, &mut told, &mut history)?;
    check(disk, &told)?;
    let mut crashes = disk.crashes(2);
    while let Some(moment) = crashes.next_moment().filter(|_| again) {
        let told = &history[moment.marks().last().map_or(0, |mark| *mark as usize)];
        for second in moment.images(3) {
            seen.twice += 1;
            let mut told = told.clone();
            let disk = second.disk();
            check(disk, &told)
                .and_then(|_| run(disk, (3, settings), AFTERWARDS, &mut told, &mut Vec::new()))
                .and_then(|()| check(disk, &told))
                .map_err(|error| format!("{second}: {error}"))?;
        }
    }
    Ok(())
}

fn check(disk: &FakeDisk, told: &Told) -> Result<(Vec<Read>, Recovered), String> {
    let (groups, recovered) = read(disk, told.from).map_err(|error| error.to_string())?;
    told.check(&groups, recovered.end)?;
    told.knows(&recovered)?;
    Ok((groups, recovered))
}

#[test]
fn nothing_that_was_durable_is_lost_and_nothing_else_is_found() {
    let seen = crash_everywhere(ALWAYS, STORY, 24, 24).unwrap();
    assert!(seen.once > 500 && seen.twice > 1_000, "{seen:?}");
    assert!(seen.cuts > 100 && seen.unacknowledged > 20 && seen.lost == 0, "{seen:?}");
}

#[test]
fn where_syncs_come_later_the_beginning_of_what_was_written_is_found_and_that_there_may_have_been_more()
 {
    let seen = crash_everywhere(LATER, STORY, 24, 24).unwrap();
    assert!(seen.once > 500 && seen.twice > 1_000, "{seen:?}");
    assert!(seen.cuts > 100 && seen.unacknowledged > 20 && seen.lost > 100, "{seen:?}");
}

#[test]
fn other_lives_are_survived_too() {
    for seed in 1..=3 {
        let life = life(seed, 30);
        for settings in [ALWAYS, LATER] {
            let seen = crash_everywhere(settings, &life, 8, 64);
            assert!(seen.is_ok_and(|seen| seen.once > 100), "seed {seed}: {life:?}");
        }
    }
}

#[test]
fn a_missing_safeguard_is_noticed() {
    for (fault, settings) in [
        (Fault::SkipsSync, ALWAYS),
        (Fault::SkipsSyncAtOpening, ALWAYS),
        (Fault::SkipsSync, LATER),
        (Fault::SkipsSyncAtOpening, LATER),
        (Fault::SkipsFirstSync, LATER),
        (Fault::SkipsSyncAtSwitch, LATER),
        (Fault::ClaimsDurability, LATER),
    ] {
        let found = planted::with(fault, || crash_everywhere(settings, STORY, 12, u64::MAX));
        assert!(found.is_err(), "{fault:?}: {found:?}");
    }
}

#[test]
fn files_do_not_pile_up_when_every_start_ends_in_a_crash() {
    let mut disk = FakeDisk::new();
    for _ in 0..50 {
        let (mut log, _) = Log::open(&disk, Mark::default(), settings(CAPACITY)).unwrap();
        log.supply.prepare_one().unwrap();
        log.supply.prepare_one().unwrap();
        disk = disk.at_rest();
        assert_eq!(disk.files().len(), 2);
        assert!(log.append(&[b"lost with the disk that it went to"]).is_ok());
    }
}
