//! Calls that fail, each at every place of a life, and writes that fall short.

use std::thread;

use headwater_core::storage::{Refusal, UnitResult};

use super::counts::Counts;
use super::crash::{Extent, NO_MORE, USUAL, Walk, script};
use super::life::Life;
use super::model::Model;
use super::options;
use crate::disk::fake::Call;
use crate::journal::handle::Options;
use crate::journal::planted::{self, Fault};
use crate::testkit::Failure;
use crate::testkit::differential::side::{Fate, Side};
use crate::testkit::differential::{Round, Script};

/// A life in which something fails.
const LIFE: Extent = Extent { rounds: 30, ..NO_MORE };

/// Packs so much that every call of a round comes several times.
fn often() -> Options {
    Options { recent_bytes: 1_000, ..options() }
}

/// What is looked at behind it: how the power goes, and how the program is only started again.
const BEHIND: Extent = Extent { rounds: 14, survives: 1, ..NO_MORE };

/// The threads of an adapter that change files, beside the one that opens it. Each does one thing after the other; so every call
/// fails once when the calls of each thread are counted by themselves.
const THREADS: [&str; 3] = ["journal-commit", "journal-pack", "journal-prepare"];

/// Least calls of a kind that are to fail, of all threads together.
const LEAST: u64 = 8;

/// What is played: with an end in good order and a beginning behind it in the middle.
fn story() -> Script {
    let mut script = script(4, LIFE);
    script.rounds.insert(script.rounds.len() / 2, Round::Restart);
    script
}

/// What became of groups, as long as nothing and after something failed.
#[derive(Debug, Default)]
struct Told {
    unknown: usize,
    poisoned: usize,
    unopened: usize,
    unclosed: usize,
}

/// Plays a script until it does not open, or does not close. When something is unknown, everything after it is refused.
fn play(life: &Life, told: &mut Told) -> Result<(), Failure> {
    let Ok(mut side) = life.side() else {
        told.unopened += 1;
        return Ok(());
    };
    life.settle();
    let mut poisoned = false;
    for round in &story().rounds {
        let played = life.round(&mut side, round);
        if played.is_ok() {
            life.settle();
        }
        match (round, played) {
            (Round::Restart, Err(_)) => {
                *(if life.is_open() { &mut told.unclosed } else { &mut told.unopened }) += 1;
                return Ok(());
            }
            (_, played) => {
                for fate in played?.fates {
                    note(&fate, &mut poisoned, told)?;
                }
            }
        }
    }
    shows_what_was_reported(life, &side)
}

fn note(fate: &Fate, poisoned: &mut bool, told: &mut Told) -> Result<(), Failure> {
    match fate {
        Fate::Otherwise(UnitResult::Unknown) if !*poisoned => told.unknown += 1,
        Fate::Otherwise(UnitResult::Refused(Refusal::Poisoned)) => {
            (*poisoned, told.poisoned) = (true, told.poisoned + 1);
        }
        Fate::Committed { .. } | Fate::Otherwise(UnitResult::Conflict) if !*poisoned => {}
        // No spare could be made: nothing was written.
        Fate::Otherwise(UnitResult::Refused(Refusal::Full)) if !*poisoned => {}
        other => return Err(Failure::new(format!("{other:?}, poisoned: {poisoned}"))),
    }
    Ok(())
}

/// Whatever failed, readers see what was acknowledged, all of it, and nothing else.
fn shows_what_was_reported(life: &Life, side: &Side<'_>) -> Result<(), Failure> {
    let known = life.known();
    let model = Model::of(&life.told(), known.reported)?;
    let groups = model.check(side.rig(), model.units(known.reported), known.reported);
    groups.map(drop).map_err(|failure| failure.during("reading after a failure"))
}

/// Lets each call of a kind fail in turn, of each thread. What is there afterwards is what was acknowledged, or that and what is unknown.
fn fail_everywhere(call: Call, behind: Extent) -> Result<Told, Failure> {
    let (mut told, mut failed) = (Told::default(), 0);
    let opens = thread::current().name().unwrap_or_default().to_owned();
    for thread in THREADS.into_iter().chain([&*opens]) {
        for passing in 0.. {
            let life = Life::new(often());
            life.disk.fail_after_on(thread, call, passing);
            let mut counts = Counts::default();
            play(&life, &mut told)
                .and_then(|()| Walk::new(&life, passing, behind, &mut counts).last(1).everywhere())
                .map_err(|failure| failure.during(&format!("{thread}, {call:?} {passing}")))?;
            if life.disk.failed() == 0 {
                println!("{thread}: {passing} of {call:?}");
                break;
            }
            failed += 1;
        }
    }
    println!("{call:?}: {failed} failed: {told:?}");
    assert!(failed >= LEAST, "{call:?}: only {failed}");
    Ok(told)
}

#[test]
fn whatever_sync_fails() {
    let told = fail_everywhere(Call::SyncData, BEHIND).unwrap();
    assert!(told.unknown > 0 && told.poisoned > 0, "{told:?}");
}

#[test]
fn whatever_write_fails() {
    let told = fail_everywhere(Call::Write, NO_MORE).unwrap();
    assert!(told.unknown > 0 && told.poisoned > 0, "{told:?}");
}

#[test]
fn whatever_sync_of_names_fails() {
    let told = fail_everywhere(Call::SyncFolder, BEHIND).unwrap();
    assert!(told.poisoned > 0 && told.unopened > 0, "{told:?}");
}

#[test]
fn whatever_happens_to_names_fails() {
    let told = fail_everywhere(Call::Rename, NO_MORE).unwrap();
    assert!(told.poisoned > 0, "{told:?}");
    for call in [Call::Create, Call::Remove] {
        fail_everywhere(call, NO_MORE).unwrap();
    }
}

#[test]
fn whatever_the_catalogue_refuses() {
    let mut told = Told::default();
    for passing in 0.. {
        let life = Life::new(often());
        life.past.fail_after(passing);
        play(&life, &mut told).unwrap();
        if !life.past.has_failed() {
            println!("{passing} edits and syncs failed: {told:?}");
            assert!(passing >= LEAST, "only {passing}");
            break;
        }
        Walk::new(&life, passing, NO_MORE, &mut Counts::default()).last(3).everywhere().unwrap();
    }
    assert!(told.poisoned > 0 && told.unopened > 0, "{told:?}");
}

/// Faults that show when a sync failed, the program was started again, and then the power went.
#[test]
fn what_a_failed_sync_was_for_is_not_taken_for_durable() {
    for (fault, call) in [
        (Fault::SkipsRewriting, Call::SyncData),
        (Fault::KeepsUncertainNames, Call::SyncFolder),
        (Fault::TrustsSeals, Call::SyncFolder),
    ] {
        let found = planted::with(fault, || fail_everywhere(call, BEHIND));
        let failure = found.expect_err(&format!("{fault:?} is noticed"));
        println!("{fault:?}: {failure}");
    }
}

#[test]
fn short_writes_are_gone_on_with() {
    let life = Life::new(options());
    life.disk.shorten_writes(700);
    life.play(&script(3, USUAL)).unwrap();
    let mut counts = Counts::default();
    let extent = Extent { images: 2, ..NO_MORE };
    Walk::new(&life, 3, extent, &mut counts).everywhere().unwrap();
    assert!(counts.images() > 80, "{counts}");
}
