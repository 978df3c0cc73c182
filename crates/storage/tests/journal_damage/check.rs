//! `check` finds what an opening or a read finds, and more, names it, and changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use headwater_storage::journal::{OpenError, Report, check};

use super::store::{Store, folder, read_all, write_all};
use super::trial::Damage;

/// What is reported of a damaged copy, of which nothing is changed.
fn checked(store: &Store, damages: &[Damage]) -> Result<Report, OpenError> {
    let root = folder();
    write_all(&store.with(damages), root.path());
    let before = read_all(root.path());
    let report = check(root.path());
    assert!(read_all(root.path()) == before, "{damages:?}: something was changed");
    report
}

/// Places all over the files in a folder of the store.
fn places(store: &Store, folder: &str, step: usize) -> Vec<(PathBuf, usize)> {
    let files = store.named(folder).into_iter();
    files.flat_map(|(name, len)| (0..len).step_by(step).map(move |at| (name.clone(), at))).collect()
}

#[test]
fn a_sound_store_is_reported_as_such() {
    let store = Store::one();
    let report = checked(&store, &[]).unwrap();
    assert_eq!((report.damage, report.notes), (Vec::new(), Vec::new()));
    assert_eq!(report.chunk_files, store.named("chunks").len());
    assert!(report.rows > 20, "{}", report.rows);
    // As after a crash, the catalogue is made anew; that is no damage.
    for gone in ["catalogue", "SEAL"] {
        let report = checked(&store, &[Damage::Removed(gone.into())]).unwrap();
        assert_eq!(report.damage, Vec::new(), "without {gone}");
    }
}

#[test]
fn whatever_is_refused_or_lost_is_reported_with_its_file() {
    let store = Store::one();
    let (mut harmful, mut reported) = (0, 0);
    for (folder, step) in [("journal", 41), ("chunks", 23), ("", 1)] {
        for (name, at) in places(&store, folder, step) {
            if name == Path::new("MANIFEST") {
                continue;
            }
            let damages = [Damage::Flip(name.clone(), at)];
            let report = checked(&store, &damages).unwrap();
            let harms = !matches!(store.after(&damages), Ok(lost) if lost.nothing());
            assert!(!harms || !report.damage.is_empty(), "{damages:?} is not reported");
            for damage in &report.damage {
                assert!(damage.what.contains(name.to_str().unwrap()), "{damages:?}: {damage}");
            }
            harmful += usize::from(harms);
            reported += usize::from(!report.damage.is_empty());
        }
    }
    println!("{harmful} times harmful, {reported} times reported");
    // What is reported beside is in rows that the catalogue has, and in what belonged to streams that are gone.
    assert!(harmful > 100 && reported > harmful);
}

#[test]
fn the_stream_of_a_damaged_block_is_named() {
    let store = Store::one();
    let named = |(name, at): (PathBuf, usize)| {
        let report = checked(&store, &[Damage::Flip(name, at)]).unwrap();
        report.damage.into_iter().filter_map(|damage| damage.stream).collect::<Vec<_>>()
    };
    let streams: Vec<_> = places(&store, "chunks", 17).into_iter().flat_map(named).collect();
    assert!(streams.len() > 20, "{streams:?}");
    assert!(streams.iter().all(|stream| store.places.streams.contains(stream)), "{streams:?}");
}

#[test]
fn damage_in_several_files_is_reported_at_once() {
    let store = Store::one();
    let (last, _) = store.end_of_log();
    let chunks = store.named("chunks");
    let mut damages: Vec<_> =
        chunks.iter().take(2).map(|(name, len)| Damage::Flip(name.clone(), len - 5)).collect();
    damages.push(Damage::Flip(last, 40));
    let report = checked(&store, &damages).unwrap();
    assert_eq!(report.damage.len(), 3, "{report:?}");
}

#[test]
fn a_store_in_use_is_not_looked_at() {
    let store: Arc<Store> = Store::one();
    let root = folder();
    write_all(&store.files, root.path());
    let open = super::trial::open(root.path(), super::store::never_packing()).unwrap();
    assert!(matches!(check(root.path()), Err(OpenError::InUse { .. })));
    drop(open);
    check(root.path()).unwrap();
}
