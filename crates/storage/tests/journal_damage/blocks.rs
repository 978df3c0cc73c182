//! Damage in one block of a stream: the blocks before and after it are read as ever.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::storage::{Detail, ReadRange};
use headwater_storage::journal::JournalStorage;
use headwater_storage::testkit::sight::Given;
use headwater_storage::testkit::{Rig, make};

use super::store::{folder, packing_at, read_all};

/// Bytes of an append, which is packed before the next one is made.
const LEN: usize = 64 * 1024;

fn open(path: &std::path::Path) -> Given {
    let mut options = packing_at(0);
    // A merge that closing interrupts leaves copies that count for nothing.
    options.merge_files = 0;
    Given(Arc::new(JournalStorage::open(path, options).unwrap()))
}

#[test]
fn the_other_blocks_of_the_stream_can_be_read() {
    let root = folder();
    let (stream, other) = (make::key("stream").unwrap(), make::key("other").unwrap());
    for part in 0..3 {
        let storage = open(root.path());
        let rig = Rig::open(&storage).unwrap();
        if part == 0 {
            rig.create(&stream, make::birth()).unwrap();
            rig.create(&other, make::birth()).unwrap();
        }
        rig.append(&stream, make::batch(part, &[LEN]).unwrap()).unwrap();
        rig.append(&other, make::batch(part + 10, &[LEN]).unwrap()).unwrap();
        rig.close().unwrap();
    }
    let middle = make::pattern(1, LEN);
    let holding = |content: &[u8]| content.windows(LEN).position(|window| window == &middle[..]);
    let files = read_all(root.path());
    let mut chunks = files.iter().filter(|(name, _)| name.starts_with("chunks"));
    let (name, at, content) =
        chunks.find_map(|(name, content)| Some((name, holding(content)?, content))).unwrap();
    let mut content = content.clone();
    content[at + 7] ^= 4;
    fs::write(root.path().join(name), content).unwrap();

    let storage = open(root.path());
    let rig = Rig::open(&storage).unwrap();
    let whole = |key, seed: u64| {
        let parts = (0..3).map(|part| make::pattern(seed + part, LEN));
        assert_eq!(rig.content(key).unwrap(), parts.collect::<Vec<Bytes>>().concat());
    };
    whole(&other, 10);
    let state = rig.live(&stream).unwrap();
    let lineage = state.ranges.own();
    let part = |part: usize| {
        let (from, to) = ((part * LEN) as u64, ((part + 1) * LEN) as u64);
        rig.page(ReadRange { lineage, from, to, budget: LEN }, Detail::Bytes).unwrap()
    };
    assert_eq!(part(0).unwrap().chunks.concat(), make::pattern(0, LEN));
    assert_eq!(part(2).unwrap().chunks.concat(), make::pattern(2, LEN));
    let error = part(1).unwrap_err().to_string();
    let place = format!("{} is damaged at byte {at}: ", name.display());
    assert!(error.contains(&place) && error.contains(&lineage.0.to_string()), "{error}");
}
