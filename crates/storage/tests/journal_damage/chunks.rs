//! Chunk files: damage fails the range that it is in, and nothing else. Where a sound catalogue says what is in a file, what the file
//! begins and ends with is not missed, save where the last one ends: there the journal goes on. Without a catalogue, ends and
//! rows are needed, and stop the start.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use headwater_core::Lineage;
use headwater_storage::journal::OpenError;

use super::store::{Store, packing_at};
use super::trial::{Damage, Lost, flip_each, place_in};

/// Bytes that a file begins and ends with, as `docs/format.md` says.
const HEADER: usize = 40;
const FOOTER: usize = 192;

/// The lineages whose bytes a stream has.
fn lineages(store: &Store, stream: usize) -> BTreeSet<Lineage> {
    let Some(state) = store.sight.streams[stream].1.state() else { return BTreeSet::new() };
    let inherited = state.ranges.inherited().iter().map(|range| range.lineage);
    inherited.chain([state.ranges.own()]).collect()
}

/// That no more is lost than what one place in a file holds.
fn check_lost(store: &Store, lost: &Lost, name: &Path, at: usize) {
    for reason in lost.reasons() {
        let place = place_in(&reason.to_string(), name);
        assert!(place.is_some_and(|place| place <= at), "{name:?} byte {at}: {reason}");
    }
    // Those that lost something have the lineage in common whose bytes these are.
    let of_each = lost.streams.iter().map(|(stream, _)| lineages(store, *stream));
    let common = of_each.reduce(|all, one| all.intersection(&one).copied().collect());
    assert!(common.is_none_or(|common| !common.is_empty()), "{name:?} byte {at}: {lost:?}");
    assert!(lost.spaces.len() <= 1, "{name:?} byte {at}: {lost:?}");
}

#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    failing: usize,
    whole: usize,
}

impl Tally {
    /// Flips a byte of a chunk file; whether that made a difference.
    fn flip(&mut self, store: &Arc<Store>, name: &Path, at: usize, more: &[Damage]) -> bool {
        let mut damages = vec![Damage::Flip(name.to_path_buf(), at)];
        damages.extend_from_slice(more);
        match store.after(&damages) {
            Err(OpenError::Corrupt(what)) => {
                assert!(what.contains(name.to_str().unwrap()), "{damages:?}: {what}");
                self.refused += 1;
            }
            Err(error) => panic!("{damages:?}: {error}"),
            Ok(lost) => {
                check_lost(store, &lost, name, at);
                if lost.nothing() {
                    self.whole += 1;
                    return false;
                }
                self.failing += 1;
            }
        }
        true
    }
}

#[test]
fn every_byte_of_a_chunk_file_fails_its_range_alone() {
    let (store, mut tally) = (Store::one(), Tally::default());
    for (name, len) in store.named("chunks") {
        flip_each(len, |at| tally.flip(&store, &name, at, &[]));
    }
    println!("chunk files: {tally:?}");
    // What the catalogue has is not read in the files, nor is what belonged to streams that are gone.
    assert!(tally.refused >= FOOTER && tally.failing > 500 && tally.whole > 50);
}

#[test]
fn the_ends_of_a_file_are_missed_only_where_the_journal_goes_on_and_without_a_catalogue() {
    let store = Store::one();
    let chunks = store.named("chunks");
    let gone = Damage::Removed("catalogue".into());
    for (place, (name, len)) in chunks.iter().enumerate() {
        let ends = (0..HEADER).chain(len - FOOTER..*len);
        for at in ends {
            let damage = Damage::Flip(name.clone(), at);
            let (footer, last) = (at >= HEADER, place + 1 == chunks.len());
            let refused = |damages: &[Damage]| match store.after(damages) {
                Err(OpenError::Corrupt(what)) => {
                    assert!(what.contains(name.to_str().unwrap()), "{damages:?}: {what}");
                    assert!(last || what.contains("headwater repair"), "{damages:?}: {what}");
                }
                other => panic!("{damages:?}: {other:?}"),
            };
            match (footer && last, at % 8) {
                (true, _) => refused(&[damage]),
                // What is packed later lies behind the file that nothing is known of.
                (false, 1) => store.goes_on_after(&[damage], packing_at(0)),
                (false, 2) if footer => refused(&[damage, gone.clone()]),
                (false, _) => {
                    let lost = store.after(std::slice::from_ref(&damage)).unwrap();
                    assert!(lost.nothing(), "{damage:?}: {lost:?}");
                }
            }
        }
    }
}

#[test]
fn a_catalogue_that_is_older_than_a_file_of_which_nothing_is_known_stops_the_start() {
    let store = Store::one();
    let chunks = store.named("chunks");
    let (name, len) = &chunks[chunks.len() - 2];
    let gone = Damage::Removed("catalogue".into());
    for cut in [HEADER, len / 2, len - 1] {
        let refused = store.after(&[Damage::Cut(name.clone(), cut), gone.clone()]);
        assert!(matches!(refused, Err(OpenError::Corrupt(_))), "{cut}: {refused:?}");
    }
}

#[test]
fn without_a_catalogue_the_rows_count_too() {
    let (store, mut tally) = (Store::another(), Tally::default());
    let gone = [Damage::Removed("catalogue".into())];
    for (name, len) in store.named("chunks") {
        for at in (0..len).step_by(5) {
            tally.flip(&store, &name, at, &gone);
        }
    }
    println!("chunk files, without a catalogue: {tally:?}");
    assert!(tally.refused > 500 && tally.failing > 50);
}
