//! From words to commands: what a script says, for streams as they stand on one side.

use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::Bytes;
use headwater_core::cache::StreamTag;
use headwater_core::command::{Append, Body, Closing, Create, Expect, ForkRequest};
use headwater_core::producer::ProducerState;
use headwater_core::retention::{Retention, Wanted};
use headwater_core::{
    Batch, ContentKind, ContentType, Expiry, Metadata, Offset, ProducerNumber, ProducerTuple,
    StreamKey, StreamSeq, StreamState, Timestamp,
};

use super::script::{
    AppendWords, CreateWords, Expected, ForkWords, Keeps, Life, Media, NAMES, PRODUCERS, Place,
    Turn, Words,
};
use crate::testkit::check::Failure;
use crate::testkit::make;

/// The key of a name of the script.
pub(super) fn key(name: usize) -> Result<StreamKey, Failure> {
    make::key(NAMES.get(name).copied().unwrap_or("a"))
}

/// The id of a producer of the script.
pub(super) fn producer_id(id: usize) -> Result<headwater_core::ProducerId, Failure> {
    make::producer(PRODUCERS.get(id).copied().unwrap_or("p"))
}

/// The stream to fork: its key, and if it is live its state and where its last record begins.
pub(super) type Source<'a> = (&'a StreamKey, Option<(&'a StreamState, u64)>);

/// A creation.
pub(super) fn create(
    words: &CreateWords,
    source: Option<Source<'_>>,
    now: Timestamp,
) -> Result<Create, Failure> {
    let content_type = media(words.media)?;
    let kind = match (&content_type, source) {
        (Some(given), _) => given.kind(),
        (None, Some((_, Some((state, _))))) => state.content_type.kind(),
        (None, _) => ContentKind::Binary,
    };
    let expiry = match words.life {
        Life::Never => Expiry::Never,
        Life::Ttl(seconds) => Expiry::Ttl(seconds),
        Life::In(millis) => Expiry::At(Timestamp(now.0 + millis)),
    };
    let fork = words.fork.zip(source).map(|(words, source)| request(words, source));
    let body = framed(&words.body, kind)?;
    let (retention, closing) = (wanted(words.keeps), closing(words.closes));
    Ok(Create { content_type, expiry, retention, closing, body, fork })
}

fn wanted(keeps: Keeps) -> Wanted {
    let limit = |limit: u64| NonZeroU64::new(limit);
    match keeps {
        Keeps::Usually => Wanted::default(),
        Keeps::Few(bytes) => {
            Wanted::Exactly(Retention { bytes: limit(bytes), ..Retention::default() })
        }
        Keeps::New(seconds) => {
            Wanted::Exactly(Retention { seconds: limit(seconds), ..Retention::default() })
        }
        Keeps::OfSpace(bytes, seconds) => {
            Wanted::Usual(Retention { bytes: limit(bytes), seconds: limit(seconds) })
        }
    }
}

fn request(words: ForkWords, (source, state): Source<'_>) -> ForkRequest {
    let offset = match words.at {
        Place::Tail => None,
        at => state.map(|state| offset(at, state)),
    };
    ForkRequest { source: source.clone(), offset, sub_offset: words.sub_offset }
}

/// The offset of a place in a stream, given where its last record begins.
pub(super) fn offset(at: Place, (state, last_record): (&StreamState, u64)) -> Offset {
    let tail = state.tail.position;
    match at {
        Place::Tail => state.tail_offset(),
        Place::Start => Offset::START,
        Place::Part(part) => state.ranges.offset(tail * u64::from(part) / 256),
        Place::LastRecord => state.ranges.offset(last_record),
        Place::Beyond => state.ranges.offset(tail + 1),
    }
}

/// An append. `state` is the stream as it stands, `row` the producer's.
pub(super) fn append(
    words: &AppendWords,
    state: Option<&StreamState>,
    row: Option<ProducerState>,
) -> Result<Append, Failure> {
    let given = media(words.media)?;
    let content_type = given.or_else(|| state.map(|state| state.content_type.clone()));
    let kind = content_type.as_ref().map_or(ContentKind::Binary, ContentType::kind);
    let body = framed(&words.body, kind)?;
    let stream_seq = match words.stream_seq {
        Some(byte) => StreamSeq::new(&[byte]).ok(),
        None => None,
    };
    let producer = match words.producer {
        Some(words) => Some(tuple(words.id, words.turn, row)?),
        None => None,
    };
    let expect = state.map_or(Expect::Anything, |state| expectation(words.expect, state));
    let closing = closing(words.closes);
    Ok(Append { content_type, body, closing, producer, stream_seq, expect })
}

fn expectation(expected: Expected, state: &StreamState) -> Expect {
    let tag = StreamTag::of(state);
    match expected {
        Expected::Anything => Expect::Anything,
        Expected::Position => Expect::Position(state.tail.position),
        Expected::Sequence => Expect::Sequence(state.tail.sequence),
        Expected::Tag => Expect::Tag(tag),
        Expected::WrongPosition => Expect::Position(state.tail.position + 1),
        Expected::WrongTag => Expect::Tag(StreamTag { tail: tag.tail + 1, ..tag }),
    }
}

fn tuple(id: usize, turn: Turn, row: Option<ProducerState>) -> Result<ProducerTuple, Failure> {
    let (epoch, next) = row.map_or((1, 0), |row| (row.epoch.get(), row.seq.next()));
    let (epoch, seq) = match turn {
        Turn::Next => (epoch, next),
        Turn::Again => (epoch, next.saturating_sub(1)),
        Turn::Skip => (epoch, next + 1),
        Turn::NewEpoch => (epoch + 1, 0),
        Turn::NewEpochLate => (epoch + 1, 1),
        Turn::OldEpoch => (epoch.saturating_sub(1), 0),
    };
    let number =
        |number| ProducerNumber::new(number).map_err(|error| Failure::new(error.to_string()));
    Ok(ProducerTuple { id: producer_id(id)?, epoch: number(epoch)?, seq: number(seq)? })
}

fn media(media: Media) -> Result<Option<ContentType>, Failure> {
    let text = match media {
        Media::TheStreams => return Ok(None),
        Media::Json => "application/json",
        Media::Text => "text/plain; charset=utf-8",
        Media::Binary => "application/octet-stream",
    };
    let parsed = ContentType::parse(text);
    parsed.map(Some).map_err(|error| Failure::new(error.to_string()))
}

fn closing(closes: bool) -> Closing {
    if closes { Closing::Close } else { Closing::KeepOpen }
}

/// The body that words stand for. What no door sends yet but an embedding program may, metadata, empty records, and
/// several records of bytes at once, is in some of them.
fn framed(words: &Words, kind: ContentKind) -> Result<Body, Failure> {
    let (seed, lens) = match words {
        Words::Nothing => return Ok(Body::Empty),
        Words::Broken => return Ok(Body::frame(kind, Bytes::from_static(b"[1,"))),
        Words::Values(seed, lens) => (*seed, lens),
    };
    let body = match kind {
        ContentKind::Json => {
            let values: Vec<_> = lens.iter().map(|len| text(seed, *len)).collect();
            Body::frame(kind, Bytes::from(format!("[{}]", values.join(","))))
        }
        ContentKind::Text | ContentKind::Binary if seed % 3 == 0 => {
            let lens: Vec<_> = [0].iter().chain(lens).copied().collect();
            Body::Records { kind, batch: make::batch(seed, &lens)? }
        }
        ContentKind::Text | ContentKind::Binary => {
            Body::frame(kind, make::pattern(seed, lens.iter().sum()))
        }
    };
    match body {
        Body::Records { kind, batch } if seed % 4 == 0 => {
            Ok(Body::Records { kind, batch: tagged(&batch, seed)? })
        }
        other => Ok(other),
    }
}

/// The same batch with metadata on its last record.
fn tagged(batch: &Batch, seed: u64) -> Result<Batch, Failure> {
    let mut records = batch.records().to_vec();
    if let Some(last) = records.last_mut() {
        last.metadata = Some(Arc::new(Metadata::from([("seed".into(), seed.to_string())])));
    }
    let tagged = Batch::new(batch.payload().clone(), records.into());
    tagged.map_err(|error| Failure::new(error.to_string()))
}

/// A JSON string of letters.
fn text(seed: u64, len: usize) -> String {
    let letters = make::pattern(seed, len)
        .iter()
        .map(|byte| char::from(b'a' + byte % 26))
        .collect::<String>();
    format!("\"{letters}\"")
}
