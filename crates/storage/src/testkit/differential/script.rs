//! Scripts: what is told to both sides, in words that mean the same to both.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof};
use proptest::strategy::Union;

/// The streams that scripts are about: three spaces, and a name that is not ASCII.
pub(super) const NAMES: [&str; 7] = ["a", "b", "s/a", "s/b", "s/ü%2F", "s/t/c", "s/t/d"];

/// The ids that producers have.
pub(super) const PRODUCERS: [&str; 3] = ["p", "q", "ü"];

/// What happens, in order.
#[derive(Clone, Debug)]
pub struct Script {
    /// The rounds.
    pub rounds: Vec<Round>,
}

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Round {
    /// Commands that are committed as one group.
    Group(Basis, Vec<Command>),
    /// The wall clock moves, perhaps backwards, by milliseconds.
    Clock(i64),
    /// Data that outlives its handle is closed and opened.
    Restart,
}

/// What the commands of a group are decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Each on what the ones before it decided.
    Earlier,
    /// All on what is durable before the group, so that later ones may conflict.
    Durable,
}

/// A command.
#[derive(Clone, Debug)]
pub enum Command {
    /// Creates or confirms.
    Create(Pick, CreateWords),
    /// Appends or closes.
    Append(Pick, AppendWords),
    /// Gives up what lies before a place.
    Truncate(Pick, Place),
    /// Gives up what is more than its policy says.
    Retain(Pick),
    /// Deletes.
    Delete(Pick),
    /// Ends it if its time is up.
    Expire(Pick),
    /// Saves that it was used now.
    Use(Pick),
}

/// A name: one under which stands what is wanted, if there is any, before the group.
#[derive(Clone, Copy, Debug)]
pub struct Pick {
    pub(super) want: Want,
    pub(super) number: usize,
}

/// What is to stand under a name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Want {
    Anything,
    Nothing,
    Live,
    Json,
    /// A live stream whose time is up.
    Due,
    /// A live stream with a policy.
    Kept,
    /// A live stream that has forks.
    Forked,
    /// A closed stream.
    Closed,
    SoftDeleted,
}

/// A creation in words.
#[derive(Clone, Debug)]
pub struct CreateWords {
    pub(super) media: Media,
    pub(super) life: Life,
    pub(super) keeps: Keeps,
    pub(super) closes: bool,
    pub(super) body: Words,
    pub(super) fork: Option<ForkWords>,
}

/// An append in words.
#[derive(Clone, Debug)]
pub struct AppendWords {
    pub(super) media: Media,
    pub(super) closes: bool,
    pub(super) body: Words,
    pub(super) producer: Option<ProducerWords>,
    pub(super) stream_seq: Option<u8>,
    pub(super) expect: Expected,
}

/// A media type: the stream's own, or a certain one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Media {
    TheStreams,
    Json,
    Text,
    Binary,
}

/// When a stream ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life {
    Never,
    Ttl(u64),
    /// Milliseconds from now.
    In(u64),
}

/// What a stream keeps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keeps {
    /// What is usual: all, or what the source of a fork keeps.
    Usually,
    /// So many bytes.
    Few(u64),
    /// So many seconds.
    New(u64),
    /// So many bytes and seconds, which its space says.
    OfSpace(u64, u64),
}

/// A body.
#[derive(Clone, Debug)]
pub(super) enum Words {
    Nothing,
    /// Broken, where it should be JSON.
    Broken,
    /// Values of these lengths, filled from a seed. A byte stream takes them as one record.
    Values(u64, Vec<usize>),
}

/// Where a fork begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForkWords {
    pub(super) source: Pick,
    pub(super) at: Place,
    pub(super) sub_offset: u64,
}

/// An offset of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Its tail.
    Tail,
    /// The start of any stream.
    Start,
    /// So many of 256 parts of it.
    Part(u8),
    /// Where its last record begins.
    LastRecord,
    /// Past its tail.
    Beyond,
}

/// A producer's numbers, relative to its row.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProducerWords {
    pub(super) id: usize,
    pub(super) turn: Turn,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Turn {
    Next,
    Again,
    Skip,
    NewEpoch,
    NewEpochLate,
    OldEpoch,
}

/// What a writer expects of the tail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    Anything,
    Position,
    Sequence,
    Tag,
    WrongPosition,
    WrongTag,
}

/// Random scripts of up to so many rounds.
pub fn scripts(rounds: usize) -> impl Strategy<Value = Script> {
    let round = prop_oneof![
        20 => (basis(), vec(command(), 1..5)).prop_map(|(basis, group)| Round::Group(basis, group)),
        3 => (-4_000..9_000i64).prop_map(Round::Clock),
        1 => Just(Round::Restart),
    ];
    // Something to begin with: most commands are about streams that exist.
    let names = (0..4).map(|number| (Just(Pick { want: Want::Nothing, number }), creation()));
    let names = names.map(|create| create.prop_map(|(name, words)| Command::Create(name, words)));
    let first = names.collect::<Vec<_>>().prop_map(|group| Round::Group(Basis::Earlier, group));
    (first, vec(round, rounds / 2..=rounds)).prop_map(|(first, mut rounds)| {
        rounds.insert(0, first);
        Script { rounds }
    })
}

fn basis() -> impl Strategy<Value = Basis> {
    prop_oneof![3 => Just(Basis::Earlier), 1 => Just(Basis::Durable)]
}

fn command() -> impl Strategy<Value = Command> {
    use Want::{Anything, Closed, Due, Forked, Live, Nothing, SoftDeleted};
    let creating = pick(vec![(8, Nothing), (2, Anything), (1, SoftDeleted), (1, Live)]);
    let appending =
        pick(vec![(20, Live), (3, Want::Json), (2, Anything), (1, SoftDeleted), (1, Closed)]);
    let truncating =
        pick(vec![(8, Live), (4, Want::Json), (3, Forked), (2, Closed), (1, Anything)]);
    let deleting = pick(vec![(2, Forked), (2, Live), (1, Anything), (1, Closed)]);
    let retaining = pick(vec![(9, Want::Kept), (1, Anything)]);
    let expiring = pick(vec![(6, Due), (1, Anything)]);
    prop_oneof![
        9 => (creating, creation()).prop_map(|(name, words)| Command::Create(name, words)),
        20 => (appending, append()).prop_map(|(name, words)| Command::Append(name, words)),
        3 => (truncating, place()).prop_map(|(name, at)| Command::Truncate(name, at)),
        3 => retaining.prop_map(Command::Retain),
        3 => deleting.prop_map(Command::Delete),
        3 => expiring.prop_map(Command::Expire),
        2 => pick(vec![(3, Live), (1, Anything)]).prop_map(Command::Use),
    ]
}

fn pick(wants: Vec<(u32, Want)>) -> impl Strategy<Value = Pick> {
    let want =
        Union::new_weighted(wants.into_iter().map(|(weight, want)| (weight, Just(want))).collect());
    (want, 0..NAMES.len()).prop_map(|(want, number)| Pick { want, number })
}

fn creation() -> impl Strategy<Value = CreateWords> {
    let media = prop_oneof![
        6 => Just(Media::TheStreams),
        5 => Just(Media::Json),
        1 => Just(Media::Text),
        2 => Just(Media::Binary),
    ];
    let life = prop_oneof![
        6 => Just(Life::Never),
        4 => (0..15u64).prop_map(Life::Ttl),
        1 => (0..20_000u64).prop_map(Life::In),
    ];
    let keeps = prop_oneof![
        14 => Just(Keeps::Usually),
        3 => (1..20_000u64).prop_map(Keeps::Few),
        1 => (1..9u64).prop_map(Keeps::New),
        1 => (1..20_000u64, 1..9u64).prop_map(|(bytes, seconds)| Keeps::OfSpace(bytes, seconds)),
    ];
    let closes = proptest::bool::weighted(0.05);
    let body = prop_oneof![1 => Just(Words::Nothing), 2 => values()];
    (media, life, keeps, closes, body, weighted(0.5, fork())).prop_map(
        |(media, life, keeps, closes, body, fork)| CreateWords {
            media,
            life,
            keeps,
            closes,
            body,
            fork,
        },
    )
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        4 => Just(Place::Tail),
        1 => Just(Place::Start),
        3 => any::<u8>().prop_map(Place::Part),
        2 => Just(Place::LastRecord),
        2 => Just(Place::Beyond),
    ]
}

fn fork() -> impl Strategy<Value = ForkWords> {
    let sub_offset = prop_oneof![3 => Just(0), 2 => 1..4u64];
    let source = pick(vec![
        (12, Want::Live),
        (6, Want::Json),
        (3, Want::Forked),
        (1, Want::Anything),
        (6, Want::SoftDeleted),
    ]);
    (source, place(), sub_offset).prop_map(|(source, at, sub_offset)| ForkWords {
        source,
        at,
        sub_offset,
    })
}

fn append() -> impl Strategy<Value = AppendWords> {
    let media =
        prop_oneof![30 => Just(Media::TheStreams), 1 => Just(Media::Json), 1 => Just(Media::Text)];
    let closes = proptest::bool::weighted(0.04);
    let body = prop_oneof![1 => Just(Words::Nothing), 2 => Just(Words::Broken), 25 => values()];
    let expect = prop_oneof![
        12 => Just(Expected::Anything),
        1 => Just(Expected::Position),
        1 => Just(Expected::Sequence),
        1 => Just(Expected::Tag),
        1 => Just(Expected::WrongPosition),
        1 => Just(Expected::WrongTag),
    ];
    (media, closes, body, weighted(0.4, producer()), weighted(0.2, any::<u8>()), expect).prop_map(
        |(media, closes, body, producer, stream_seq, expect)| AppendWords {
            media,
            closes,
            body,
            producer,
            stream_seq,
            expect,
        },
    )
}

fn producer() -> impl Strategy<Value = ProducerWords> {
    let turn = prop_oneof![
        8 => Just(Turn::Next),
        2 => Just(Turn::Again),
        1 => Just(Turn::Skip),
        3 => Just(Turn::NewEpoch),
        2 => Just(Turn::NewEpochLate),
        4 => Just(Turn::OldEpoch),
    ];
    (0..PRODUCERS.len(), turn).prop_map(|(id, turn)| ProducerWords { id, turn })
}

fn values() -> BoxedStrategy<Words> {
    let len = prop_oneof![6 => 1..40usize, 2 => 200..3_000usize, 1 => 20_000..70_000usize];
    (any::<u64>(), vec(len, 1..5)).prop_map(|(seed, lens)| Words::Values(seed, lens)).boxed()
}
