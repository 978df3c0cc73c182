//! Bytes that are left in a file: they are those that were verified, and damage is not among them.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use headwater_core::storage::{Portion, StorageError};

use super::super::*;
use super::story::{Append, Index, Story, facts, name};
use crate::disk::{Disk, RealDisk};

struct Rig {
    story: Story,
    folder: tempfile::TempDir,
    file: ChunkFile,
    blocks: Vec<Block>,
    /// A lineage with one small block.
    small: Block,
}

/// Ten blocks of one lineage, and then a small one of another.
fn ten() -> Rig {
    let append =
        |stream, len, count| Append { stream, skipped: 0, lens: vec![len; count], tagged: vec![] };
    let story = Story::tell(&[append(0, 4096, 160), append(1, 100, 3)]);
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    disk.create_folder(FOLDER.as_ref()).unwrap();
    let mut writer = ChunkWriter::create(Arc::clone(&disk), name()).unwrap();
    story.put(&mut writer).unwrap();
    writer.finish(facts()).unwrap();
    let file = ChunkFile::open(&*disk, name()).unwrap();
    let index = Index::of(&file).unwrap();
    let (blocks, small) = (index.blocks[&5].clone(), index.blocks[&982][0]);
    assert_eq!(blocks.len(), 10);
    Rig { story, folder, file, blocks, small }
}

impl Rig {
    fn path(&self) -> PathBuf {
        self.folder.path().join(name().path())
    }

    fn flip(&self, at: u64) {
        let file = fs::File::options().read(true).write(true).open(self.path()).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 4], at).unwrap();
    }

    fn leave(&self, from: u64, to: u64) -> Result<Vec<Portion>, StorageError> {
        self.file.leave_across(&self.blocks, from, to)
    }

    /// What whoever sends these sends.
    fn sent(&self, portions: &[Portion]) -> Vec<u8> {
        let content = fs::read(self.path()).unwrap();
        let sent = portions.iter().flat_map(|portion| match portion {
            Portion::Memory(bytes) => bytes.to_vec(),
            Portion::File(range) => {
                let from = range.offset() as usize;
                content[from..from + range.len() as usize].to_vec()
            }
        });
        sent.collect()
    }
}

fn in_files(portions: &[Portion]) -> usize {
    portions.iter().filter(|portion| portion.memory().is_none()).count()
}

#[test]
fn what_is_left_in_a_file_is_what_would_be_read() {
    let rig = ten();
    let payload = rig.story.payload(5);
    let block = BLOCK_BYTES as u64;
    for _verified in 0..2 {
        for from in [0, 1, block - 1, block, 3 * block + 77] {
            for to in [from + 40_000, from + block, from + 3 * block, 10 * block - 5, 10 * block] {
                let portions = rig.leave(from, to).unwrap();
                assert_eq!((portions.len(), in_files(&portions)), (1, 1), "{from} to {to}");
                let expected = &payload[from as usize..to as usize];
                assert!(rig.sent(&portions) == expected, "{from} to {to}");
            }
        }
    }
    assert!(rig.leave(7, 7).unwrap().is_empty());
}

#[test]
fn little_is_read_and_so_is_what_is_never_known_to_be_sound() {
    let rig = ten();
    let payload = rig.story.payload(5);
    let little = rig.leave(100, 9000).unwrap();
    assert_eq!((in_files(&little), rig.sent(&little)), (0, payload[100..9000].to_vec()));
    let small = rig.small;
    let portions =
        rig.file.leave_across(&[small], small.start.position, small.start.position + 300);
    let portions = portions.unwrap();
    assert_eq!((in_files(&portions), rig.sent(&portions)), (0, rig.story.payload(982)));
}

#[test]
fn damage_is_not_left_in_a_file_but_told() {
    let rig = ten();
    let (payload, block) = (rig.story.payload(5), BLOCK_BYTES as u64);
    rig.flip(rig.blocks[6].at.payload.offset + 99);
    let first = rig.leave(10, 10 * block).unwrap();
    assert!(rig.sent(&first) == payload[10..6 * block as usize], "up to the damaged block");
    for (from, to) in [(6 * block, 10 * block), (7 * block - 1, 10 * block), (6 * block, 7 * block)]
    {
        let told = rig.leave(from, to);
        assert!(matches!(told, Err(StorageError::Corrupt(_))), "{from} to {to}: {told:?}");
    }
    let behind = rig.leave(7 * block, 10 * block).unwrap();
    assert!(rig.sent(&behind) == payload[7 * block as usize..]);
}
