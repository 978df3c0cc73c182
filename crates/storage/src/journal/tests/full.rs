//! A disk that is full, and one that cannot be read in places.

use std::path::Path;
use std::time::Duration;

use headwater_core::StreamKey;
use headwater_core::storage::{ReadRange, Refusal, StorageError, UnitResult};

use super::counts::Counts;
use super::crash::{Extent, NO_MORE, USUAL, Walk, script};
use super::life::Life;
use super::model::Model;
use super::recover::chunk_files;
use super::{begin_a_round, options, patient, wait_for_spares, wait_until};
use crate::disk::fake::Call;
use crate::journal::chunks;
use crate::journal::room::RESERVE;
use crate::testkit::differential::Round;
use crate::testkit::differential::side::{Fate, Side};
use crate::testkit::{Rig, make};

/// Plays a script without restarts, and counts the units that were committed and those that were refused for want of room.
fn play(life: &Life, side: &mut Side<'_>, seed: u64) -> (usize, usize) {
    let (mut committed, mut full) = (0, 0);
    let script = script(seed, USUAL);
    for round in script.rounds.iter().filter(|round| !matches!(round, Round::Restart)) {
        for fate in life.round(side, round).unwrap().fates {
            match fate {
                Fate::Committed { .. } => committed += 1,
                Fate::Otherwise(UnitResult::Refused(Refusal::Full)) => full += 1,
                Fate::Otherwise(UnitResult::Conflict) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    let known = life.known();
    let model = Model::of(&life.told(), known.reported).unwrap();
    model.check(side.rig(), model.units(known.reported), known.reported).unwrap();
    (committed, full)
}

#[test]
fn a_full_disk_refuses_and_recovers_by_itself() {
    let life = Life::new(options());
    let mut side = life.side().unwrap();
    let (before, none) = play(&life, &mut side, 1);
    life.disk.leave_free(RESERVE - 1);
    let (_, refused) = play(&life, &mut side, 2);
    life.disk.leave_free(1 << 40);
    let (after, none_again) = play(&life, &mut side, 3);
    assert!(before > 10 && none == 0, "{before} committed, {none} refused");
    assert!(refused > 3, "{refused} refused");
    assert!(after > 10 && none_again == 0, "{after} committed, {none_again} refused");
    drop(side);
    let extent = Extent { images: 2, ..NO_MORE };
    Walk::new(&life, 1, extent, &mut Counts::default()).last(30).everywhere().unwrap();
}

/// Lets packing meet a disk that is full to the last byte: the round stays undone.
fn pack_on_a_full_disk(life: &Life, rig: &Rig<'_>) {
    begin_a_round(life, rig);
    life.disk.leave_free(0);
    let writes = life.disk.calls(Call::Write);
    life.disk.release();
    wait_until("a write that finds no room", || life.disk.calls(Call::Write) > writes);
}

fn streams(rig: &Rig<'_>, count: usize) -> Vec<StreamKey> {
    let keys: Vec<_> = (0..count).map(|n| make::key(&format!("s/{n}")).unwrap()).collect();
    let units = keys.iter().map(|key| make::unit([make::creation(key, make::birth())]));
    let results = rig.commit(units.collect()).unwrap();
    assert!(results.iter().all(|result| matches!(result, UnitResult::Committed(_))));
    keys
}

#[test]
fn packing_goes_on_when_there_is_room_again() {
    let life = Life::new(patient());
    let side = life.side().unwrap();
    pack_on_a_full_disk(&life, side.rig());
    let packed = chunk_files(&life.disk).0;
    // Enough for the round, and not for anything else.
    life.disk.leave_free(RESERVE / 2);
    wait_until("the round", || chunk_files(&life.disk).0 > packed);
    life.disk.leave_free(1 << 40);
    side.rig().append(&make::key("large").unwrap(), make::batch(2, &[10]).unwrap()).unwrap();
    side.close().unwrap();
    let extent = Extent { images: 2, ..NO_MORE };
    Walk::new(&life, 1, extent, &mut Counts::default()).everywhere().unwrap();
}

/// What waits to be packed asks for room twice, as it lies in the journal. A producer that was refused and tried again without a pause kept the store from
/// being idle, so that nothing was packed, and was refused for good.
#[test]
fn what_is_refused_for_what_is_not_packed_has_it_packed() {
    const UNPACKED: usize = 50_000;
    let mut options = patient();
    options.idle = Duration::from_secs(3600);
    let life = Life::new(options);
    let side = life.side().unwrap();
    let rig = side.rig();
    let key = make::key("a").unwrap();
    rig.create(&key, make::birth()).unwrap();
    wait_for_spares(&life);
    rig.append(&key, make::batch(1, &[UNPACKED]).unwrap()).unwrap();
    life.disk.leave_free(RESERVE + UNPACKED as u64 * 3 / 2);
    wait_until("room", || {
        let version = rig.version(&key).unwrap();
        let more = make::append(&key, version, make::batch(2, &[10]).unwrap());
        match rig.try_unit(make::unit([more])).unwrap() {
            UnitResult::Committed(_) => true,
            UnitResult::Refused(Refusal::Full) => false,
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(chunk_files(&life.disk).0, 1);
    side.close().unwrap();
}

#[test]
fn what_makes_room_is_not_held_up_by_a_full_disk() {
    let life = Life::new(patient());
    let side = life.side().unwrap();
    let rig = side.rig();
    let keys = streams(rig, 400);
    pack_on_a_full_disk(&life, rig);
    // More than memory is to hold: whoever waited for packing now would wait for ever.
    for (key, number) in keys.iter().zip(0..) {
        let version = rig.version(key).unwrap();
        let result = rig.try_unit(make::unit([make::removal(key, version)])).unwrap();
        assert!(matches!(result, UnitResult::Committed(_)), "{number}: {result:?}");
    }
    let adds = make::unit([make::creation(&keys[0], make::birth())]);
    let refused = UnitResult::Refused(Refusal::Full);
    assert_eq!(rig.try_unit(adds).unwrap(), refused);
}

#[test]
fn a_full_disk_does_not_hold_up_the_end() {
    let life = Life::new(patient());
    let side = life.side().unwrap();
    pack_on_a_full_disk(&life, side.rig());
    // There is no room for a seal either, so it is no clean end.
    let closed = side.close().unwrap_err().to_string();
    assert!(!closed.contains("was not answered"), "{closed}");
    life.disk.leave_free(1 << 40);
    let side = life.side().unwrap();
    let content = side.rig().content(&make::key("large").unwrap()).unwrap();
    assert_eq!(content, make::pattern(1, 9_000));
    side.close().unwrap();
}

#[test]
fn what_cannot_be_read_fails_and_nothing_else_does() {
    const LEN: usize = 200_000;
    let mut options = options();
    options.recent_bytes = 0;
    let life = Life::new(options);
    let side = life.side().unwrap();
    let (key, other) = (make::key("a").unwrap(), make::key("b").unwrap());
    side.rig().create(&key, make::birth()).unwrap();
    side.rig().create(&other, make::birth()).unwrap();
    side.rig().append(&key, make::batch(7, &[LEN / 4; 4]).unwrap()).unwrap();
    // The end waits for the round, so all of it is read from the file.
    side.close().unwrap();
    let side = life.side().unwrap();
    let rig = side.rig();
    let chunk = |path: &Path, size| path.starts_with(chunks::FOLDER) && size > LEN as u64;
    let mut files = life.disk.files().into_iter();
    let (file, _) = files.find(|(path, size)| chunk(path, *size)).unwrap();
    life.disk.fail_reads(&file, 100_000..100_001).unwrap();
    let lineage = rig.live(&key).unwrap().ranges.own();
    let read = |from: usize, to: usize| {
        let (from, to) = (from as u64, to as u64);
        let range = ReadRange { lineage, from, to, budget: 1 << 20 };
        rig.pages(range).unwrap().map(|(bytes, _)| bytes)
    };
    let content = make::pattern(7, LEN);
    // Each record has a block of its own: two of them are more than one may hold.
    let block = LEN / 4;
    assert_eq!(read(0, block).unwrap(), content[..block]);
    assert!(matches!(read(block, block + 10), Err(StorageError::Unavailable(_))));
    assert!(matches!(read(block - 10, LEN), Err(StorageError::Unavailable(_))));
    assert_eq!(read(2 * block, LEN).unwrap(), content[2 * block..]);
    rig.append(&other, make::batch(8, &[10]).unwrap()).unwrap();
    rig.append(&key, make::batch(9, &[10]).unwrap()).unwrap();
    life.disk.heal_reads();
    assert_eq!(read(0, LEN).unwrap(), content);
    side.close().unwrap();
}
