//! Retention: what a policy says is to go, when, and what becomes of it.

use headwater_core::change::{Birth, Update};
use headwater_core::retention::{ChosenBy, Excess, Policy, Retention};
use headwater_core::{Batch, ContentType, Expiry, Lineage, StreamState, Tail, Timestamp};

use crate::script::{play, table};

#[test]
fn a_policy_is_a_property_of_a_stream() {
    table(
        "put a type=text/plain body=x keep-bytes=100 => created a@1",
        &[
            ("the same", "put a type=text/plain keep-bytes=100 => confirmed a@1"),
            (
                "another limit",
                "put a type=text/plain keep-bytes=101 => refused config_mismatch retention",
            ),
            (
                "one limit more",
                "put a type=text/plain keep-bytes=100 keep-seconds=9 => refused config_mismatch retention",
            ),
            ("none", "put a type=text/plain => refused config_mismatch retention"),
            ("it is told", "show a => a@1 'x' records 1 keeps 100/0 since 0"),
        ],
    );
    play(
        "
        put a                                     => created a@0
        put a keep-seconds=9                      => refused config_mismatch retention
        ",
    );
}

#[test]
fn what_is_usual_in_a_space_is_taken_over_and_not_compared() {
    play(
        "
        clock 5
        put a usual-seconds=60                    => created a@0
        show a                                    => a@0 '' records 0 keeps 0/60 since 5
        put a usual-seconds=70                    => confirmed a@0
        put a                                     => confirmed a@0
        put a keep-seconds=60                     => refused config_mismatch retention
        ",
    );
}

#[test]
fn a_fork_takes_over_the_policy_of_its_source_if_it_is_given_none() {
    table(
        "clock 5\nput a type=text/plain body=x keep-bytes=100 => created a@1",
        &[
            (
                "none given",
                "fork b from=a => created b@1
                 show b => b@1 'x' records 1 keeps 100/0 since 0
                 fork b from=a => confirmed b@1",
            ),
            (
                "not that of its space",
                "fork b from=a usual-seconds=7 => created b@1
                 show b => b@1 'x' records 1 keeps 100/0 since 0",
            ),
            (
                "its own",
                "fork b from=a keep-seconds=7 => created b@1
                 show b => b@1 'x' records 1 keeps 0/7 since 0
                 fork b from=a => refused config_mismatch retention",
            ),
        ],
    );
}

#[test]
fn what_was_found_is_given_up_and_the_floor_never_falls() {
    table(
        "
        put a type=text/plain body=ab ttl=10 keep-bytes=100 => created a@2
        append a body=cd                          => appended a@4
        append a body=ef                          => appended a@6
        clock 3
        ",
        &[
            (
                "by bytes, which is no use of it",
                "retain a byte=2/1 => gave up 2
                 show a => a@6 'abcdef' records 3 from 2/1 keeps 100/0 since 0 until 10
                 retain a byte=2/1 => gave up 0",
            ),
            (
                "by age",
                "retain a old=2/1 oldest=2 => gave up 2
                 show a => a@6 'abcdef' records 3 from 2/1 keeps 100/0 since 2 until 10",
            ),
            (
                "by both",
                "retain a byte=4/2 old=2/1 => gave up 4
                 retain a byte=2/1 old=6/3 => gave up 2
                 show a => a@6 'abcdef' records 3 from 6/3 keeps 100/0 since 0 until 10",
            ),
            (
                "nothing but that all are younger",
                "retain a oldest=1 => gave up 0
                 show a => a@6 'abcdef' records 3 keeps 100/0 since 1 until 10
                 retain a oldest=1 => gave up 0",
            ),
            (
                "after it was truncated further",
                "truncate a at=a@4 => truncated a@4
                 retain a byte=2/1 => gave up 0
                 show a => a@6 'abcdef' records 3 from 4/2 keeps 100/0 since 0 until 13",
            ),
            ("past its tail", "retain a byte=9/9 => gave up 0"),
            ("of another life", "retain a of=unborn@0 byte=2/1 => gave up 0"),
            ("of one that has ended", "clock 10\nretain a byte=2/1 => gave up 0"),
            (
                "of one that is closed",
                "append a close => appended a@6 closed\nretain a byte=2/1 => gave up 2",
            ),
            (
                "of one with forks",
                "fork b from=a => created b@6
                 retain a byte=4/2 => gave up 4
                 show b => b@6 'abcdef' records 3 keeps 100/0 since 0 until 13
                 delete a => done
                 retain a byte=6/3 => gave up 0",
            ),
            ("of none", "retain c byte=2/1 => gave up 0"),
        ],
    );
    play(
        "
        put a type=text/plain body=ab             => created a@2
        retain a byte=2/1                         => gave up 0
        ",
    );
}

/// A stream of so many bytes that was created at 1,000 s.
fn stream(retention: (u64, u64), bytes: usize) -> StreamState {
    let limit = std::num::NonZeroU64::new;
    let retention = Retention { bytes: limit(retention.0), seconds: limit(retention.1) };
    let batch = Batch::single(vec![0; bytes.max(1)].into());
    let birth = Birth {
        content_type: ContentType::octet_stream(),
        expiry: Expiry::Never,
        origin: None,
        inherited: [].into(),
        renewals: [].into(),
        base: Tail::default(),
        floor: Tail::default(),
        policy: Some(Policy { retention, by: ChosenBy::Request }),
        batch: (bytes > 0).then_some(batch),
        closed: None,
        at: Timestamp(1_000_000),
    };
    StreamState::born(&birth, Lineage(1))
}

#[test]
fn what_is_too_much_or_too_old_is_due_when_there_is_a_sixteenth_more() {
    let byte = |byte| Some(Excess { byte: Some(byte), before: None });
    let before = |at| Some(Excess { byte: None, before: Some(Timestamp(at)) });
    for (limits, bytes, now, due, excess) in [
        ((160, 0), 170, 0, None, None),
        ((160, 0), 171, 0, Some(0), byte(10)),
        ((1, 0), 2, 0, Some(0), byte(0)),
        ((1, 0), 0, 0, None, None),
        ((u64::MAX, 0), 9, 0, None, None),
        ((0, 16), 9, 1_016_999, Some(1_017_000), None),
        ((0, 16), 9, 1_017_000, Some(1_017_000), before(1_001_000)),
        ((0, 16), 0, 2_000_000, None, None),
        ((0, u64::MAX), 9, u64::MAX - 1, Some(u64::MAX), None),
        ((160, 16), 9, 1_020_000, Some(1_017_000), before(1_004_000)),
        (
            (160, 16),
            200,
            1_000_000,
            Some(0),
            Some(Excess { byte: Some(39), before: Some(Timestamp(984_000)) }),
        ),
        (
            (160, 16),
            165,
            1_017_000,
            Some(1_017_000),
            Some(Excess { byte: Some(4), before: Some(Timestamp(1_001_000)) }),
        ),
    ] {
        let state = stream(limits, bytes);
        assert_eq!(state.due(), due.map(Timestamp), "{limits:?} of {bytes} bytes");
        assert_eq!(state.excess(Timestamp(now)), excess, "{limits:?} of {bytes} bytes at {now}");
    }
}

#[test]
fn what_was_found_out_about_the_oldest_record_is_due_later() {
    let mut state = stream((0, 16), 9);
    let oldest =
        |seconds: u64| Update { oldest: Some(Timestamp(seconds * 1000)), ..Update::default() };
    state.advance(&oldest(1_010), Lineage(2));
    assert_eq!(state.due(), Some(Timestamp(1_027_000)));
    state.advance(&oldest(1_005), Lineage(3));
    assert_eq!(state.due(), Some(Timestamp(1_027_000)), "it is not forgotten");
    state.expiry = Expiry::At(Timestamp(1_020_000));
    assert_eq!(state.due(), Some(Timestamp(1_020_000)), "its own end comes first");
    assert!(!state.expired(Timestamp(1_019_999)) && state.expired(Timestamp(1_020_000)));
}
