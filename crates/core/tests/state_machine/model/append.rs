//! POST: append, append and close, close; producers; `Stream-Seq`; expectations.

use headwater_core::command::{Append, Closing, Expect};
use headwater_core::decide::Freshness;
use headwater_core::error::Code;
use headwater_core::{ProducerTuple, StreamKey, Timestamp};

use super::create::{essence, kind};
use super::{Model, Record, Stream};
use crate::answer::{Answer, Detail};
use crate::coverage::Row;
use crate::request::{Content, Given, GivenRecord};

type Refusal = (Code, Detail);

/// What a producer's numbers mean.
enum Meaning {
    New,
    /// The highest sequence that was accepted in this epoch.
    Seen(u64),
}

pub(super) fn written(records: &[GivenRecord], writer: u64, at: Timestamp) -> Vec<Record> {
    let record = |given: &GivenRecord| Record {
        bytes: given.bytes.clone(),
        metadata: given.metadata.clone(),
        writer,
        at,
    };
    records.iter().map(record).collect()
}

impl Model {
    pub(super) fn append(
        &mut self,
        key: &StreamKey,
        command: &Append,
        given: &Given,
        now: Timestamp,
    ) -> Answer {
        self.end_if_due(key, now);
        let mut rows = Vec::new();
        let (most, times) = (self.producers_per_stream, (now, self.latest));
        let answer = match self.streams.get_mut(key) {
            None => Err((Code::NotFound, Detail::Nothing)),
            Some(stream) if stream.deleted => Err((Code::Gone, Detail::Nothing)),
            Some(stream) => append(stream, command, given, times, most, &mut rows),
        };
        let answer = answer.unwrap_or_else(|(code, detail)| {
            if command.producer.is_some() {
                rows.extend(refusal_row(code, given));
            }
            Answer::Refused(code, detail)
        });
        self.rows.extend(rows);
        answer
    }
}

fn append(
    stream: &mut Stream,
    command: &Append,
    given: &Given,
    (now, latest): (Timestamp, Timestamp),
    most_producers: usize,
    rows: &mut Vec<Row>,
) -> Result<Answer, Refusal> {
    if let Some(closer) = &stream.closed {
        return closed(stream, closer, command, given, rows);
    }
    let declared = command.content_type.as_ref();
    let other_type =
        declared.is_some_and(|given| essence(given.as_str()) != essence(&stream.content_type));
    let other_frame =
        matches!(given.content, Content::Records(_)) && given.framed != kind(&stream.content_type);
    if !matches!(given.content, Content::Nothing) && (other_type || other_frame) {
        return Err((Code::ContentTypeMismatch, Detail::Type(stream.content_type.clone())));
    }
    match &command.producer {
        None => rows.push(Row::NoProducer),
        Some(tuple) => {
            let (row, meaning) = judge(stream, tuple, most_producers);
            rows.push(row);
            if let Meaning::Seen(highest) = meaning? {
                let row = Some((tuple.epoch.get(), highest));
                return Ok(appended(stream, Freshness::Duplicate, row));
            }
        }
    }
    expected(stream, command.expect)?;
    let last = stream.stream_seq.as_deref();
    let writer_seq = command.stream_seq.as_ref().map(|seq| seq.as_bytes().to_vec());
    if let (Some(new), Some(last)) = (&writer_seq, last)
        && new.as_slice() <= last
    {
        return Err((Code::StreamSeqRegression, Detail::Nothing));
    }
    let records = match (&given.content, command.closing) {
        (Content::Records(records), _) => written(records, stream.id, latest),
        (Content::Nothing, Closing::Close) => Vec::new(),
        (Content::Nothing, Closing::KeepOpen) => {
            return Err((Code::InvalidRequest, Detail::Nothing));
        }
        (Content::EmptyArray | Content::Broken, _) => {
            return Err((Code::InvalidJson, Detail::Nothing));
        }
    };
    rows.extend(closing_row(command, &records));
    stream.records.extend(records);
    stream.stream_seq = writer_seq.or(stream.stream_seq.take());
    stream.use_at(now);
    if command.closing == Closing::Close {
        stream.closed = Some(command.producer.clone());
    }
    let mut row = None;
    if let Some(tuple) = &command.producer {
        let numbers = (tuple.epoch.get(), tuple.seq.get());
        stream.producers.insert(tuple.id.as_str().to_owned(), numbers);
        row = Some(numbers);
    }
    Ok(appended(stream, Freshness::Committed, row))
}

fn appended(stream: &Stream, freshness: Freshness, producer: Option<(u64, u64)>) -> Answer {
    Answer::Appended {
        freshness,
        tail: stream.token(stream.len()),
        sequence: stream.records.len() as u64,
        closed_by: stream.closed.clone(),
        producer,
    }
}

/// A closed stream knows the tuple that closed it, and takes a plain close once more.
fn closed(
    stream: &Stream,
    closer: &Option<ProducerTuple>,
    command: &Append,
    given: &Given,
    rows: &mut Vec<Row>,
) -> Result<Answer, Refusal> {
    let close_only = command.closing == Closing::Close && matches!(given.content, Content::Nothing);
    match &command.producer {
        Some(tuple) if closer.as_ref() == Some(tuple) => {
            rows.push(Row::ClosedByThisTuple);
            let numbers = (tuple.epoch.get(), tuple.seq.get());
            Ok(appended(stream, Freshness::Duplicate, Some(numbers)))
        }
        None if close_only => {
            rows.push(Row::ClosedAgain);
            Ok(appended(stream, Freshness::Duplicate, None))
        }
        other => {
            let by_producer = other.is_some();
            rows.push(if by_producer { Row::ClosedByAnother } else { Row::ClosedToAll });
            Err((Code::StreamClosed, Detail::Tail(stream.token(stream.len()))))
        }
    }
}

/// Section 5.2.1 of the protocol.
fn judge(
    stream: &Stream,
    tuple: &ProducerTuple,
    most_producers: usize,
) -> (Row, Result<Meaning, Refusal>) {
    let (epoch, seq) = (tuple.epoch.get(), tuple.seq.get());
    let gap = |expected| Err((Code::ProducerGap, Detail::Gap { expected, received: seq }));
    let refused = |code| Err((code, Detail::Nothing));
    let Some((known_epoch, last)) = stream.producers.get(tuple.id.as_str()).copied() else {
        return match seq {
            0 if stream.producers.len() >= most_producers => {
                (Row::UnknownOverLimit, refused(Code::ProducerLimit))
            }
            0 => (Row::UnknownFromZero, Ok(Meaning::New)),
            _ => (Row::UnknownInTheMiddle, gap(0)),
        };
    };
    if epoch < known_epoch {
        return (Row::OldEpoch, Err((Code::ProducerFenced, Detail::Epoch(known_epoch))));
    }
    if epoch > known_epoch {
        return match seq {
            0 => (Row::NewEpochFromZero, Ok(Meaning::New)),
            _ => (Row::NewEpochInTheMiddle, refused(Code::ProducerEpochInvalid)),
        };
    }
    if seq <= last {
        (Row::Duplicate, Ok(Meaning::Seen(last)))
    } else if seq == last + 1 {
        (Row::Successor, Ok(Meaning::New))
    } else {
        (Row::Gap, gap(last + 1))
    }
}

fn expected(stream: &Stream, expect: Expect) -> Result<(), Refusal> {
    let (position, sequence) = (stream.len(), stream.records.len() as u64);
    let met = match expect {
        Expect::Anything => true,
        Expect::Position(believed) => believed == position,
        Expect::Sequence(believed) => believed == sequence,
        Expect::Tag(tag) => {
            let text = format!("\"{}:{position}\"", stream.id);
            if tag.to_string() == text {
                return Ok(());
            }
            let tail = stream.token(position);
            return Err((Code::PreconditionFailed, Detail::Tag { text, tail }));
        }
    };
    let conflict = || (Code::SequenceConflict, Detail::At { position, sequence });
    if met { Ok(()) } else { Err(conflict()) }
}

fn closing_row(command: &Append, records: &[Record]) -> Option<Row> {
    if command.closing == Closing::KeepOpen {
        return None;
    }
    Some(match (&command.producer, records.is_empty()) {
        (Some(_), true) => Row::ProducerCloses,
        (Some(_), false) => Row::ProducerAppendsAndCloses,
        (None, true) => Row::PlainClose,
        (None, false) => Row::PlainAppendAndClose,
    })
}

/// The rows about producers whose numbers are in order, but not the rest.
fn refusal_row(code: Code, given: &Given) -> Option<Row> {
    match (code, &given.content) {
        (Code::NotFound, _) => Some(Row::ProducerWithoutStream),
        (Code::ContentTypeMismatch, _) => Some(Row::ProducerOtherType),
        (Code::InvalidRequest, _) => Some(Row::ProducerEmptyBody),
        (Code::InvalidJson, Content::EmptyArray) => Some(Row::ProducerEmptyArray),
        (Code::InvalidJson, _) => Some(Row::ProducerBrokenJson),
        _ => None,
    }
}
