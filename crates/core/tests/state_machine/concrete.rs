//! From an abstract operation to a command, by what the streams are at the moment.
//!
//! Only the model is asked, never the system under test.

mod body;
mod fork;

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use headwater_core::cache::{Ending, StreamTag};
use headwater_core::command::{Append, Closing, Create, Expect};
use headwater_core::producer::{MAX_PRODUCER_NUMBER, StreamSeq};
use headwater_core::retention::{Retention, Wanted};
use headwater_core::{
    ContentKind, ContentType, Expiry, Lineage, ProducerId, ProducerNumber, ProducerTuple, StoreId,
    StreamKey, Timestamp,
};

use crate::model::{Model, Stream, Token, kind, upkeep};
use crate::ops::{
    Again, Aim, AppendOp, CreateOp, Declared, ExpectChoice, KEYS, Keep, KindChoice, Lifetime, Move,
    Op, SeqChoice, Verb,
};
use crate::request::{Given, Request, What};

/// Makes commands of operations; remembers the time, and how each stream was asked for.
pub(crate) struct Concrete {
    keys: Vec<StreamKey>,
    now: Timestamp,
    step: usize,
    creations: BTreeMap<StreamKey, (Create, Given)>,
}

/// Keys in three spaces and two stores, some with the same paths, some with the same segments.
fn keys() -> Vec<StreamKey> {
    let paths: [(u128, &str); KEYS] = [
        (0, "a"),
        (0, "b"),
        (0, "s/b"),
        (0, "s/c"),
        (0, "s/d%2Fe"),
        (0, "s/d/e"),
        (7, "a"),
        (7, "s/b"),
    ];
    let key = |(store, path)| StreamKey::parse(StoreId(store), path).unwrap();
    paths.into_iter().map(key).collect()
}

impl Concrete {
    pub(crate) fn new() -> Self {
        // A point well after the epoch, so that the clock can be set back.
        let now = Timestamp(1_000_000);
        Self { keys: keys(), now, step: 0, creations: BTreeMap::new() }
    }

    /// Where in the list of keys a command goes.
    fn aim(&self, aim: Aim, model: &Model) -> usize {
        let live = |key| model.live(key).is_some();
        let index = match aim {
            Aim::Any(index) => return index,
            Aim::Live(index) | Aim::Deleted(index) | Aim::Free(index) | Aim::Overfull(index) => {
                index
            }
        };
        let fits = |n: &usize| match (aim, &self.keys[*n]) {
            (Aim::Deleted(_), key) => !live(key) && model.streams.contains_key(key),
            (Aim::Free(_), key) => !live(key),
            (Aim::Overfull(_), key) => {
                model.live(key).and_then(upkeep).is_some_and(|due| due <= self.now)
            }
            (_, key) => live(key),
        };
        let fitting: Vec<_> = (0..self.keys.len()).filter(fits).collect();
        if fitting.is_empty() { index.index(self.keys.len()) } else { *index.get(&fitting) }
    }

    /// The next command. `issued` are the tokens that readers hold.
    pub(crate) fn request(&mut self, op: &Op, model: &Model, issued: &[Token]) -> Request {
        self.now = Timestamp(self.now.0.saturating_add_signed(op.tick));
        self.step += 1;
        let index = self.aim(op.aim, model);
        let key = self.keys[index].clone();
        let what = match &op.verb {
            Verb::Create(create) => self.create(index, create),
            Verb::Fork(fork) => self.fork(fork, model, issued),
            Verb::CreateAgain(again) => self.again(&key, *again, model),
            Verb::Append(append) => self.append(model.live(&key), append),
            Verb::Truncate(anchor) => fork::truncation(model.live(&key), *anchor, issued),
            Verb::Retain(look) => What::Retain(*look),
            Verb::Delete => What::Delete,
            Verb::Expire => What::Expire,
            Verb::MarkUsed(ago) => What::MarkUsed(Timestamp(self.now.0 - ago)),
        };
        Request { key, now: self.now, what }
    }

    /// Remembers how a stream was created.
    pub(crate) fn created(&mut self, request: &Request) {
        if let What::Create(command, given) = &request.what {
            self.creations.insert(request.key.clone(), (command.clone(), given.clone()));
        }
    }

    fn create(&self, key: usize, op: &CreateOp) -> What {
        let of_key = ["application/json", "text/plain; charset=utf-8", "image/png"];
        let named = match op.kind {
            KindChoice::OfKey => Some(of_key[key % of_key.len()]),
            KindChoice::Json => Some("application/json"),
            KindChoice::Text => Some("text/html"),
            KindChoice::Image => Some("image/png"),
            KindChoice::Unnamed => None,
        };
        let content_type = named.map(|text| ContentType::parse(text).unwrap());
        let framed = named.map_or(ContentKind::Binary, kind);
        let (body, given) = self.body(framed, &op.body);
        let expiry = self.lifetime(op.lifetime);
        let retention = wanted(op.keep);
        let command =
            Create { content_type, expiry, retention, closing: op.closing, body, fork: None };
        What::Create(command, given)
    }

    fn again(&self, key: &StreamKey, again: Again, model: &Model) -> What {
        // A key that was never used has no request to repeat; deleting nothing is refused there.
        let Some((command, given)) = self.creations.get(key) else { return What::Delete };
        let mut command = command.clone();
        // The present closed state is what counts, so a faithful repetition has to follow it.
        if model.live(key).is_some_and(|stream| stream.closed.is_some()) {
            command.closing = Closing::Close;
        }
        match (again, &mut command.fork) {
            (Again::Same, _) => {}
            (Again::WithoutOffset, Some(fork)) => fork.offset = None,
            (Again::OtherSource, Some(fork)) => fork.source = key.clone(),
            (Again::OtherOffset, Some(fork)) => fork.sub_offset += 1,
            (Again::OtherClosing, _) => {
                command.closing = match command.closing {
                    Closing::Close => Closing::KeepOpen,
                    Closing::KeepOpen => Closing::Close,
                };
            }
            (Again::OtherRetention, _) => command.retention = wanted(Keep::Bytes(7_777)),
            _ => command.expiry = Expiry::Ttl(77),
        }
        What::Create(command, given.clone())
    }

    fn lifetime(&self, lifetime: Lifetime) -> Expiry {
        match lifetime {
            Lifetime::Never => Expiry::Never,
            Lifetime::Ttl(seconds) => Expiry::Ttl(seconds),
            Lifetime::AfterClose(seconds) => Expiry::AfterClose(seconds),
            Lifetime::At(from_now) => {
                Expiry::At(Timestamp(self.now.0.saturating_add_signed(from_now)))
            }
        }
    }

    fn append(&self, stream: Option<&Stream>, op: &AppendOp) -> What {
        let (content_type, framed) = declared(stream, op.declared);
        let (body, given) = self.body(framed, &op.body);
        let command = Append {
            content_type,
            body,
            closing: op.closing,
            producer: op.producer.map(|(id, step)| producer(stream, id, step)),
            stream_seq: op.stream_seq.map(|choice| sequence(stream, choice)),
            expect: expect(stream, op.expect),
        };
        What::Append(command, given)
    }
}

fn wanted(keep: Keep) -> Wanted {
    let retention = |bytes, seconds| Retention {
        bytes: NonZeroU64::new(bytes),
        seconds: NonZeroU64::new(seconds),
    };
    match keep {
        Keep::Unsaid => Wanted::default(),
        Keep::Usual(bytes) => Wanted::Usual(retention(bytes, 0)),
        Keep::Everything => Wanted::Exactly(Retention::default()),
        Keep::Bytes(bytes) => Wanted::Exactly(retention(bytes, 0)),
        Keep::Seconds(seconds) => Wanted::Exactly(retention(0, seconds)),
        Keep::Both(bytes, seconds) => Wanted::Exactly(retention(bytes, seconds)),
    }
}

/// What a request to this stream, or to one that it forks, declares, and what its body is framed for.
fn declared(stream: Option<&Stream>, declared: Declared) -> (Option<ContentType>, ContentKind) {
    let actual = stream.map_or("text/plain", |stream| stream.content_type.as_str());
    let other = if actual == "image/png" { "application/json" } else { "image/png" };
    let shouted = format!("{}; q=1", actual.split(';').next().unwrap_or_default().to_uppercase());
    let text = match declared {
        Declared::Absent => return (None, kind(actual)),
        Declared::Misframed => return (None, kind(other)),
        Declared::Fitting => actual,
        Declared::Shouted => shouted.as_str(),
        Declared::Other => other,
    };
    (Some(ContentType::parse(text).unwrap()), kind(text))
}

fn producer(stream: Option<&Stream>, id: u8, step: Move) -> ProducerTuple {
    let name = format!("w{id}");
    let known = stream.and_then(|stream| stream.producers.get(&name)).copied();
    let closer = stream.and_then(|stream| stream.closed.clone()).flatten();
    let next = known.map_or((0, 0), |(epoch, seq)| (epoch, seq + 1));
    let of = |n: u8| u64::from(n);
    let (epoch, seq) = match (step, known) {
        (Move::Closer, _) => match closer {
            Some(tuple) => return tuple,
            None => next,
        },
        (Move::Largest, Some((epoch, _))) => (epoch, MAX_PRODUCER_NUMBER),
        (Move::Largest, None) => (MAX_PRODUCER_NUMBER, 0),
        (Move::Next, _) => next,
        (Move::Back(n), Some((epoch, seq))) => (epoch, seq.saturating_sub(of(n))),
        (Move::Back(n), None) => (of(n), 0),
        (Move::Ahead(n), _) => (next.0, next.1 + 1 + of(n)),
        (Move::NewEpoch(n), _) => ((next.0 + 1 + of(n)).min(MAX_PRODUCER_NUMBER), 0),
        (Move::NewEpochInTheMiddle(n), _) => ((next.0 + 1).min(MAX_PRODUCER_NUMBER), 1 + of(n)),
        (Move::OldEpoch(n), _) => (next.0.saturating_sub(1), of(n)),
    };
    let number = |n| ProducerNumber::new(n).unwrap();
    ProducerTuple { id: ProducerId::parse(&name).unwrap(), epoch: number(epoch), seq: number(seq) }
}

fn sequence(stream: Option<&Stream>, choice: SeqChoice) -> StreamSeq {
    let any: [&[u8]; 6] = [b"2", b"10", b"09", b"a", b"B", b"\xff\x00"];
    let last = stream.and_then(|stream| stream.stream_seq.clone());
    let bytes = match (choice, last) {
        (SeqChoice::Any(n), _) => any[usize::from(n) % any.len()].to_vec(),
        (SeqChoice::Greater, Some(mut last)) => {
            match last.last_mut() {
                Some(byte) if *byte < 0xff => *byte += 1,
                _ => last.push(0),
            }
            last
        }
        (SeqChoice::Smaller, Some(last)) if last.len() > 1 => last[..last.len() - 1].to_vec(),
        (SeqChoice::Equal, Some(last)) => last,
        (SeqChoice::Smaller, _) => vec![0],
        (_, None) => b"09".to_vec(),
    };
    StreamSeq::new(&bytes).unwrap()
}

fn expect(stream: Option<&Stream>, choice: ExpectChoice) -> Expect {
    let position = stream.map_or(0, Stream::len);
    let sequence = stream.map_or(0, |stream| stream.records.len() as u64);
    let lineage = Lineage(stream.map_or(1, |stream| stream.id));
    let tag = StreamTag { lineage, tail: position, ending: Ending::Open };
    let off = |n: u64, by: u8| if by == 0 && n > 0 { n - 1 } else { n + 1 + u64::from(by) };
    match choice {
        ExpectChoice::Nothing => Expect::Anything,
        ExpectChoice::Position => Expect::Position(position),
        ExpectChoice::PositionOff(by) => Expect::Position(off(position, by)),
        ExpectChoice::Sequence => Expect::Sequence(sequence),
        ExpectChoice::SequenceOff(by) => Expect::Sequence(off(sequence, by)),
        ExpectChoice::Tag => Expect::Tag(tag),
        ExpectChoice::TagOfAnotherTail => Expect::Tag(StreamTag { tail: off(position, 0), ..tag }),
        ExpectChoice::TagOfTheEnd => Expect::Tag(StreamTag { ending: Ending::Closed, ..tag }),
        ExpectChoice::TagOfAnotherLife => {
            Expect::Tag(StreamTag { lineage: Lineage(lineage.0 + 1), ..tag })
        }
    }
}
