//! How often each kind of operation and choice is tried.
//!
//! The weights lean to what succeeds, and leave every refusal enough turns to be counted. Most strategies are boxed,
//! because the unboxed value trees of a list are so large that moving them takes longer than making the trial.

use std::ops::RangeInclusive;

use headwater_core::command::Closing;
use proptest::prelude::*;
use proptest::sample::Index;

use super::{
    Again, Aim, Anchor, AppendOp, BodyChoice, CreateOp, Declared, ExpectChoice, ForkOp, KEYS, Keep,
    KindChoice, Lifetime, Look, Move, Op, SeqChoice, Sub, Verb,
};

/// Lists of so many operations, after a few that make something to work on.
pub(crate) fn lists(length: RangeInclusive<usize>) -> impl Strategy<Value = Vec<Op>> {
    let first = (0..50i64, free(), create()).prop_map(|(tick, aim, create)| Op {
        tick,
        aim,
        verb: Verb::Create(create),
    });
    let first = prop::collection::vec(first, 2..5);
    let rest = prop::collection::vec(op(), length);
    (first, rest).prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

fn op() -> impl Strategy<Value = Op> {
    (tick(), command()).prop_map(|(tick, (aim, verb))| Op { tick, aim, verb })
}

/// Commands mostly go where they can succeed.
fn command() -> impl Strategy<Value = (Aim, Verb)> {
    prop_oneof![
        8 => (free(), create().prop_map(Verb::Create)),
        12 => (free(), fork().prop_map(Verb::Fork)),
        6 => (live(), again().prop_map(Verb::CreateAgain)),
        62 => (live(), append().prop_map(Verb::Append)),
        2 => (live(), close().prop_map(Verb::Append)),
        16 => (live(), anchor().prop_map(Verb::Truncate)),
        18 => (overfull(), look().prop_map(Verb::Retain)),
        6 => (live(), Just(Verb::Delete)),
        2 => (live(), Just(Verb::Expire)),
        3 => (live(), (0..3_000u64).prop_map(Verb::MarkUsed)),
    ]
}

fn live() -> BoxedStrategy<Aim> {
    prop_oneof![
        1 => (0..KEYS).prop_map(Aim::Any),
        1 => any::<Index>().prop_map(Aim::Deleted),
        28 => any::<Index>().prop_map(Aim::Live),
    ]
    .boxed()
}

fn overfull() -> BoxedStrategy<Aim> {
    prop_oneof![1 => live(), 5 => any::<Index>().prop_map(Aim::Overfull)].boxed()
}

fn source() -> BoxedStrategy<Aim> {
    prop_oneof![2 => any::<Index>().prop_map(Aim::Deleted), 14 => live()].boxed()
}

fn free() -> BoxedStrategy<Aim> {
    prop_oneof![1 => (0..KEYS).prop_map(Aim::Any), 9 => any::<Index>().prop_map(Aim::Free)].boxed()
}

fn tick() -> impl Strategy<Value = i64> {
    prop_oneof![5 => 0..50i64, 4 => 50..900i64, 1 => 1_000..6_000i64, 1 => -2_000..0i64]
}

fn again() -> BoxedStrategy<Again> {
    prop_oneof![
        8 => Just(Again::Same),
        2 => Just(Again::WithoutOffset),
        1 => Just(Again::OtherLifetime),
        1 => Just(Again::OtherSource),
        1 => Just(Again::OtherOffset),
        1 => Just(Again::OtherClosing),
        1 => Just(Again::OtherRetention),
    ]
    .boxed()
}

fn create() -> BoxedStrategy<CreateOp> {
    let kind = prop_oneof![
        6 => Just(KindChoice::OfKey),
        1 => Just(KindChoice::Json),
        1 => Just(KindChoice::Text),
        1 => Just(KindChoice::Image),
        1 => Just(KindChoice::Unnamed),
    ];
    (kind, lifetime(), keep(), closing(1), body())
        .prop_map(|(kind, lifetime, keep, closing, body)| CreateOp {
            kind,
            lifetime,
            keep,
            closing,
            body,
        })
        .boxed()
}

fn fork() -> BoxedStrategy<ForkOp> {
    let fields = (source(), declared(), anchor(), sub(), lifetime(), keep(), closing(1), body());
    fields
        .prop_map(|(source, declared, anchor, sub, lifetime, keep, closing, body)| ForkOp {
            source,
            declared,
            anchor,
            sub,
            lifetime,
            keep,
            closing,
            body,
        })
        .boxed()
}

/// A close without data.
fn close() -> impl Strategy<Value = AppendOp> {
    let (body, closing) = (BodyChoice::Nothing, Closing::Close);
    append().prop_map(move |op| AppendOp { body: body.clone(), closing, ..op })
}

fn append() -> BoxedStrategy<AppendOp> {
    let producer = prop_oneof![
        4 => Just(None),
        6 => (writer(), step()).prop_map(Some),
    ];
    let stream_seq = prop_oneof![4 => Just(None), 1 => sequence().prop_map(Some)];
    let fields = (declared(), body(), closing(1), producer, stream_seq, expect());
    fields
        .prop_map(|(declared, body, closing, producer, stream_seq, expect)| AppendOp {
            declared,
            body,
            closing,
            producer,
            stream_seq,
            expect,
        })
        .boxed()
}

/// Closes so many times in twenty.
fn closing(weight: u32) -> BoxedStrategy<Closing> {
    prop_oneof![20 - weight => Just(Closing::KeepOpen), weight => Just(Closing::Close)].boxed()
}

fn declared() -> BoxedStrategy<Declared> {
    prop_oneof![
        16 => Just(Declared::Fitting),
        2 => Just(Declared::Shouted),
        2 => Just(Declared::Absent),
        1 => Just(Declared::Other),
        1 => Just(Declared::Misframed),
    ]
    .boxed()
}

fn lifetime() -> BoxedStrategy<Lifetime> {
    prop_oneof![
        20 => Just(Lifetime::Never),
        7 => (1..20u64).prop_map(Lifetime::Ttl),
        5 => (0..20u64).prop_map(Lifetime::AfterClose),
        1 => Just(Lifetime::Ttl(0)),
        1 => Just(Lifetime::Ttl(u64::MAX)),
        7 => (500..40_000i64).prop_map(Lifetime::At),
        1 => (-500..1i64).prop_map(Lifetime::At),
    ]
    .boxed()
}

fn keep() -> BoxedStrategy<Keep> {
    prop_oneof![
        6 => Just(Keep::Unsaid),
        2 => (1..120u64).prop_map(Keep::Usual),
        1 => Just(Keep::Everything),
        5 => (1..120u64).prop_map(Keep::Bytes),
        4 => (1..12u64).prop_map(Keep::Seconds),
        4 => ((1..120u64), (1..12u64)).prop_map(|(bytes, seconds)| Keep::Both(bytes, seconds)),
    ]
    .boxed()
}

fn look() -> BoxedStrategy<Look> {
    prop_oneof![2 => Just(Look::Now), 5 => Just(Look::Before)].boxed()
}

fn body() -> BoxedStrategy<BodyChoice> {
    prop_oneof![
        2 => Just(BodyChoice::Nothing),
        1 => Just(BodyChoice::EmptyArray),
        1 => Just(BodyChoice::Broken),
        20 => prop::collection::vec(any::<u8>(), 1..4).prop_map(BodyChoice::Values),
        4 => prop::collection::vec(any::<u8>(), 1..4).prop_map(BodyChoice::Embedded),
    ]
    .boxed()
}

/// Few writers write most; more of them come by than a stream may remember.
fn writer() -> BoxedStrategy<u8> {
    prop_oneof![7 => Just(0), 3 => Just(1), 2 => 2..5u8].boxed()
}

fn step() -> BoxedStrategy<Move> {
    prop_oneof![
        12 => Just(Move::Next),
        3 => (0..3u8).prop_map(Move::Back),
        1 => (0..3u8).prop_map(Move::Ahead),
        3 => (0..3u8).prop_map(Move::NewEpoch),
        1 => (0..3u8).prop_map(Move::NewEpochInTheMiddle),
        3 => (0..3u8).prop_map(Move::OldEpoch),
        2 => Just(Move::Closer),
        1 => Just(Move::Largest),
    ]
    .boxed()
}

fn sequence() -> BoxedStrategy<SeqChoice> {
    prop_oneof![
        5 => Just(SeqChoice::Greater),
        1 => Just(SeqChoice::Equal),
        1 => Just(SeqChoice::Smaller),
        1 => any::<u8>().prop_map(SeqChoice::Any),
    ]
    .boxed()
}

fn expect() -> BoxedStrategy<ExpectChoice> {
    prop_oneof![
        40 => Just(ExpectChoice::Nothing),
        3 => Just(ExpectChoice::Position),
        1 => (0..3u8).prop_map(ExpectChoice::PositionOff),
        2 => Just(ExpectChoice::Sequence),
        1 => (0..3u8).prop_map(ExpectChoice::SequenceOff),
        2 => Just(ExpectChoice::Tag),
        1 => Just(ExpectChoice::TagOfAnotherTail),
        1 => Just(ExpectChoice::TagOfTheEnd),
        1 => Just(ExpectChoice::TagOfAnotherLife),
    ]
    .boxed()
}

fn anchor() -> BoxedStrategy<Anchor> {
    prop_oneof![
        4 => Just(Anchor::Absent),
        2 => Just(Anchor::Start),
        2 => Just(Anchor::Tail),
        8 => any::<Index>().prop_map(Anchor::Boundary),
        3 => any::<Index>().prop_map(Anchor::Anywhere),
        2 => any::<Index>().prop_map(Anchor::OlderToken),
        2 => any::<Index>().prop_map(Anchor::Issued),
        1 => (0..3u8).prop_map(Anchor::Beyond),
        1 => Just(Anchor::Unborn),
        1 => Just(Anchor::BelowOwn),
    ]
    .boxed()
}

fn sub() -> BoxedStrategy<Sub> {
    prop_oneof![
        8 => Just(Sub::None),
        3 => (1..4u8).prop_map(Sub::Some),
        2 => Just(Sub::ToEnd),
        1 => Just(Sub::PastEnd),
        1 => Just(Sub::Largest),
    ]
    .boxed()
}
