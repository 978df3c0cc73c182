//! Which files count.

use headwater_core::storage::StorageError;

use super::super::*;
use super::disk::MemDisk;

fn named(first: u64, last: u64) -> ChunkName {
    ChunkName::new(first, last).unwrap()
}

#[test]
fn chunk_names_are_read_as_they_are_written() {
    for (first, last, text) in [
        (1, 1, "0000000000000001-0000000000000001.chunk"),
        (12, 345, "0000000000000012-0000000000000345.chunk"),
        (9_999_999_999_999_999, 9_999_999_999_999_999, "9999999999999999-9999999999999999.chunk"),
    ] {
        assert_eq!(named(first, last).to_string(), text);
        assert_eq!(ChunkName::parse(text), Some(named(first, last)));
    }
    for (first, last) in [(0, 1), (0, 0), (2, 1), (1, 10_000_000_000_000_000), (u64::MAX, u64::MAX)]
    {
        assert_eq!(ChunkName::new(first, last), None, "{first}-{last}");
    }
    for text in [
        "",
        ".chunk",
        "-.chunk",
        "1-1.chunk",
        "0000000000000001-0000000000000001",
        "0000000000000001-0000000000000001.chunk.draft",
        "0000000000000001-0000000000000001.CHUNK",
        "0000000000000000-0000000000000001.chunk",
        "0000000000000002-0000000000000001.chunk",
        "+000000000000001-0000000000000001.chunk",
        "00000000000000001-0000000000000001.chunk",
        "0000000000000001-000000000000000١.chunk",
        "0000000000000001-0000000000000001-0000000000000001.chunk",
    ] {
        assert_eq!(ChunkName::parse(text), None, "{text}");
    }
}

#[test]
fn names_tell_how_often_the_same_rounds_were_written_anew() {
    let (once, twice) =
        (named(3, 7).again().unwrap(), named(3, 7).again().unwrap().again().unwrap());
    assert_eq!(once.to_string(), "0000000000000003-0000000000000007-0001.chunk");
    for name in [once, twice, ChunkName::with_turn(1, 2, 9_999).unwrap()] {
        assert_eq!(ChunkName::parse(&name.to_string()), Some(name));
    }
    assert_eq!(ChunkName::with_turn(1, 2, 9_999).unwrap().again(), None);
    for text in ["0000", "1", "00001", "+001", "", "0001-0001"] {
        let text = format!("0000000000000003-0000000000000007-{text}.chunk");
        assert_eq!(ChunkName::parse(&text), None, "{text}");
    }
    let all = [named(3, 7), twice, once, named(3, 3), named(8, 8)].map(|name| name.to_string());
    let listing = Listing::of(all).unwrap();
    assert_eq!(listing.files, [twice, named(8, 8)]);
    assert_eq!(listing.replaced, [once, named(3, 7), named(3, 3)]);
    assert!(!once.replaces(twice) && !named(3, 3).replaces(once));
}

#[test]
fn a_wider_chunk_file_replaces_those_it_was_made_of() {
    type Rounds = &'static [(u64, u64)];
    let names = |rounds: Rounds| -> Vec<ChunkName> {
        rounds.iter().map(|(first, last)| named(*first, *last)).collect()
    };
    let cases: [(Rounds, Option<(Rounds, Rounds)>); 7] = [
        (&[], Some((&[], &[]))),
        (&[(3, 3), (1, 1), (2, 2)], Some((&[(1, 1), (2, 2), (3, 3)], &[]))),
        (&[(1, 1), (2, 2), (1, 2), (3, 3)], Some((&[(1, 2), (3, 3)], &[(1, 1), (2, 2)]))),
        (
            &[(1, 4), (1, 2), (2, 3), (4, 4), (5, 5)],
            Some((&[(1, 4), (5, 5)], &[(1, 2), (2, 3), (4, 4)])),
        ),
        (&[(1, 3), (2, 5)], None),
        (&[(1, 2), (2, 2), (2, 3)], None),
        (&[(7, 9)], Some((&[(7, 9)], &[]))),
    ];
    for (rounds, expected) in cases {
        let found = Listing::of(names(rounds).iter().map(ChunkName::to_string));
        match expected {
            Some((files, replaced)) => {
                let found = found.unwrap();
                assert_eq!(found.files, names(files), "{rounds:?}");
                assert_eq!(found.replaced, names(replaced), "{rounds:?}");
            }
            None => assert!(found.is_err(), "{rounds:?}"),
        }
    }
}

#[test]
fn drafts_and_replaced_chunk_files_are_removed_and_nothing_else() {
    let disk = MemDisk::default();
    let others = ["chunks/notes.txt", "chunks/x.chunk", "elsewhere.draft"];
    let draft = "chunks/0000000000000004-0000000000000004.chunk.draft";
    for path in others.iter().chain([&draft]) {
        disk.plant(std::path::Path::new(path), b"");
    }
    let counts = [named(1, 2), named(3, 3)];
    for name in counts.iter().chain([&named(1, 1), &named(2, 2)]) {
        disk.plant(&name.path(), b"");
    }
    let listing = Listing::read(&disk).unwrap();
    assert_eq!(listing.files, counts);
    assert_eq!(listing.strange, ["notes.txt", "x.chunk"]);
    tidy_up(&disk, &listing).unwrap();
    let mut left: Vec<String> = others.map(String::from).to_vec();
    left.extend(counts.map(|name| format!("{FOLDER}/{name}")));
    left.sort();
    assert_eq!(disk.names(), left);
    disk.fail_at(1);
    assert!(matches!(Listing::read(&disk), Err(StorageError::Unavailable(_))));
    assert!(matches!(tidy_up(&disk, &listing), Err(StorageError::Unavailable(_))));
}
