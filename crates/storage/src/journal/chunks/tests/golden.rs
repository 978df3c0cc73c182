//! The bytes of a chunk file. A test that fails here says that what was written before would be read wrongly: the change
//! needs a new version beside the old one.

use std::fmt::Debug;

use headwater_core::{Lineage, StoreId};

use super::super::footer::header;
use super::super::*;
use super::story::{Append, Story, facts, name};
use crate::local::frame::Verify;
use crate::local::row::Row;
use crate::local::stored::golden::{hex, runs};
use crate::local::stored::{Stored, Stretch, Table, decode, encode};

fn golden<T: Stored + Debug + PartialEq>(row: Row<'_>, value: &T, expected: &str) {
    let key = row.key();
    let encoded = encode(&key, value).unwrap();
    assert_eq!(hex(&encoded), expected, "{row}: {value:?}");
    assert_eq!(decode::<T>(&key, &encoded, Verify::Checksum).as_ref(), Ok(value), "{row}");
}

#[test]
fn references_into_chunks() {
    let start = Start { lineage: Lineage(7), position: 300, sequence: 4 };
    let (payload, table) =
        (Extent::new(32, 65_536, 0x0102_0304), Extent::new(70_000, 9, 0xFFFF_FFFE));
    let block = BlockRef::new(name(), payload, table, 328);
    golden(start.row(), &block, "01c297f1260305002080800404030201f0a20409feffffffc802");
    let space = Row::Order {
        store: StoreId(1),
        space: "a",
        first: headwater_core::storage::SpaceSequence(8),
    };
    let again = name().again().unwrap();
    let order = OrderRef::new(again, Extent::new(1 << 33, 16_000, 0x0102_0304), 2000);
    golden(space, &order, "017399dd410305018080808020807d04030201d00f");
}

#[test]
fn ends_of_chunk_files() {
    assert_eq!(
        hex(&header(name())),
        "68776368756e6b7b010000003865fb95030000000000000005000000000000000000000000000000"
    );
    let section = footer::Section { offset: 1_000, len: 200, rows: 3, crc: 0x0102_0304 };
    let facts = Facts { as_of: 6, latest: 5, ..facts() };
    let footer = Footer { name: name(), facts, section };
    assert_eq!(
        hex(&footer.encode()),
        "7d68776368756e6b01000000d71f085d0300000000000000050000000000000000000000000000000700000000000000060000000000000005000000000000000b00000000000000001000000000000005000000000000000c000000000000004000000000000000090000000000000087d61200000000000068e5cf8b010000e803000000000000c800000000000000030000000000000004030201000000000a0000000000000003000000000000001032547698badcfedc05000000000000"
    );
    assert_eq!(Footer::parse(&footer.encode()), Ok(footer));
}

#[test]
fn tables_of_chunks() {
    let start = Start { lineage: Lineage(7), position: 98, sequence: 3 };
    let table = Table { back: 4096, lead: 2, runs: runs() };
    let bytes = table::encode(&table).unwrap();
    assert_eq!(hex(&bytes), "0180200202050804056400050a0c0503e807070500ac02d00f02010101016b0176");
    assert_eq!(table::decode(&bytes, start, 1003), Ok(table));
    let empty = table::encode(&Table::default()).unwrap();
    assert_eq!(hex(&empty), "0100000000");
}

#[test]
fn orders_of_chunks() {
    let mut runs = runs();
    let bytes = order::encode(8, &runs);
    assert_eq!(
        hex(&bytes),
        "01eb070201030e030603c80105000005080405640005050c0503e807070500ac02d00f02010302"
    );
    // Of metadata, an order says only that there is some.
    runs[0].records[1].metadata = Some(Default::default());
    assert_eq!(order::decode(&bytes, 8, 2000), Ok(Stretch { to: 2000, runs }));
    assert_eq!(hex(&order::encode(8, &[])), "0100000000");
}

/// Everything together: a small file with a lineage, an order, a row, and a deletion.
#[test]
fn a_chunk_file() {
    let append =
        |lens: &[usize]| Append { stream: 0, skipped: 2, lens: lens.to_vec(), tagged: vec![1] };
    let mut story = Story::tell(&[append(&[3, 0]), append(&[4, 5, 1])]);
    story.rows = vec![
        (Row::Grave(Lineage(2)).key(), None),
        (Row::Producer { lineage: Lineage(5), id: "p" }.key(), Some(vec![1, 2, 3])),
    ];
    let (disk, _) = story.file();
    assert_eq!(
        hex(&disk.content(&name().path())),
        "68776368756e6b7b010000003865fb9503000000000000000500000000000000000000000000000079b100d074db4f13da3cec39f6010000020586897a060592d8bcfef9620205819875010502030b0300040501020101046b696e6407313030303030330201046b696e64073130303030303601050201030a030203000500000586897a060592d8bcfef962020581897a010502030b03000405010205020489000000bd401ed219001600000020000000000000000500000000000000000000000000000001013bece00c030500280da78daaa1353ee9f4a050051c001200000030000000000000000000000000000000097330000000000000009c4001896021d1030500732cab22eedfcbb8020a0004000000400000000000000005700102030900000000007000000000000000027d68776368756e6b0100000010bab2a80300000000000000050000000000000000000000000000000700000000000000070000000000000007000000000000000b00000000000000001000000000000005000000000000000c000000000000004000000000000000090000000000000087d61200000000000068e5cf8b0100009f0000000000000091000000000000000400000000000000b9bb7fb1000000000a0000000000000003000000000000001032547698badcfedc05000000000000"
    );
}
