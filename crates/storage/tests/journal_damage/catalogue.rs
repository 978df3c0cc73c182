//! The catalogue: whatever is done to it, it is made anew or does not matter, and everything is served.
//!
//! sled's files are flipped at every place up to [`MOST`] of them, evenly spread, all bits in turn.

use std::path::PathBuf;
use std::sync::Arc;

use super::store::{Store, packing_at};
use super::trial::Damage;

/// Places in one file that are flipped, at most.
const MOST: usize = 1_500;

/// After one in so many, the store is also written to and packed.
const GOES_ON: usize = 16;

fn flip_all(store: &Arc<Store>) {
    let mut flipped = 0;
    for (name, len) in store.named("catalogue") {
        for at in (0..len).step_by(len.div_ceil(MOST).max(1)) {
            let damage = [Damage::Flip(name.clone(), at)];
            let lost = store.after(&damage).unwrap_or_else(|error| panic!("{damage:?}: {error}"));
            assert!(lost.nothing(), "{damage:?}: {lost:?}");
            if flipped % GOES_ON == 0 {
                store.goes_on_after(&damage, packing_at(0));
            }
            flipped += 1;
        }
    }
    println!("catalogue: {flipped} places flipped");
    assert!(flipped > 1_000, "{flipped}");
}

#[test]
fn flipped_bytes_of_the_catalogue_change_nothing() {
    flip_all(&Store::one());
}

#[test]
fn files_of_the_catalogue_that_are_cut_or_gone_change_nothing() {
    let store = Store::another();
    store.goes_on_after(&[Damage::Removed("catalogue".into())], packing_at(0));
    for (name, len) in store.named("catalogue") {
        store.goes_on_after(&[Damage::Removed(name.clone())], packing_at(0));
        for left in (0..len).step_by((len / 40).max(1)) {
            store.goes_on_after(&[Damage::Cut(name.clone(), left)], packing_at(0));
        }
    }
}

#[test]
fn a_catalogue_that_is_damaged_in_many_places_changes_nothing() {
    let store = Store::another();
    let (name, len) = store.named("catalogue").into_iter().max_by_key(|(_, len)| *len).unwrap();
    for first in 0..60 {
        let places = (0..8).map(|n| (first * 977 + n * 613) % len);
        let damages: Vec<Damage> =
            places.map(|at| Damage::Flip(PathBuf::clone(&name), at)).collect();
        store.goes_on_after(&damages, packing_at(0));
    }
}
