//! Files that are cut or gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use headwater_storage::journal::OpenError;

use super::store::Store;
use super::trial::Damage;

/// That the store is refused for this file, or that all of it is there but what was in it. Whether something is missed.
fn named_or_whole(store: &Arc<Store>, damage: Damage, name: &Path) -> bool {
    match store.after(std::slice::from_ref(&damage)) {
        Err(OpenError::Corrupt(what)) => {
            // A file that is not there is missed by the one behind it, or by the journal that goes on where it ended.
            let missed = matches!(damage, Damage::Removed(_))
                && (what.contains("chunk file is missing") || what.contains(".log"));
            assert!(missed || what.contains(name.to_str().unwrap()), "{damage:?}: {what}");
            true
        }
        Err(error) => panic!("{damage:?}: {error}"),
        Ok(lost) => {
            // Of a chunk file that is cut, the rest is served.
            let cut = matches!(damage, Damage::Cut(..)) && name.starts_with("chunks");
            let named = lost.reasons().all(|why| why.to_string().contains(name.to_str().unwrap()));
            assert!(lost.nothing() || (cut && named), "{damage:?}: {lost:?}");
            !lost.nothing()
        }
    }
}

#[test]
fn files_that_are_cut_are_found() {
    let store = Store::one();
    let mut refused = 0;
    for folder in ["journal", "chunks", ""] {
        for (name, len) in
            store.named(folder).into_iter().filter(|(name, _)| name != Path::new("MANIFEST"))
        {
            for left in (0..len).step_by((len / 25).max(1)) {
                refused +=
                    usize::from(named_or_whole(&store, Damage::Cut(name.clone(), left), &name));
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn files_that_are_gone_are_missed() {
    let store = Store::one();
    let (last, _) = store.end_of_log();
    let chunks = store.named("chunks");
    for (place, (name, _)) in chunks.iter().enumerate() {
        let refused = named_or_whole(&store, Damage::Removed(name.clone()), name);
        // The journal may still have what is in the last one.
        assert!(refused || place + 1 == chunks.len(), "{name:?} was not missed");
    }
    for (name, _) in store.named("journal") {
        let refused = named_or_whole(&store, Damage::Removed(name.clone()), &name);
        assert!(refused || name != last, "{name:?} was not missed");
    }
    let refused = named_or_whole(&store, Damage::Removed("IDENTITY".into()), Path::new("IDENTITY"));
    assert!(refused);
    for folder in ["journal", "chunks"] {
        let gone = store.after(&[Damage::Removed(folder.into())]);
        assert!(matches!(gone, Err(OpenError::Corrupt(_))), "{folder}: {gone:?}");
    }
}

#[test]
fn a_store_without_anything_that_it_had_is_not_a_new_one() {
    let store = Store::one();
    let all: Vec<Damage> = ["journal", "chunks", "catalogue", "SEAL"]
        .map(|name| Damage::Removed(PathBuf::from(name)))
        .to_vec();
    let gone = store.after(&all);
    assert!(matches!(gone, Err(OpenError::Corrupt(_))), "{gone:?}");
}
