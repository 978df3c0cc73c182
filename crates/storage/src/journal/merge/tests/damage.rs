//! What is damaged is not merged, and neither made sound nor lost.

use std::collections::BTreeMap;
use std::path::Path;

use headwater_core::storage::{Detail, ReadRange, StorageError};

use super::rig::Rig;
use super::table::{Rows, Table};
use crate::journal::chunks::FOLDER;
use crate::journal::merge::policy::Limits;
use crate::journal::merge::thread::Step;
use crate::local::read::page::Snapshot;
use crate::local::row::tag;
use crate::testkit::make;
use headwater_core::change::Birth;

const LIMITS: Limits = Limits { files: 2, most: 64 << 20 };

/// So many rounds of one stream each, without merging.
fn rounds(count: u64) -> Rig {
    let mut rig = Rig::new(Limits { files: 0, ..LIMITS });
    for number in 0..count {
        let key = make::key(&format!("{number}")).unwrap();
        let batch = make::batch(number, &[500; 4]).unwrap();
        rig.commit([make::creation(&key, Birth { batch: Some(batch), ..make::birth() })]);
        rig.round();
    }
    assert_eq!(rig.merge(), 0);
    rig
}

fn read(rig: &Rig, name: &str) -> Result<Vec<u8>, StorageError> {
    let slot = rig.slot(&make::key(name).unwrap());
    let lineage = slot.state().unwrap().ranges.own();
    let range = ReadRange { lineage, from: 0, to: 2000, budget: 5000 };
    let page = Snapshot::take(&rig.view, range, Detail::Bytes).complete(&rig.view)?;
    Ok(page.chunks.concat())
}

#[test]
fn a_damaged_file_stays_as_it_is_and_the_others_are_merged() {
    let rig = rounds(7);
    let rows = rig.table.now();
    let files: Vec<_> = rig.disk.files().into_iter().map(|(path, _)| path).collect();
    let chunks = || files.iter().filter(|path| path.starts_with(Path::new(FOLDER)));
    let damaged = chunks().nth(3).unwrap().clone();
    rig.disk.flip(&damaged, 200, 4).unwrap();
    let mut rig = rig.reopen(rows, LIMITS);
    assert!(rig.merge() >= 2);
    assert_eq!(rig.sizes().len(), 3, "three, the damaged one, and three");
    assert!(rig.disk.files().iter().any(|(path, _)| *path == damaged));
    for name in ["0", "1", "2", "4", "5", "6"] {
        let number = name.parse().unwrap();
        assert_eq!(read(&rig, name).unwrap(), make::pattern(number, 2000));
    }
    assert!(matches!(read(&rig, "3"), Err(StorageError::Corrupt(_))));
    // Nothing is tried again and again.
    assert_eq!(rig.merge(), 0);
}

#[test]
fn a_row_that_the_catalogue_lost_is_not_taken_for_one_that_is_gone() {
    for kind in [tag::STATE, tag::SPACE, tag::CHUNK, tag::ORDER] {
        let rig = rounds(4);
        let rows = rig.table.now();
        let mut rig = rig.reopen(rows.clone(), LIMITS);
        let lost = rows.keys().find(|key| key[0] == kind).unwrap().clone();
        rig.table.lose(&lost);
        let before: BTreeMap<_, _> = rig.disk.files().into_iter().collect();
        while rig.merge_with(|_| {}) == Step::Done {}
        let after: BTreeMap<_, _> = rig.disk.files().into_iter().collect();
        let chunk = |files: &BTreeMap<_, _>| -> Vec<std::path::PathBuf> {
            files
                .keys()
                .filter(|path: &&std::path::PathBuf| path.starts_with(FOLDER))
                .cloned()
                .collect()
        };
        // What can be merged without it is.
        let kept = if kind == tag::ORDER { &chunk(&before)[..1] } else { &chunk(&before)[..] };
        assert!(chunk(&after).starts_with(kept), "kind {kind:x}");
        // The next start finds it all.
        let disk = rig.disk.at_rest();
        let rig = Rig::open(&disk, Table::of(&disk, rig.table.now()), LIMITS).unwrap();
        assert!(rig.table.now().contains_key(&lost), "kind {kind:x}");
        for name in ["0", "1", "2", "3"] {
            assert_eq!(read(&rig, name).unwrap(), make::pattern(name.parse().unwrap(), 2000));
        }
    }
}

#[test]
fn a_disk_that_refuses_leaves_everything_as_it_is() {
    use crate::disk::fake::Call;
    for (call, passing) in
        [(Call::Create, 0), (Call::Write, 0), (Call::SyncData, 0), (Call::SyncData, 1)]
    {
        let rig = rounds(4);
        let rows = rig.table.now();
        let mut rig = rig.reopen(rows, LIMITS);
        let (seen, files) = (rig.seen(), rig.disk.files());
        rig.disk.fail_after(call, passing);
        assert_eq!(rig.merge_with(|_| {}), Step::Later, "{call:?} {passing}");
        assert_eq!(rig.disk.files(), files, "{call:?} {passing}");
        assert_eq!(rig.seen(), seen);
        assert!(rig.merge() > 0, "{call:?} {passing}");
        assert_eq!(rig.seen(), seen);
        assert!(rig.reopen(Rows::new(), LIMITS).seen() == seen);
    }
}
