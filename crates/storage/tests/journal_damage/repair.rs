//! `repair` makes a store of what is good: it opens, serves nothing but what was written, and whatever is not as it was is told.

use std::path::Path;
use std::sync::Arc;

use headwater_core::{Lineage, Slot, StreamKey};
use headwater_storage::journal::{Repaired, RestoreError, repair};
use headwater_storage::testkit::{Failure, Parts, Rig, make};

use super::store::{Store, folder, never_packing, read_all, write_all};
use super::trial::{Damage, open};

/// What became of a damaged copy.
struct Made {
    told: Repaired,
    slots: Vec<Slot>,
    seen: Parts,
}

/// Repairs a damaged copy, of which nothing is changed, and looks at what was made.
fn repaired(store: &Store, damages: &[Damage]) -> Made {
    let (root, to) = (folder(), folder());
    write_all(&store.with(damages), root.path());
    let before = read_all(root.path());
    let told =
        repair(root.path(), to.path()).unwrap_or_else(|error| panic!("{damages:?}: {error}"));
    assert!(read_all(root.path()) == before, "{damages:?}: something was changed");
    let again = |what: &str| {
        let storage = open(to.path(), never_packing());
        let storage = storage.unwrap_or_else(|error| panic!("{damages:?}: {what}: {error}"));
        let rig = Rig::open(&storage).unwrap();
        let slots = store.places.streams.iter().map(|key| rig.slot(key).unwrap()).collect();
        let made = (slots, store.places.look_at_each(&rig));
        if what == "first" {
            let key = make::key("later").unwrap();
            rig.create(&key, make::birth()).unwrap();
            rig.append(&key, make::batch(5, &[700]).unwrap()).unwrap();
        }
        rig.close().unwrap();
        made
    };
    let (slots, seen) = again("first");
    // What goes on in it is found again.
    let (after, _) = again("second");
    assert!(after == slots, "{damages:?}: it is another one when it is opened again");
    Made { told, slots, seen }
}

/// Whether all is as it was.
fn compare(store: &Store, damages: &[Damage], made: Made) -> bool {
    let Made { told, slots, seen } = made;
    let names = |key: &StreamKey| told.losses.iter().any(|loss| loss.stream.as_ref() == Some(key));
    let some = !told.losses.is_empty();
    let mut same = true;
    for ((found, slot), truth) in seen.streams.into_iter().zip(slots).zip(&store.sight.streams) {
        // Every stream of a copy may have gone on elsewhere.
        let mut truth = truth.clone();
        truth.1 = truth.1.after_loss(Lineage(u64::MAX));
        let (key, there, bytes, records, _) = &truth;
        if slot == *there {
            match found {
                Ok(found) => assert!(found == truth, "{damages:?}: {key} is served as another"),
                Err(Failure { .. }) => {
                    assert!(some, "{damages:?}: {key} cannot be read, and it is not told");
                    same = false;
                }
            }
            continue;
        }
        same = false;
        assert!(
            names(key) || told.losses.iter().any(|loss| loss.stream.is_none()),
            "{damages:?}: {key} is not told"
        );
        let (Ok((_, _, had, rows, _)), Some(now), Some(then)) =
            (&found, slot.state(), there.state())
        else {
            continue;
        };
        let comparable =
            now.ranges == then.ranges && matches!((&slot, there), (Slot::Live(_), Slot::Live(_)));
        if comparable {
            let skipped =
                (then.floor.position - now.floor.position.min(then.floor.position)) as usize;
            let had = had.get(skipped..).unwrap_or_default();
            assert!(bytes.starts_with(had), "{damages:?}: {key} has other bytes");
            let rows: Vec<_> =
                rows.iter().filter(|row| row.sequence > then.floor.sequence).collect();
            assert!(
                rows.iter().zip(records).all(|(now, then)| **now == *then),
                "{damages:?}: {key}"
            );
        }
    }
    for (found, space) in seen.spaces.into_iter().zip(&store.sight.spaces) {
        match found {
            Ok(found) if found == *space => {}
            _ => {
                assert!(some, "{damages:?}: a space is another, and nothing is told");
                same = false;
            }
        }
    }
    assert!(same || some, "{damages:?}");
    assert!(!some || !told.damage.is_empty(), "{damages:?}: {told:?}");
    same
}

#[test]
fn what_is_whole_stays_as_it_is() {
    let store = Store::one();
    let made = repaired(&store, &[]);
    assert_eq!(
        (&made.told.damage, &made.told.losses, &made.told.notes),
        (&vec![], &vec![], &vec![])
    );
    assert!(compare(&store, &[], made));
}

#[test]
fn what_says_whose_directory_it_is_is_known_otherwise() {
    let store = Store::one();
    for name in ["MANIFEST", "IDENTITY", "SEAL"] {
        let flips = [0, 8, 12].map(|at| Damage::Flip(name.into(), at));
        for damage in flips.into_iter().chain([Damage::Removed(name.into())]) {
            let crash = matches!(&damage, Damage::Removed(name) if name == Path::new("SEAL"));
            let damages = [damage];
            let made = repaired(&store, &damages);
            assert_eq!(made.told.damage.is_empty(), crash, "{damages:?}: {:?}", made.told);
            assert_eq!(made.told.losses, vec![], "{damages:?}");
            assert!(compare(&store, &damages, made), "{damages:?}");
        }
    }
    let gone = ["catalogue", "LOCK"].map(|name| Damage::Removed(name.into()));
    assert!(compare(&store, &gone, repaired(&store, &gone)));
}

#[test]
fn damage_in_the_journal_costs_what_follows_in_its_streams_alone() {
    let store: Arc<Store> = Store::one();
    let (end, offset) = store.end_of_log();
    let (mut as_it_was, mut different) = (0, 0);
    for (name, len) in store.named("journal") {
        let until = if name == end { offset } else { len };
        for at in (0..until).step_by(97) {
            let damages = [Damage::Flip(name.clone(), at)];
            let same = compare(&store, &damages, repaired(&store, &damages));
            if same { as_it_was += 1 } else { different += 1 }
        }
        let damages = [Damage::Removed(name.clone())];
        compare(&store, &damages, repaired(&store, &damages));
        let damages = [Damage::Cut(name.clone(), until / 2)];
        compare(&store, &damages, repaired(&store, &damages));
    }
    println!("{as_it_was} times as it was, {different} times not");
    assert!(different > 10);
}

#[test]
fn damage_in_chunk_files_costs_a_range_or_what_builds_on_it() {
    let store = Store::one();
    let (mut as_it_was, mut ranges, mut files) = (0, 0, 0);
    for (name, len) in store.named("chunks") {
        for at in (0..len).step_by(61) {
            let damages = [Damage::Flip(name.clone(), at)];
            let made = repaired(&store, &damages);
            let named = made.told.losses.iter().any(|loss| loss.stream.is_some());
            let left_out = made.told.chunk_files < store.named("chunks").len();
            match compare(&store, &damages, made) {
                true => as_it_was += 1,
                false if left_out => files += 1,
                false => ranges += usize::from(named),
            }
        }
        let damages = [Damage::Removed(name.clone())];
        compare(&store, &damages, repaired(&store, &damages));
    }
    println!("{as_it_was} times as it was, {ranges} times a range, {files} times a file");
    assert!(ranges > 5 && files > 5 && as_it_was > 0);
}

#[test]
fn what_is_not_repaired() {
    let (store, other) = (Store::one(), folder());
    let root = folder();
    write_all(&store.files, root.path());
    match repair(root.path(), root.path()) {
        Err(RestoreError::Occupied { .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(repair(other.path(), &other.path().join("new")).is_err());
    assert!(repair(&other.path().join("nowhere"), &other.path().join("new")).is_err());
    let storage = open(root.path(), never_packing()).unwrap();
    assert!(repair(root.path(), &other.path().join("new")).is_err());
    drop(storage);
    assert!(!other.path().join("new").exists());
}
