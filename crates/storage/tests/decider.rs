//! Core's decisions over what an adapter says: what is needed is loaded, what has to come first is committed.
#![allow(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

use headwater_core::command::{Append, Body, Closing, Create, Expect, ForkRequest};
use headwater_core::decide::{self, BoundaryAnswer, BoundaryQuestion, Limits};
use headwater_core::retention::Wanted;
use headwater_core::{
    AppendError, ContentKind, ContentType, Expiry, ProducerTuple, Slot, StreamKey, Tail, Timestamp,
};
use headwater_storage::testkit::{Decider, Executed, Rig, SoleMemory, make};

const NOW: Timestamp = Timestamp(10_000);

fn create(body: &'static str, fork: Option<ForkRequest>) -> Create {
    Create {
        content_type: Some(ContentType::parse("application/json").unwrap()),
        expiry: Expiry::Never,
        retention: Wanted::default(),
        closing: Closing::KeepOpen,
        body: Body::frame(ContentKind::Json, body.into()),
        fork,
    }
}

/// Creates `root` with three values, `child` after two of them with one more, `grandchild` at the tail of that with one.
fn chain(rig: &Rig<'_>) -> [StreamKey; 3] {
    let keys = ["root", "child", "grandchild"].map(|name| make::key(name).unwrap());
    let run = |key: &StreamKey, command: Create| {
        let decided = Decider::over(rig).execute(|known| decide::create(known, key, &command, NOW));
        assert!(matches!(decided.unwrap().answer(), Some(Ok(_))), "{key}");
    };
    run(&keys[0], create("[10,20,30]", None));
    let offset = Some(rig.live(&keys[0]).unwrap().ranges.offset(3));
    run(
        &keys[1],
        create("[40]", Some(ForkRequest { source: keys[0].clone(), offset, sub_offset: 1 })),
    );
    let source = keys[1].clone();
    run(&keys[2], create("[50]", Some(ForkRequest { source, offset: None, sub_offset: 0 })));
    keys
}

#[test]
fn forks_divide_where_records_do_over_all_their_ancestors() {
    let rig = Rig::open(&SoleMemory).unwrap();
    let [_, child, grandchild] = chain(&rig);
    assert_eq!(rig.content(&child).unwrap(), "10,20,40,");
    assert_eq!(rig.content(&grandchild).unwrap(), "10,20,40,50,");
    let state = rig.live(&grandchild).unwrap();
    assert_eq!(state.tail, Tail { position: 12, sequence: 4 });
    let ask = |position, records| {
        let (key, lineage) = (grandchild.clone(), state.ranges.own());
        Decider::over(&rig).boundary(&BoundaryQuestion { key, lineage, position, records })
    };
    let found = |start, end, sequence, after| BoundaryAnswer { start, end, sequence, after };
    for (position, records, expected) in [
        (0, 0, found(0, 3, 1, None)),
        (4, 1, found(3, 6, 2, Some(6))),
        (5, 2, found(3, 6, 2, Some(9))),
        (0, 4, found(0, 3, 1, Some(12))),
        (0, 5, found(0, 3, 1, None)),
        (11, 1, found(9, 12, 4, Some(12))),
    ] {
        assert_eq!(ask(position, records).unwrap(), expected, "{position}, {records}");
    }
    ask(12, 0).unwrap_err();
}

#[test]
fn a_producer_is_loaded_and_a_retry_is_a_duplicate() {
    let rig = Rig::open(&SoleMemory).unwrap();
    let [root, ..] = chain(&rig);
    let row = make::row(0, 0).unwrap();
    let append = Append {
        content_type: None,
        body: Body::frame(ContentKind::Json, "1".into()),
        closing: Closing::KeepOpen,
        producer: Some(ProducerTuple {
            id: make::producer("p").unwrap(),
            epoch: row.epoch,
            seq: row.seq,
        }),
        stream_seq: None,
        expect: Expect::Anything,
    };
    let run = || {
        let limits = Limits::default();
        Decider::over(&rig)
            .execute(|known| decide::append(known, limits, &root, &append, NOW))
            .unwrap()
    };
    assert!(matches!(run(), Executed::Tried { .. }));
    assert!(matches!(run(), Executed::Replied(Ok(_))));
    assert_eq!(rig.live(&root).unwrap().tail.sequence, 4);
}

#[test]
fn what_is_over_is_ended_before_the_command_is_decided() {
    let rig = Rig::open(&SoleMemory).unwrap();
    let key = make::key("short").unwrap();
    let command = Create { expiry: Expiry::Ttl(1), ..create("", None) };
    let at = |now| {
        Decider::over(&rig).execute(|known| decide::create(known, &key, &command, now)).unwrap()
    };
    assert!(matches!(at(NOW), Executed::Tried { .. }));
    let first = rig.version(&key).unwrap();
    assert!(matches!(at(NOW.plus_seconds(1)), Executed::Tried { .. }));
    assert_ne!(rig.version(&key).unwrap().lineage, first.lineage);
    let append = Append {
        content_type: None,
        body: Body::frame(ContentKind::Json, "1".into()),
        closing: Closing::KeepOpen,
        producer: None,
        stream_seq: None,
        expect: Expect::Anything,
    };
    let late = NOW.plus_seconds(9);
    let decided = Decider::over(&rig)
        .execute(|known| decide::append(known, Limits::default(), &key, &append, late))
        .unwrap();
    assert_eq!(decided, Executed::Replied(Err(AppendError::NotFound)));
    assert_eq!(rig.slot(&key).unwrap(), Slot::Absent);
}
