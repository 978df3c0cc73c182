//! Keys: each name is one key, keys sort as they should, and no scan meets a stranger.

use headwater_core::storage::SpaceSequence;
use headwater_core::{Lineage, StoreId, Timestamp};

use crate::local::row::{Row, describe, of_lineage, of_space, tag};

/// Names that begin alike, in the order of their bytes.
const NAMES: [&str; 8] = ["", " ", "a", "a b", "a/b", "ab", "ä", "\u{10FFFF}"];

const NUMBERS: [u64; 6] = [0, 1, 255, 256, u64::MAX - 1, u64::MAX];

fn rows() -> Vec<Row<'static>> {
    let stores = [StoreId(0), StoreId(1), StoreId(u128::MAX)];
    let mut rows = Vec::new();
    for group in NUMBERS {
        rows.extend([0, 1, u32::MAX].map(|part| Row::Group { group, part }));
    }
    for store in stores {
        rows.extend(NAMES.map(|path| Row::State { store, path }));
    }
    rows.extend(NUMBERS.map(|lineage| Row::Lineage(Lineage(lineage))));
    for store in stores {
        rows.extend(NAMES.map(|space| Row::Space { store, space }));
    }
    for lineage in NUMBERS.map(Lineage) {
        rows.extend([0, 1, u16::MAX].map(|index| Row::Ranges { lineage, index }));
    }
    for (lineage, position) in NUMBERS.into_iter().flat_map(|n| NUMBERS.map(|p| (Lineage(n), p))) {
        rows.extend(NUMBERS.map(|sequence| Row::Chunk { lineage, position, sequence }));
    }
    for (store, space) in stores.into_iter().flat_map(|store| NAMES.map(|space| (store, space))) {
        rows.extend(NUMBERS.map(|first| Row::Order { store, space, first: SpaceSequence(first) }));
    }
    for lineage in NUMBERS.map(Lineage) {
        rows.extend(NAMES.map(|id| Row::Producer { lineage, id }));
    }
    for at in NUMBERS.map(Timestamp) {
        rows.extend(NUMBERS.map(|lineage| Row::Deadline { at, lineage: Lineage(lineage) }));
    }
    for lineage in NUMBERS.map(Lineage) {
        rows.extend(NUMBERS.map(|position| Row::Pin { lineage, position }));
    }
    rows.extend(NUMBERS.map(|lineage| Row::Grave(Lineage(lineage))));
    rows.extend(NUMBERS.map(|lineage| Row::Trim(Lineage(lineage))));
    rows.push(Row::Checkpoint);
    rows
}

#[test]
fn keys_sort_as_their_names_and_read_back() {
    let rows = rows();
    let keys: Vec<Vec<u8>> = rows.iter().map(Row::key).collect();
    assert!(
        keys.is_sorted_by(|left, right| left < right),
        "keys are not in order, or not different"
    );
    for (row, key) in rows.iter().zip(&keys) {
        assert_eq!(Row::parse(key), Some(*row));
        assert_eq!(describe(key), row.to_string());
    }
}

#[test]
fn a_scan_over_one_stream_or_space_meets_no_other() {
    let rows = rows();
    for lineage in NUMBERS.map(Lineage) {
        let prefix = of_lineage(tag::CHUNK, lineage);
        let met = rows.iter().filter(|row| row.key().starts_with(&prefix));
        let own =
            |row: &Row<'_>| matches!(row, Row::Chunk { lineage: found, .. } if *found == lineage);
        assert_eq!(met.clone().count(), NUMBERS.len() * NUMBERS.len());
        assert!(met.into_iter().all(own), "{lineage:?}");
    }
    for name in NAMES {
        let prefix = of_space(StoreId(1), name);
        let met: Vec<_> = rows.iter().filter(|row| row.key().starts_with(&prefix)).collect();
        let own = |row: &&Row<'_>| matches!(row, Row::Order { store: StoreId(1), space, .. } if *space == name);
        assert_eq!(met.len(), NUMBERS.len(), "{name:?}");
        assert!(met.iter().all(own), "{name:?}");
    }
}

#[test]
fn what_is_no_key_is_not_read_as_one() {
    for row in rows() {
        let key = row.key();
        let mut longer = key.clone();
        longer.push(0xFF);
        assert_eq!(Row::parse(&longer), None, "{row} and a byte");
        // Of a name that is cut, something is left that is a name.
        let named = matches!(row, Row::State { .. } | Row::Space { .. } | Row::Producer { .. });
        if !named {
            assert_eq!(Row::parse(&key[..key.len() - 1]), None, "{row} less a byte");
        }
    }
    for key in [&[][..], &[0], &[0x7E], &[0xFF], &[0x10; 5]] {
        assert_eq!(Row::parse(key), None, "{key:?}");
        assert!(describe(key).contains("unknown key"));
    }
}
