//! The bytes of chunks and groups. A test that fails here says that what was written before would be read wrongly: the
//! change needs a new version beside the old one.

use std::num::NonZeroU64;
use std::sync::Arc;

use crate::testkit::make;
use bytes::Bytes;
use headwater_core::change::{
    Birth, Change, Closed, Effect, PinChange, ProducerChange, Unit, Update,
};
use headwater_core::producer::ProducerState;
use headwater_core::retention::{ChosenBy, Policy, Retention};
use headwater_core::{Batch, BatchRecord, Lineage, Metadata, ProducerId, Tail, Timestamp, Version};

use super::super::chunk;
use super::super::group::{decode_group, encode_group};
use crate::local::row::Row;
use crate::local::stored::golden::{full_state, hex, key, number, ranges, runs};
use crate::local::stored::{GroupUnit, Place, StoredTable, Table};

#[test]
fn chunks() {
    let row = Row::Chunk { lineage: Lineage(7), position: 98, sequence: 3 };
    let table = Table { back: 4096, lead: 2, runs: runs() };
    let value = chunk::encode(&row.key(), &table, b"bytes").unwrap();
    assert_eq!(
        hex(&value),
        "0176cf501d1c000000eb0300008020020204320901030500ac02010101016b017602000800e80702006279746573"
    );
    let stored = StoredTable::of(&table);
    assert_eq!(stored.into_table(Lineage(7), 98, 3), Ok(table));
}

#[test]
fn groups() {
    let basis = Version { lineage: 7, revision: 3 };
    let state = full_state(ranges(1));
    let birth = Birth {
        content_type: state.content_type.clone(),
        expiry: state.expiry,
        origin: state.origin.clone(),
        inherited: ranges(1),
        renewals: Arc::default(),
        base: Tail { position: 10, sequence: 1 },
        floor: state.floor,
        policy: None,
        batch: Some(Batch::single(Bytes::from_static(b"first"))),
        closed: state.closed.clone(),
        at: Timestamp(5),
    };
    let metadata = Some(Arc::new(Metadata::from([("k".into(), "v".into())])));
    let records = [BatchRecord::plain(2), BatchRecord { len: 1, metadata }];
    let batch = Batch::new(Bytes::from_static(b"abc"), Arc::new(records)).unwrap();
    let producer = ProducerState { epoch: number(0), seq: number(1) };
    let id = ProducerId::parse("p").unwrap();
    let update = |pin, producer| Update {
        batch: Some(batch.clone()),
        producer: Some(producer),
        stream_seq: state.stream_seq.clone(),
        closed: Some(Arc::new(Closed { by: None })),
        used_at: Some(Timestamp(6)),
        pin: Some(pin),
        floor: None,
        oldest: None,
    };
    let advance = update(PinChange::Add(4), ProducerChange::Advance(id.clone(), producer));
    let introduce = update(PinChange::Drop(4), ProducerChange::Introduce(id, producer));
    let change = |path: &str, basis, effect| Change { key: key(path), basis, effect };
    let place = |space| Some(Place { space, position: 10, sequence: 2 });
    let units = [
        GroupUnit {
            unit: Unit {
                changes: vec![
                    change("a/b", Version::ABSENT, Effect::Create(Box::new(birth))),
                    change("a/c", basis, Effect::Update(Box::new(advance))),
                    change("a/d", basis, Effect::Update(Box::new(introduce))),
                ],
            },
            first: vec![place(1), place(2), place(300)],
        },
        GroupUnit {
            unit: Unit {
                changes: vec![
                    change("a/e", basis, Effect::SoftDelete),
                    change("a/f", basis, Effect::Remove),
                    change("a/g", basis, Effect::Update(Box::default())),
                ],
            },
            first: vec![None, None, None],
        },
    ];
    let rows = encode_group(3, 40, 1_700_000_000_000, &units.each_ref()).unwrap();
    let [(group_key, value)] = rows.as_slice() else { panic!("{} parts", rows.len()) };
    assert_eq!(*group_key, Row::Group { group: 3, part: 0 }.key());
    assert_eq!(
        hex(value),
        "011916a01a01000000cb0000002880d095ffbc310203820203612f62000001010a02000f746578742f706c61696e3b20613d62013c01820204612fc3bc020a030d024d0101000a0a01010001000105000101017001ffffffffffffff0f05820203612f63070301020a02010101020201010101016b0176010101700001010200ff01000106010004820203612f64070301ac020a02010101020201010101016b0176010001700001010200ff0100010601010403820203612f6507030002820203612f6607030003820203612f67070300010000000000006669727374616263616263"
    );
    let group = decode_group(3, &[(0, value)]).unwrap();
    assert_eq!((group.first_unit, group.at), (40, 1_700_000_000_000));
    assert_eq!(group.units, units);
}

#[test]
fn a_floor_that_rises() {
    let floor = Some(Tail { position: 300, sequence: 4 });
    let update = Update { floor, used_at: Some(Timestamp(6)), ..Update::default() };
    let basis = Version { lineage: 7, revision: 3 };
    let effect = Effect::Update(Box::new(update));
    let unit = Unit::of(Change { key: key("a/b"), basis, effect });
    let unit = GroupUnit { unit, first: vec![None] };
    let rows = encode_group(3, 40, 1_700_000_000_000, &[&unit]).unwrap();
    let [(_, value)] = rows.as_slice() else { panic!("{} parts", rows.len()) };
    assert_eq!(
        hex(value),
        "01fbb9472b010000001d0000002880d095ffbc310101820203612f620703000400000000010600ac0204"
    );
    assert_eq!(decode_group(3, &[(0, value)]).unwrap().units, [unit]);
}

#[test]
fn what_retention_changes() {
    let floor = Some(Tail { position: 300, sequence: 4 });
    let limit = NonZeroU64::new;
    let retention = Retention { bytes: limit(300), seconds: limit(60) };
    let policy = Some(Policy { retention, by: ChosenBy::Request });
    let birth = Birth { policy, ..make::birth() };
    let update = |floor| Update { floor, oldest: Some(Timestamp(600)), ..Update::default() };
    let basis = Version { lineage: 7, revision: 3 };
    for (basis, effect, expected) in [
        (
            Version::ABSENT,
            Effect::Create(Box::new(birth)),
            "01c301ee02010000003e0000002880d095ffbc310101820203612f6200000005186170706c69636174696f6e2f6f637465742d73747265616d00000000000000000001000101ac02013c00",
        ),
        (
            basis,
            Effect::Update(Box::new(update(floor))),
            "01e7fff346010000001f0000002880d095ffbc310101820203612f620703000600000000000001ac0204d804",
        ),
        (
            basis,
            Effect::Update(Box::new(update(None))),
            "01e16e1d08010000001c0000002880d095ffbc310101820203612f620703000600000000000000d804",
        ),
    ] {
        let unit = Unit::of(Change { key: key("a/b"), basis, effect });
        let unit = GroupUnit { unit, first: vec![None] };
        let rows = encode_group(3, 40, 1_700_000_000_000, &[&unit]).unwrap();
        let [(_, value)] = rows.as_slice() else { panic!("{} parts", rows.len()) };
        assert_eq!(hex(value), expected);
        assert_eq!(decode_group(3, &[(0, value)]).unwrap().units, [unit]);
    }
}

#[test]
fn a_large_group_is_divided_and_no_part_may_be_missing() {
    let payload: Bytes = (0..100_000u32).map(|n| (n % 251) as u8).collect();
    let update = Update { batch: Some(Batch::single(payload)), ..Update::default() };
    let effect = Effect::Update(Box::new(update));
    let basis = Version { lineage: 7, revision: 3 };
    let unit = Unit::of(Change { key: key("a"), basis, effect });
    let unit = GroupUnit { unit, first: vec![Some(Place { space: 1, position: 0, sequence: 1 })] };
    let rows = encode_group(9, 1, 5, &[&unit]).unwrap();
    assert!(rows.len() > 20 && rows.iter().all(|(_, value)| value.len() < 4200));
    let parts: Vec<(u32, Vec<u8>)> =
        (0..).zip(rows).map(|(part, (_, value))| (part, value)).collect();
    assert_eq!(decode_group(9, &parts).unwrap().units, [unit]);
    for missing in 0..parts.len() {
        let mut fewer = parts.clone();
        fewer.remove(missing);
        assert!(decode_group(9, &fewer).is_err(), "without part {missing}");
    }
}
