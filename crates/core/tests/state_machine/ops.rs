//! Random commands in the abstract: what to try, relative to whatever the streams are when it is tried.
//!
//! An operation names its choices by kind ("the producer's next sequence", "an offset inside a record"), so that any
//! sublist of a list of operations still makes sense, and a failing list shrinks well.

mod random;

use headwater_core::command::Closing;
use proptest::sample::Index;

pub(crate) use random::lists;

/// How many keys the commands are about. Few, so that they meet.
pub(crate) const KEYS: usize = 8;

/// One step: time passes, then a command comes.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    /// Milliseconds; negative when the clock is set back.
    pub(crate) tick: i64,
    pub(crate) aim: Aim,
    pub(crate) verb: Verb,
}

/// Which key a command is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    Any(usize),
    /// One with a stream, if there is one.
    Live(Index),
    /// One with a deleted stream that forks still need, if there is one.
    Deleted(Index),
    /// One without a live stream, if there is one.
    Free(Index),
    /// One of whose stream something has to go, if there is one.
    Overfull(Index),
}

#[derive(Clone, Debug)]
pub(crate) enum Verb {
    Create(CreateOp),
    Fork(ForkOp),
    /// The request that created the stream, once more; with or without its offset if it was a fork.
    CreateAgain(Again),
    Append(AppendOp),
    /// Gives up what lies before.
    Truncate(Anchor),
    /// Gives up what is beyond the policy.
    Retain(Look),
    Delete,
    Expire,
    /// A use some milliseconds ago is made durable.
    MarkUsed(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Again {
    Same,
    WithoutOffset,
    OtherLifetime,
    OtherSource,
    OtherOffset,
    OtherClosing,
    OtherRetention,
}

/// When it was looked up what is too much or too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Now,
    /// The last time that this was chosen under this key: much may have happened since.
    Before,
}

/// What a request says about retention.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep {
    /// Nothing, and nothing is usual.
    Unsaid,
    /// Nothing, and so many bytes are usual.
    Usual(u64),
    Everything,
    Bytes(u64),
    Seconds(u64),
    Both(u64, u64),
}

#[derive(Clone, Debug)]
pub(crate) struct CreateOp {
    pub(crate) kind: KindChoice,
    pub(crate) lifetime: Lifetime,
    pub(crate) keep: Keep,
    pub(crate) closing: Closing,
    pub(crate) body: BodyChoice,
}

#[derive(Clone, Debug)]
pub(crate) struct ForkOp {
    pub(crate) source: Aim,
    pub(crate) declared: Declared,
    pub(crate) anchor: Anchor,
    pub(crate) sub: Sub,
    pub(crate) lifetime: Lifetime,
    pub(crate) keep: Keep,
    pub(crate) closing: Closing,
    pub(crate) body: BodyChoice,
}

#[derive(Clone, Debug)]
pub(crate) struct AppendOp {
    pub(crate) declared: Declared,
    pub(crate) body: BodyChoice,
    pub(crate) closing: Closing,
    pub(crate) producer: Option<(u8, Move)>,
    pub(crate) stream_seq: Option<SeqChoice>,
    pub(crate) expect: ExpectChoice,
}

/// The type of a new stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KindChoice {
    /// Belongs to the key, so that repeated creations agree.
    OfKey,
    Json,
    Text,
    Image,
    Unnamed,
}

/// What a request says about its content type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Declared {
    Fitting,
    /// The same type in capitals and with a parameter.
    Shouted,
    Absent,
    Other,
    /// Not declared, and framed for another kind.
    Misframed,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Lifetime {
    Never,
    /// Seconds.
    Ttl(u64),
    /// Seconds from closing.
    AfterClose(u64),
    /// Milliseconds from now; a point in the past when negative.
    At(i64),
}

#[derive(Clone, Debug)]
pub(crate) enum BodyChoice {
    Nothing,
    EmptyArray,
    Broken,
    /// Values of a JSON body, or pieces of a byte body. The numbers pick their shapes.
    Values(Vec<u8>),
    /// Records with metadata and, in byte streams, without bytes, as a program that embeds the engine appends them.
    Embedded(Vec<u8>),
}

/// A producer's next number, relative to what the stream knows of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    Next,
    Back(u8),
    Ahead(u8),
    NewEpoch(u8),
    NewEpochInTheMiddle(u8),
    OldEpoch(u8),
    Closer,
    Largest,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum SeqChoice {
    Greater,
    Equal,
    /// A proper prefix of the last one, or the smallest there is.
    Smaller,
    /// One of a few that sort otherwise as numbers than as bytes.
    Any(u8),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ExpectChoice {
    Nothing,
    Position,
    PositionOff(u8),
    Sequence,
    SequenceOff(u8),
    Tag,
    TagOfAnotherTail,
    TagOfTheEnd,
    TagOfAnotherLife,
}

/// Where to fork, or to truncate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor {
    Absent,
    Start,
    Tail,
    /// Where a record begins or ends, inherited or own.
    Boundary(Index),
    /// Any byte.
    Anywhere(Index),
    /// The fork point by the token of the source's own lineage or of an ancestor's.
    OlderToken(Index),
    /// Any token that anybody has been given.
    Issued(Index),
    Beyond(u8),
    /// A lineage that nobody has yet.
    Unborn,
    /// In the own lineage, before the own bytes.
    BelowOwn,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Sub {
    None,
    Some(u8),
    /// Exactly to the end of the record, or of the stream.
    ToEnd,
    PastEnd,
    Largest,
}
