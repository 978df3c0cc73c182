//! The journal, and what says where it ends: damage stops the start, and is named.

use std::path::Path;
use std::sync::Arc;

use headwater_storage::journal::OpenError;

use super::store::{Store, never_packing};
use super::trial::{Damage, flip_each, place_in};

/// Zeroes that count as a block.
const BLOCK: usize = 256;

/// Whether a file has nothing but zeroes in the block around a place.
fn is_blank(content: &[u8], at: usize) -> bool {
    let from = at - at % BLOCK;
    content[from..(from + BLOCK).min(content.len())].iter().all(|byte| *byte == 0)
}

/// Flips a byte; whether that stops the start.
fn stops(store: &Arc<Store>, name: &Path, at: usize) -> bool {
    let damage = [Damage::Flip(name.to_path_buf(), at)];
    match store.after(&damage) {
        Err(OpenError::Corrupt(what)) => {
            let place = place_in(&what, name);
            assert!(place.is_some_and(|place| place <= at), "{damage:?}: {what}");
            true
        }
        Err(error) => panic!("{damage:?}: {error}"),
        Ok(lost) => {
            assert!(lost.nothing(), "{damage:?}: {lost:?}");
            false
        }
    }
}

#[test]
fn every_byte_of_the_journal_stops_the_start_or_does_not_matter() {
    let store = Store::one();
    let (last, end) = store.end_of_log();
    let (mut refused, mut whole) = (0, 0);
    for (name, len) in store.named("journal") {
        flip_each(len, |at| {
            let stops = stops(&store, &name, at);
            assert!(stops || name != last || at >= end, "{name:?}, byte {at} was not noticed");
            refused += usize::from(stops);
            whole += usize::from(!stops);
            stops
        });
    }
    println!("journal: {refused} times refused, {whole} times before or behind what counts");
    assert!(refused > 1_000 && whole > 100);
}

#[test]
fn what_stands_in_a_block_of_zeroes_never_becomes_a_part_of_the_log() {
    let store = Store::one();
    let mut flipped = 0;
    for (name, len) in store.named("journal") {
        let content = &store.files[&name];
        for at in (BLOCK / 2..len).step_by(BLOCK).filter(|at| is_blank(content, *at)) {
            store.goes_on_after(&[Damage::Flip(name.clone(), at)], never_packing());
            flipped += 1;
        }
    }
    assert!(flipped > 20, "{flipped}");
}

#[test]
fn every_byte_of_what_guards_the_journal_stops_the_start() {
    let store = Store::one();
    for name in ["IDENTITY", "SEAL"] {
        for at in 0..store.files[Path::new(name)].len() {
            let damage = [Damage::Flip(name.into(), at)];
            match store.after(&damage) {
                Err(OpenError::Corrupt(what)) => assert!(what.contains(name), "{damage:?}: {what}"),
                other => panic!("{damage:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn every_byte_of_the_manifest_stops_the_start() {
    let store = Store::one();
    for at in 0..store.files[Path::new("MANIFEST")].len() {
        match store.after(&[Damage::Flip("MANIFEST".into(), at)]) {
            Err(OpenError::Corrupt(what)) => assert!(what.contains("MANIFEST"), "{at}: {what}"),
            Err(OpenError::Foreign { .. } | OpenError::NewerFormat { .. }) => {}
            other => panic!("{at}: {other:?}"),
        }
    }
}
