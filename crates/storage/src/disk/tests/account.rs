//! Crash images against another account of what they may hold.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::disk::fake::Call;

const FILE: &str = "file";

#[derive(Clone, Debug)]
enum Step {
    Write(u64, usize),
    Sync,
    FailedSync,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5000_u64, 1..3000_usize).prop_map(|(offset, len)| Step::Write(offset, len)),
        2 => Just(Step::Sync),
        1 => Just(Step::FailedSync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Byte by byte: what was durable there, or what a write put there that was not. And the size alike.
    #[test]
    fn no_image_holds_what_was_never_written_there(steps in vec(step(), 1..16), seed: u64) {
        let disk = FakeDisk::new();
        let file = disk.create(Path::new(FILE)).unwrap();
        disk.sync_folder(Path::new("")).unwrap();
        let mut sizes = BTreeSet::from([0]);
        let mut bytes = vec![BTreeSet::from([0_u8]); 8000];
        let (mut stuck, mut loose) = (Vec::new(), Vec::new());
        for (number, step) in steps.iter().enumerate() {
            match step {
                Step::Write(offset, len) => {
                    put(&*file, *offset, &vec![number as u8 + 1; *len]);
                    loose.push((*offset as usize..*offset as usize + len, number as u8 + 1));
                }
                Step::Sync => {
                    file.sync_data().unwrap();
                    for (range, byte) in loose.drain(..) {
                        sizes = sizes.into_iter().map(|size: usize| size.max(range.end)).collect();
                        bytes[range].iter_mut().for_each(|may| *may = [byte].into());
                    }
                }
                Step::FailedSync => {
                    disk.fail_after(Call::SyncData, 0);
                    file.sync_data().unwrap_err();
                    stuck.append(&mut loose);
                }
            }
        }
        for (range, byte) in stuck.into_iter().chain(loose) {
            sizes.extend(sizes.clone().into_iter().map(|size| size.max(range.end)));
            bytes[range].iter_mut().for_each(|may| may.extend([byte]));
        }
        for image in at_end(&disk, seed, 30) {
            let found = image.disk().read_all(Path::new(FILE)).unwrap();
            prop_assert!(sizes.contains(&found.len()), "{}: size {} of {:?}", image, found.len(), sizes);
            let wrong = found.iter().zip(&bytes).position(|(byte, may)| !may.contains(byte));
            prop_assert_eq!(wrong, None, "{}: {:?}", image, wrong.map(|at| (found[at], &bytes[at])));
        }
    }
}
