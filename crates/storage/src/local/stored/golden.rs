//! The bytes of every stored structure. A test that fails here says that what was written before would be read wrongly:
//! the change needs a new version beside the old one.

use std::fmt::{Debug, Write};
use std::num::NonZeroU64;
use std::sync::Arc;

use headwater_core::change::Closed;
use headwater_core::offset::{LineageRange, Ranges, Renewal};
use headwater_core::producer::ProducerState;
use headwater_core::retention::{ChosenBy, Policy, Retained, Retention};
use headwater_core::state::Origin;
use headwater_core::{
    BatchRecord, ContentType, Expiry, Lineage, Metadata, ProducerId, ProducerNumber, ProducerTuple,
    Slot, StoreId, StreamKey, StreamSeq, StreamState, Tail, Timestamp,
};

use super::super::row::Row;
use super::super::run::{Head, Run};
use super::*;

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The value is these bytes, and these bytes are the value.
fn golden<T: Stored + Debug + PartialEq>(row: Row<'_>, value: &T, expected: &str) {
    let key = row.key();
    let encoded = encode(&key, value).unwrap();
    assert_eq!(hex(&encoded), expected, "{row}: {value:?}");
    assert_eq!(decode::<T>(&key, &encoded, Verify::Checksum).as_ref(), Ok(value), "{row}");
}

pub(crate) fn key(path: &str) -> StreamKey {
    StreamKey::parse(StoreId(0x0102), path).unwrap()
}

pub(crate) fn number(number: u64) -> ProducerNumber {
    ProducerNumber::new(number).unwrap()
}

pub(crate) fn ranges(count: u64) -> Arc<[LineageRange]> {
    let range = |n| LineageRange { lineage: Lineage(n + 1), from: n * 10, to: n * 10 + 10 };
    (0..count).map(range).collect()
}

/// A state with everything that a state can have.
pub(crate) fn full_state(inherited: Arc<[LineageRange]>) -> StreamState {
    StreamState {
        ranges: Ranges::with_inherited(inherited, Lineage(900)),
        revision: 5,
        content_type: ContentType::parse("text/plain; a=b").unwrap(),
        expiry: Expiry::Ttl(60),
        origin: Some(Arc::new(Origin {
            source: key("a/ü"),
            source_lineage: Lineage(2),
            anchor: 10,
            sub_offset: 3,
            at: 13,
            requested_expiry: Expiry::At(Timestamp(77)),
        })),
        tail: Tail { position: 300, sequence: 4 },
        floor: Tail { position: 1, sequence: 0 },
        retained: None,
        closed: Some(Arc::new(Closed {
            by: Some(ProducerTuple {
                id: ProducerId::parse("p").unwrap(),
                epoch: number(1),
                seq: number((1 << 53) - 1),
            }),
        })),
        stream_seq: Some(StreamSeq::new(&[0, 255]).unwrap()),
        producers: 1,
        forks: 2,
        created_at: Timestamp(1_700_000_000_000),
        used_at: Timestamp(1_700_000_000_001),
    }
}

fn plain_state() -> StreamState {
    StreamState {
        ranges: Ranges::root(Lineage(7)),
        revision: 1,
        content_type: ContentType::octet_stream(),
        expiry: Expiry::Never,
        origin: None,
        tail: Tail::default(),
        floor: Tail::default(),
        retained: None,
        closed: None,
        stream_seq: None,
        producers: 0,
        forks: 0,
        created_at: Timestamp(0),
        used_at: Timestamp(0),
    }
}

#[test]
fn states() {
    let name = key("a/b");
    for (slot, expected) in [
        (
            Slot::Live(Arc::new(plain_state())),
            "019bfddcad00070100000000186170706c69636174696f6e2f6f637465742d73747265616d00000000000000000000",
        ),
        (
            Slot::SoftDeleted(Arc::new(full_state(ranges(2)))),
            "013f4a225401840705ac020401000f746578742f706c61696e3b20613d62013c80d095ffbc3181d095ffbc31010200ff01020101017001ffffffffffffff0f01820204612fc3bc020a030d024d000201000a020a14",
        ),
    ] {
        let stored = StoredSlot::of(&slot).unwrap();
        golden(Row::state(&name), &stored, expected);
        assert_eq!(stored.into_slot(Vec::new()), Ok(slot));
    }
    let closed = StreamState { closed: Some(Arc::new(Closed { by: None })), ..plain_state() };
    let slot = Slot::Live(Arc::new(StreamState { expiry: Expiry::At(Timestamp(9)), ..closed }));
    let stored = StoredSlot::of(&slot).unwrap();
    golden(
        Row::state(&name),
        &stored,
        "0130cc6fb100070100000000186170706c69636174696f6e2f6f637465742d73747265616d020900000000000100000000",
    );
    assert_eq!(stored.into_slot(Vec::new()), Ok(slot));
    let state = StreamState { expiry: Expiry::AfterClose(300), ..plain_state() };
    let slot = Slot::Live(Arc::new(state));
    let stored = StoredSlot::of(&slot).unwrap();
    golden(
        Row::state(&name),
        &stored,
        "01484f5db600070100000000186170706c69636174696f6e2f6f637465742d73747265616d03ac02000000000000000000",
    );
    assert_eq!(stored.into_slot(Vec::new()), Ok(slot));
}

#[test]
fn states_with_a_policy() {
    let name = key("a/b");
    let limit = NonZeroU64::new;
    let retained = |bytes, seconds, by, oldest| {
        let retention = Retention { bytes: limit(bytes), seconds: limit(seconds) };
        let policy = Policy { retention, by };
        Some(Box::new(Retained { policy, oldest: Timestamp(oldest) }))
    };
    let few = retained(300, 0, ChosenBy::Request, 0);
    let new = retained(1, 60, ChosenBy::Surroundings, 1_700_000_000_000);
    for (slot, expected) in [
        (
            Slot::Live(Arc::new(StreamState { retained: few, ..plain_state() })),
            "01c2a894ce02070100000000186170706c69636174696f6e2f6f637465742d73747265616d00000000000000000000000101ac02000000",
        ),
        (
            Slot::SoftDeleted(Arc::new(StreamState { retained: new, ..plain_state() })),
            "01b594a4ed03070100000000186170706c69636174696f6e2f6f637465742d73747265616d0000000000000000000000010101013c0180d095ffbc31",
        ),
    ] {
        let stored = StoredSlot::of(&slot).unwrap();
        golden(Row::state(&name), &stored, expected);
        assert_eq!(stored.into_slot(Vec::new()), Ok(slot));
    }
}

#[test]
fn states_with_renewals() {
    let renewals = [Renewal { lineage: Lineage(1 << 36), from: 100 }];
    let state = StreamState {
        ranges: Ranges::root(Lineage(7)).renewed(renewals.into()),
        tail: Tail { position: 300, sequence: 4 },
        ..plain_state()
    };
    let state = Arc::new(state);
    for (slot, expected) in [
        (
            Slot::Live(Arc::clone(&state)),
            "01b6436217020701ac02040000186170706c69636174696f6e2f6f637465742d73747265616d00000000000000000000018080808080026400",
        ),
        (
            Slot::SoftDeleted(Arc::clone(&state)),
            "011cb70cb3030701ac02040000186170706c69636174696f6e2f6f637465742d73747265616d00000000000000000000018080808080026400",
        ),
    ] {
        let stored = StoredSlot::of(&slot).unwrap();
        golden(Row::state(&key("a/b")), &stored, expected);
        assert_eq!((stored.lineage(), stored.range_rows()), (Lineage(7), 0));
        assert_eq!(stored.into_slot(Vec::new()), Ok(slot));
    }
}

#[test]
fn many_inherited_ranges_have_rows_of_their_own() {
    for (count, rows) in [(48, 0), (49, 1), (128, 1), (129, 2), (1000, 8)] {
        let state = full_state(ranges(count));
        let slot = Slot::Live(Arc::new(state.clone()));
        let stored = StoredSlot::of(&slot).unwrap();
        let own = StoredRanges::rows_of(&state);
        assert_eq!((usize::from(stored.range_rows()), own.len()), (rows, rows), "{count}");
        let lineage = Lineage(900);
        for (index, ranges) in (0u16..).zip(&own) {
            let value = encode(&Row::Ranges { lineage, index }.key(), ranges).unwrap();
            assert!(value.len() < 4096, "{count}: {}", value.len());
        }
        let value = encode(&Row::state(&key("a")).key(), &stored).unwrap();
        assert!(value.len() < 2048, "{count}: {}", value.len());
        assert_eq!(stored.into_slot(own), Ok(slot), "{count}");
    }
    let [row] = StoredRanges::rows_of(&full_state(ranges(49))).try_into().unwrap();
    let row: StoredRanges = row;
    let value = encode(&Row::Ranges { lineage: Lineage(900), index: 0 }.key(), &row).unwrap();
    assert_eq!(hex(value.get(..20).unwrap()), "0109c94f7e3101000a020a1403141e041e280528");
}

#[test]
fn rows() {
    let (name, lineage) = (key("a/b"), Lineage(7));
    let base = Tail { position: 300, sequence: 2 };
    golden(
        Row::Lineage(lineage),
        &StoredLineage::new(&name, base),
        "01559a655f820203612f62ac020200",
    );
    golden(
        Row::Lineage(lineage),
        &StoredLineage::new(&name, base).kept_to(128),
        "0132d93839820203612f62ac0202018001",
    );
    let space = Row::Space { store: StoreId(1), space: "a" };
    golden(space, &StoredSpace { last: 300, records: 5, dead: 1 }, "01ddd80334ac020501");
    let row = ProducerState { epoch: number(1), seq: number(200) };
    let producer = Row::Producer { lineage, id: "p" };
    golden(producer, &StoredProducer::of(row), "0153a2190d01c801");
    let deadline = Row::Deadline { at: Timestamp(9), lineage };
    golden(deadline, &StoredDeadline::of(&name), "0123bd7cbb820203612f62");
    golden(Row::Pin { lineage, position: 5 }, &StoredPin { forks: 3 }, "0187bbe3c403");
    golden(Row::Grave(lineage), &StoredGrave::Whole, "01080e9c5800");
    golden(Row::Grave(lineage), &StoredGrave::Past(300), "01c70aa1d301ac02");
    golden(Row::Trim(lineage), &StoredTrim(300, 7), "013929bccfac0207");
    let checkpoint = StoredCheckpoint {
        packed: 1,
        unit: 2,
        at: 1_700_000_000_000,
        rows: 300,
        streams: 4,
        digest: [1, 2, 3, 4, 5, 6, 7, 255],
    };
    golden(Row::Checkpoint, &checkpoint, "01ba81b57b010280d095ffbc31ac020401020304050607ff");
    let seal =
        StoredSeal { files: vec![("conf".into(), 66, 1), ("db".into(), 1 << 20, 0xFFFF_FFFF)] };
    golden(Row::Checkpoint, &seal, "01fbd1f5cd0204636f6e664201026462808040ffffffff0f");
}

pub(crate) fn runs() -> Vec<Run> {
    let first = Head { lineage: Lineage(7), sequence: 3, position: 100, space: 9, unit: 4, at: 50 };
    let metadata = Some(Arc::new(Metadata::from([("k".into(), "v".into())])));
    let records =
        vec![BatchRecord::plain(5), BatchRecord { len: 0, metadata }, BatchRecord::plain(300)];
    let second = Head { space: 20, unit: 6, at: 50, ..first.after(&records) };
    vec![
        Run { head: first, records },
        Run { head: second, records: vec![BatchRecord::plain(2); 1000] },
    ]
}

#[test]
fn stretches() {
    let row = Row::Order {
        store: StoreId(1),
        space: "a",
        first: headwater_core::storage::SpaceSequence(8),
    };
    let stored = StoredOrder::of(8, 2000, &runs());
    golden(row, &stored, "01bbce5a9dd00f0207036404320101030500ac0201010706950302000800e8070200");
    let stretch = stored.into_stretch(8).unwrap();
    assert_eq!(stretch.to, 2000);
    let mut expected = runs();
    // Of metadata, an order says only that there is some.
    expected[0].records[1].metadata = Some(Arc::default());
    assert_eq!(stretch.runs, expected);
    golden(row, &StoredOrder::of(8, 9, &[]), "01a09ef0b90900");
}

#[test]
fn every_flipped_bit_is_noticed() {
    let name = key("a/b");
    let row = Row::state(&name).key();
    let slot = Slot::Live(Arc::new(full_state(ranges(2))));
    let value = encode(&row, &StoredSlot::of(&slot).unwrap()).unwrap();
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode::<StoredSlot>(&row, &flipped, Verify::Checksum).is_err(), "bit {bit}");
    }
    for len in 0..value.len() {
        assert!(
            decode::<StoredSlot>(&row, &value[..len], Verify::Checksum).is_err(),
            "cut to {len}"
        );
    }
    let other = Row::state(&key("a/c")).key();
    assert!(decode::<StoredSlot>(&other, &value, Verify::Checksum).is_err(), "under another key");
}
