//! What goes in comes out, through every reader.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use headwater_core::record::RecordMeta;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::*;
use super::story::{Append, Index, Story, facts, name, order_row};
use crate::disk::{Disk, RealDisk};
use crate::local::row::Row;
use crate::local::run;

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => Just(0usize),
        8 => 1..400usize,
        4 => Just(200usize),
        1 => 30_000..70_000usize,
        1 => Just(BLOCK_BYTES),
        1 => BLOCK_BYTES + 1..4 * BLOCK_BYTES,
    ]
}

fn append() -> impl Strategy<Value = Append> {
    let lens = prop_oneof![
        8 => vec(len(), 1..8),
        1 => (1..3_000usize, 0..40usize).prop_map(|(count, len)| vec![len; count]),
    ];
    (0..9usize, 0..50u64, lens, vec(0..8usize, 0..3)).prop_map(|(stream, skipped, lens, tagged)| {
        let tagged = tagged.into_iter().filter(|index| *index < lens.len()).collect();
        Append { stream, skipped, lens, tagged }
    })
}

fn other_rows() -> impl Strategy<Value = BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
    let id = "[a-z]{1,40}";
    let rows = vec((any::<u64>(), id, proptest::option::of(vec(any::<u8>(), 0..3000))), 0..80);
    rows.prop_map(|rows| {
        let key = |lineage, id: &str| {
            Row::Producer { lineage: headwater_core::Lineage(lineage), id }.key()
        };
        rows.into_iter().map(|(lineage, id, value)| (key(lineage, &id), value)).collect()
    })
}

/// Blocks follow each other, none is too large, and what they hold is what was pushed.
fn look_at_blocks(story: &Story, file: &ChunkFile, index: &Index) {
    let with_records = story.streams.iter().filter(|(_, (_, parts))| !parts.is_empty());
    assert!(index.blocks.keys().eq(with_records.map(|(lineage, _)| lineage)));
    for (lineage, blocks) in &index.blocks {
        let mut next = story.streams[lineage].0;
        let (mut bytes, mut records, mut back) = (Vec::new(), Vec::<RecordMeta>::new(), 0);
        for block in blocks {
            assert_eq!(block.start, next);
            let payload = file.block(block).unwrap();
            let table = file.table(block).unwrap();
            assert!(payload.len() <= BLOCK_BYTES && block.at.records as usize <= BLOCK_RECORDS);
            // Where the record before this block ends, and how much of it came before.
            let reach = records.last().map_or(block.start.position, |last| last.end());
            assert_eq!(table.lead, (reach - block.start.position).min(payload.len() as u64));
            assert_eq!(table.back, if reach > block.start.position { back } else { 0 });
            let own: Vec<_> =
                table.runs.iter().flat_map(|run| run::rows(run.head, &run.records)).collect();
            back =
                block.end() - own.last().map_or(block.start.position - table.back, |r| r.position);
            bytes.extend_from_slice(&payload);
            records.extend(own);
            next = block.next();
            assert_eq!(block.tail().sequence + 1, next.sequence);
        }
        assert!(bytes == story.payload(*lineage), "bytes of {lineage}");
        assert_eq!(records, story.records(*lineage));
    }
}

/// Stretches follow each other, none is too large, and what they tell is what was pushed.
fn look_at_orders(story: &Story, file: &ChunkFile, index: &Index) {
    for (space, (first, to, parts)) in &story.spaces {
        let (mut next, mut told) = (*first, Vec::new());
        for (begins, at) in &index.orders[space] {
            assert_eq!(*begins, next);
            let stretch = file.order(&order_row(space, *begins), at).unwrap();
            assert_eq!(stretch.to, at.to);
            let records: usize = stretch.runs.iter().map(|run| run.records.len()).sum();
            assert!(records <= order::STRETCH_RECORDS);
            for run in &stretch.runs {
                assert!(run.head.space >= *begins && run.end().space <= stretch.to);
                let rows = run::rows(run.head, &run.records);
                told.extend(rows.map(|row| (run.head.lineage, row)));
            }
            next = stretch.to;
        }
        assert_eq!(next, *to);
        let expected = parts.iter().flat_map(|part| {
            let rows = run::rows(part.head, &part.records);
            // An order says only that there is metadata.
            rows.map(|row| {
                let metadata = row.metadata.as_ref().map(|_| Default::default());
                (part.head.lineage, RecordMeta { metadata, ..row })
            })
        });
        assert_eq!(told, expected.collect::<Vec<_>>());
    }
}

/// Any range of a lineage, read across its blocks in as many steps as it takes.
fn look_across(story: &Story, file: &ChunkFile, index: &Index, cuts: &[(u16, u16)]) {
    for (lineage, blocks) in &index.blocks {
        let payload = story.payload(*lineage);
        let begin = story.streams[lineage].0.position;
        for (a, b) in cuts {
            let place = |cut: u16| payload.len() * usize::from(cut) / usize::from(u16::MAX);
            let (from, to) = (place(*a).min(place(*b)), place(*a).max(place(*b)));
            let mut read = Vec::new();
            while from + read.len() < to {
                let position = begin + (from + read.len()) as u64;
                let pieces = file.read_across(blocks, position, begin + to as u64).unwrap();
                assert!(!pieces.is_empty());
                pieces.iter().for_each(|piece| read.extend_from_slice(piece));
            }
            assert!(read == payload[from..to], "{from}..{to} of {lineage}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn chunks_give_back_what_was_put_in(
        appends in vec(append(), 0..40),
        rows in other_rows(),
        cuts in vec((any::<u16>(), any::<u16>()), 4),
        most in prop_oneof![Just(usize::MAX), 1_000..100_000usize],
    ) {
        let mut story = Story::tell(&appends);
        // Backwards, because the writer sorts.
        story.rows = rows.clone().into_iter().rev().collect();
        let disk = super::disk::MemDisk::default();
        disk.short_writes(most);
        let footer = story.write(&disk).unwrap();
        let file = ChunkFile::open(&disk, name()).unwrap();
        prop_assert_eq!(file.footer(), &footer);
        prop_assert_eq!(footer.facts, facts());
        let index = Index::of(&file).unwrap();
        prop_assert_eq!(&index.others, &rows.into_iter().collect::<Vec<_>>());
        look_across(&story, &file, &index, &cuts);
        look_at_blocks(&story, &file, &index);
        look_across(&story, &file, &index, &cuts);
        look_at_orders(&story, &file, &index);
        let mut read = 0;
        let flow = file.scrub(
            |bytes| { read += bytes; ControlFlow::Continue(()) },
            |error| panic!("{error}"),
        );
        prop_assert_eq!(flow, ControlFlow::Continue(()));
        let size = disk.content(&name().path()).len() as u64;
        prop_assert_eq!(read + (footer::HEADER + footer::FOOTER) as u64, size);
    }
}

#[test]
fn what_the_writer_shows_is_what_the_file_says() {
    let lens = vec![200; 3000];
    let mut story = Story::tell(&[Append { stream: 1, skipped: 0, lens, tagged: vec![4] }]);
    story.rows = vec![(vec![0x70, 1], None), (vec![0x10, 2], Some(vec![3; 90_000]))];
    let disk = super::disk::MemDisk::default();
    let mut writer = ChunkWriter::create(Arc::new(disk.clone()), name()).unwrap();
    story.put(&mut writer).unwrap();
    let shown = writer.rows().unwrap().to_vec();
    writer.finish(facts()).unwrap();
    let file = ChunkFile::open(&disk, name()).unwrap();
    assert_eq!(file.rows().collect::<Result<Vec<_>, _>>().unwrap(), shown);
    assert!(shown.is_sorted_by(|a, b| a.key < b.key) && shown.len() > 10);
}

#[test]
fn a_record_with_much_metadata_does_not_make_a_large_table() {
    let tagged: Vec<usize> = (0..3000).collect();
    let story = Story::tell(&[Append { stream: 0, skipped: 0, lens: vec![1; 3000], tagged }]);
    let mut large = story.clone();
    let text = "x".repeat(8_000);
    for (_, parts) in large.streams.values_mut() {
        for record in &mut parts[0].records[..200] {
            let map = headwater_core::Metadata::from([("k".into(), text.clone())]);
            record.metadata = Some(Arc::new(map));
        }
    }
    let (_, file) = large.file();
    let index = Index::of(&file).unwrap();
    look_at_blocks(&large, &file, &index);
    assert!(index.all().all(|block| block.at.table.len <= 80 * 1024));
    // Tables are not kept without end: some are written between the blocks of their lineage.
    let blocks: Vec<Block> = index.all().copied().collect();
    let gaps =
        blocks.array_windows().filter(|[a, b]| a.at.payload.end() != Some(b.at.payload.offset));
    assert_eq!(gaps.count(), 1);
    look_across(&large, &file, &index, &[(0, u16::MAX)]);
}

#[test]
fn records_without_bytes_are_divided_in_chunks_too() {
    let append = |lens| Append { stream: 0, skipped: 0, lens, tagged: vec![] };
    let story = Story::tell(&[append(vec![0; 40_000]), append(vec![5]), append(vec![0; 9])]);
    let (_, file) = story.file();
    let index = Index::of(&file).unwrap();
    look_at_blocks(&story, &file, &index);
    look_at_orders(&story, &file, &index);
    assert_eq!(index.blocks[&5].len(), 40_010_usize.div_ceil(BLOCK_RECORDS));
    assert_eq!(index.orders["s0"].len(), 3);
}

#[test]
fn a_chunk_file_on_a_real_disk_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let real: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path()));
    real.create_folder(Path::new(FOLDER)).unwrap();
    let append = |stream, lens| Append { stream, skipped: 1, lens, tagged: vec![1] };
    let story = Story::tell(&[append(0, vec![200; 900]), append(1, vec![1 << 20, 3, 2_500_000])]);
    let mut writer = ChunkWriter::create(Arc::clone(&real), name()).unwrap();
    story.put(&mut writer).unwrap();
    writer.finish(facts()).unwrap();
    assert_eq!(Listing::read(&*real).unwrap().files, [name()]);
    let file = ChunkFile::open(&*real, name()).unwrap();
    let index = Index::of(&file).unwrap();
    look_at_blocks(&story, &file, &index);
    look_at_orders(&story, &file, &index);
    let (in_memory, _) = story.file();
    assert!(
        std::fs::read(folder.path().join(name().path())).unwrap()
            == in_memory.content(&name().path())
    );
}
