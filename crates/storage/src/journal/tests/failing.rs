//! Calls that fail, each at every place of a life, and writes that fall short.

use headwater_core::storage::{Refusal, UnitResult};

use super::counts::Counts;
use super::crash::{Extent, USUAL, Walk, script};
use super::life::Life;
use super::model::Model;
use super::options;
use crate::disk::fake::Call;
use crate::testkit::Failure;
use crate::testkit::differential::Round;
use crate::testkit::differential::side::{Fate, Side};

const EXTENT: Extent = Extent { rounds: 30, images: 4, second: 0, ..USUAL };

/// What became of groups, as long as nothing and after something failed.
#[derive(Debug, Default)]
struct Told {
    unknown: usize,
    poisoned: usize,
    unopened: usize,
}

/// Plays a script without restarts. When something is unknown, everything after it is refused.
fn play(life: &Life, seed: u64, told: &mut Told) -> Result<(), Failure> {
    let mut side = life.side()?;
    let mut poisoned = false;
    let script = script(seed, EXTENT);
    for round in script.rounds.iter().filter(|round| !matches!(round, Round::Restart)) {
        for fate in life.round(&mut side, round)?.fates {
            match fate {
                Fate::Otherwise(UnitResult::Unknown) if !poisoned => told.unknown += 1,
                Fate::Otherwise(UnitResult::Refused(Refusal::Poisoned)) => {
                    (poisoned, told.poisoned) = (true, told.poisoned + 1);
                }
                Fate::Committed { .. } | Fate::Otherwise(UnitResult::Conflict) if !poisoned => {}
                // No spare could be made: nothing was written.
                Fate::Otherwise(UnitResult::Refused(Refusal::Full)) if !poisoned => {}
                other => return Err(Failure::new(format!("{other:?}, poisoned: {poisoned}"))),
            }
        }
    }
    shows_what_was_reported(life, &side)
}

/// Whatever failed, readers see what was acknowledged, all of it, and nothing else.
fn shows_what_was_reported(life: &Life, side: &Side<'_>) -> Result<(), Failure> {
    let marks = life.known();
    let model = Model::of(&life.told(), marks.reported)?;
    let units = model.units(marks.reported);
    let groups = model.check(side.rig(), units, marks.reported);
    groups.map(drop).map_err(|failure| failure.during("reading after a failure"))
}

/// Lets each call of a kind fail in turn. What is there afterwards is what was acknowledged, or that and what is unknown.
fn fail_everywhere(call: Call) -> Told {
    let mut told = Told::default();
    for passing in 0.. {
        let life = Life::new(options());
        life.disk.fail_after(call, passing);
        let played = play(&life, passing % 5, &mut told);
        let failed = life.disk.calls(call) > passing;
        match played {
            Err(_) if life.told().is_empty() => told.unopened += 1,
            played => played.unwrap_or_else(|failure| panic!("{call:?} {passing}: {failure}")),
        }
        let mut counts = Counts::default();
        let walked = Walk::new(&life, passing, EXTENT, &mut counts).last(3).everywhere();
        walked.unwrap_or_else(|failure| panic!("{call:?} {passing}: {failure}"));
        if !failed {
            assert!(passing > 5, "{call:?}: only {passing}");
            break;
        }
    }
    println!("{call:?}: {told:?}");
    told
}

#[test]
fn whatever_sync_fails() {
    let told = fail_everywhere(Call::SyncData);
    assert!(told.unknown > 0 && told.poisoned > 0, "{told:?}");
}

#[test]
fn whatever_write_fails() {
    let told = fail_everywhere(Call::Write);
    assert!(told.unknown > 0 && told.poisoned > 0, "{told:?}");
}

#[test]
fn whatever_happens_to_names_fails() {
    let told = fail_everywhere(Call::SyncFolder);
    assert!(told.poisoned > 0 && told.unopened > 0, "{told:?}");
    let told = fail_everywhere(Call::Rename);
    assert!(told.poisoned > 0, "{told:?}");
    fail_everywhere(Call::Create);
}

#[test]
fn short_writes_are_gone_on_with() {
    let life = Life::new(options());
    life.disk.shorten_writes(700);
    life.play(&script(3, USUAL)).unwrap();
    let mut counts = Counts::default();
    let extent = Extent { images: 2, second: 0, ..USUAL };
    Walk::new(&life, 3, extent, &mut counts).everywhere().unwrap();
    assert!(counts.images() > 80, "{counts}");
}
