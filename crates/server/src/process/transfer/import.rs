//! Bringing the streams of a file to a server.
//!
//! All of the file is verified before anything is sent. Records go out in batches, as those of a producer that is named after the file: so an
//! import that was broken off is repeated, and what arrived before is not there twice.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use bytes::Bytes;
use headwater_core::{ContentKind, ContentType};
use headwater_engine::{Clock, SystemClock};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;

use super::super::exit::{Exit, Failed};
use super::super::remote::{Answer, Remote};
use super::file::{Head, Reader, Said, Tail, Wrong};
use super::{request, target, unasked};
use crate::headers;
use crate::rfc3339;

/// What the producer is named, before the number of the file. The digit stands for how records are put together: another way needs
/// another one, because the sequences of a repeated import must mean the same.
const PRODUCER: &str = "headwater-import-1-";

/// JSON values that are appended at once, and their bytes, at most, unless one alone is larger. Of other types each record is an append.
const BATCH: (usize, usize) = (256, 256 << 10);

/// Brings all streams of a file.
pub(in crate::process) fn import(
    server: &str,
    root: &str,
    from: &Path,
    out: &mut impl Write,
) -> Result<(), Failed> {
    let wrong = |error: Wrong| {
        let exit = match error {
            Wrong::Foreign | Wrong::Newer => Exit::Foreign,
            Wrong::Incomplete(_) | Wrong::Damaged { .. } => Exit::Corrupt,
            Wrong::Io(_) => Exit::Internal,
        };
        Failed::new(exit, format!("{} was not imported: {error}", from.display()))
    };
    let tails = verify(open(from)?).map_err(wrong)?;
    let (mut reader, number) = Reader::begin(open(from)?).map_err(wrong)?;
    let producer = format!("{PRODUCER}{number:016x}");
    let mut sending = Sending { server: Remote::new(server)?, root, producer, metadata: 0 };
    let (mut sent, mut expired) = ((0, 0), Vec::new());
    for tail in tails {
        let Said::Stream(head) = reader.next().map_err(wrong)? else {
            return Err(wrong(Wrong::Incomplete(0)));
        };
        let mut records = std::iter::from_fn(|| match reader.next() {
            Ok(Said::Record { payload, has_metadata }) => Some(Ok((payload, has_metadata))),
            Ok(_) => None,
            Err(error) => Some(Err(wrong(error))),
        })
        // Behind the last one comes the next stream.
        .fuse();
        if is_over(&head) {
            expired.push(head.path);
            records.by_ref().try_for_each(|record| record.map(drop))?;
            continue;
        }
        sending.stream(&head, tail, &mut records)?;
        sent = (sent.0 + 1, sent.1 + tail.records);
        // What is already there was not asked for.
        records.try_for_each(|record| record.map(drop))?;
    }
    let over = expired.iter().map(|path| format!("note: the time of `{path}` was up"));
    let lost = (sending.metadata > 0)
        .then(|| format!("note: the metadata of {} records is not kept", sending.metadata));
    let sum = format!("imported: {} streams with {} records", sent.0, sent.1);
    for line in over.chain(lost).chain([sum]) {
        writeln!(out, "{line}")
            .map_err(|error| Failed::new(Exit::Internal, format!("standard output: {error}")))?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<BufReader<File>, Failed> {
    let file = File::open(path).map_err(|error| {
        let exit =
            if error.kind() == io::ErrorKind::NotFound { Exit::Usage } else { Exit::Internal };
        Failed::new(exit, format!("cannot open {}: {error}", path.display()))
    })?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// Reads all of a file, and how its streams ended.
fn verify(file: BufReader<File>) -> Result<Vec<Tail>, Wrong> {
    let (mut reader, _) = Reader::begin(file)?;
    let mut tails = Vec::new();
    loop {
        match reader.next()? {
            Said::End(tail) => tails.push(tail),
            Said::Done => return Ok(tails),
            Said::Stream(_) | Said::Record { .. } => {}
        }
    }
}

/// Whether a stream that ends at a time would be gone at once.
fn is_over(head: &Head) -> bool {
    let ends = head.expires_at.as_deref().and_then(rfc3339::parse);
    ends.is_some_and(|ends| ends <= SystemClock::new().wall())
}

struct Sending<'s> {
    server: Remote,
    root: &'s str,
    producer: String,
    /// Records that had metadata.
    metadata: u64,
}

/// A stream on its way.
struct Target<'t> {
    url: String,
    whose: String,
    content_type: HeaderValue,
    kind: ContentKind,
    head: &'t Head,
}

#[derive(Debug, Deserialize)]
struct Envelope {
    sequence: u64,
}

impl Sending<'_> {
    fn stream(
        &mut self,
        head: &Head,
        tail: Tail,
        records: &mut impl Iterator<Item = Result<(Vec<u8>, bool), Failed>>,
    ) -> Result<(), Failed> {
        let whose = format!("the stream `{}`", head.path);
        let strange = |error: &dyn std::fmt::Display| {
            Failed::new(Exit::Corrupt, format!("{whose} has a content type that is none: {error}"))
        };
        let kind = ContentType::parse(&head.content_type).map_err(|error| strange(&error))?.kind();
        let content_type = HeaderValue::from_bytes(head.content_type.as_bytes());
        let content_type = content_type.map_err(|error| strange(&error))?;
        let url = target(self.root, &head.path);
        let to = Target { url, whose, content_type, kind, head };
        if self.prepare(&to, tail)? {
            return Ok(());
        }
        let mut seq = 0;
        let mut next = None;
        loop {
            let body = self.batch(kind, &mut next, records)?;
            let Some(body) = body else { break };
            let answer = self.append(&to, (0, seq), body)?;
            answer.expect(&[StatusCode::OK, StatusCode::NO_CONTENT], &to.whose)?;
            seq += 1;
        }
        self.require(&to, tail)?;
        if tail.closed {
            let closing = request(Method::POST, &to.url).header(headers::CLOSED, headers::TRUE);
            let closed = self.send(closing, Bytes::new())?;
            closed.expect(&[StatusCode::NO_CONTENT], &to.whose)?;
        }
        Ok(())
    }

    /// Creates a stream, or finds that what is there came from this file. Whether all of it did.
    fn prepare(&mut self, to: &Target<'_>, tail: Tail) -> Result<bool, Failed> {
        let found = self.send(request(Method::HEAD, &to.url), Bytes::new())?;
        if found.status != StatusCode::NOT_FOUND {
            let found = found.expect(&[StatusCode::OK], &to.whose)?;
            if found.header(headers::CLOSED).is_some() {
                return match self.count(to)? {
                    count if tail.closed && count == tail.records => Ok(true),
                    _ => Err(there(to)),
                };
            }
        }
        let head = to.head;
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let properties = [
            (headers::TTL, number(head.ttl_seconds)),
            (headers::TTL_AFTER_CLOSE, number(head.ttl_seconds_after_close)),
            (headers::EXPIRES_AT, head.expires_at.clone()),
            (headers::RETENTION_BYTES, number(head.retention_bytes)),
            (headers::RETENTION_SECONDS, number(head.retention_seconds)),
        ];
        let mut put = request(Method::PUT, &to.url).header(CONTENT_TYPE, &to.content_type);
        for (name, value) in properties {
            if let Some(value) = value {
                put = put.header(name, value);
            }
        }
        let put = self.send(put, Bytes::new())?;
        let put = put.expect(&[StatusCode::CREATED, StatusCode::OK], &to.whose)?;
        if put.status == StatusCode::OK && self.count(to)? > 0 && !self.is_ours(to)? {
            return Err(there(to));
        }
        Ok(false)
    }

    /// Whether this file was imported into a stream before, in part at least. Asked in a way that is always refused: a producer that is
    /// known must begin another epoch with 0, and one that is not has to begin with 0 at all.
    fn is_ours(&mut self, to: &Target<'_>) -> Result<bool, Failed> {
        let body = Bytes::from_static(if to.kind == ContentKind::Json { b"[0]" } else { b"0" });
        let refused = self.append(to, (1, 1), body)?;
        match refused.code().as_deref() {
            Some("producer_epoch_invalid") => Ok(true),
            Some("producer_gap") => Ok(false),
            _ => Err(refused.refused(&to.whose)),
        }
    }

    /// How many records a stream has, those included that were given up.
    fn count(&mut self, to: &Target<'_>) -> Result<u64, Failed> {
        let url = format!("{}?offset=last:1&records=true", to.url);
        let last = self.send(request(Method::GET, &url), Bytes::new())?;
        let last = last.expect(&[StatusCode::OK], &to.whose)?;
        let last: Vec<Envelope> = serde_json::from_slice(&last.body)
            .map_err(|error| Failed::new(Exit::Internal, format!("{}: {error}", to.whose)))?;
        Ok(last.last().map_or(0, |record| record.sequence))
    }

    /// Requires that all is there, and nothing else.
    fn require(&mut self, to: &Target<'_>, tail: Tail) -> Result<(), Failed> {
        match self.count(to)? {
            count if count == tail.records => Ok(()),
            count => Err(Failed::new(
                Exit::Internal,
                format!(
                    "{} has {count} records, of which {} were imported",
                    to.whose, tail.records
                ),
            )),
        }
    }

    /// What is appended next; none when nothing is left.
    fn batch(
        &mut self,
        kind: ContentKind,
        next: &mut Option<Vec<u8>>,
        records: &mut impl Iterator<Item = Result<(Vec<u8>, bool), Failed>>,
    ) -> Result<Option<Bytes>, Failed> {
        let (mut body, mut count) = (Vec::new(), 0);
        loop {
            let record = match next.take() {
                Some(record) => record,
                None => match records.next().transpose()? {
                    Some((record, has_metadata)) => {
                        self.metadata += u64::from(has_metadata);
                        record
                    }
                    None => break,
                },
            };
            if kind != ContentKind::Json {
                return Ok(Some(record.into()));
            }
            if count == BATCH.0 || (count > 0 && body.len() + record.len() > BATCH.1) {
                *next = Some(record);
                break;
            }
            body.push(if count == 0 { b'[' } else { b',' });
            body.extend_from_slice(&record);
            count += 1;
        }
        body.extend_from_slice(if count > 0 { b"]" } else { b"" });
        Ok((count > 0).then(|| body.into()))
    }

    fn append(
        &mut self,
        to: &Target<'_>,
        (epoch, seq): (u64, u64),
        body: Bytes,
    ) -> Result<Answer, Failed> {
        let post = request(Method::POST, &to.url)
            .header(CONTENT_TYPE, &to.content_type)
            .header(headers::PRODUCER_ID, &*self.producer)
            .header(headers::PRODUCER_EPOCH, epoch)
            .header(headers::PRODUCER_SEQ, seq);
        self.send(post, body)
    }

    fn send(&mut self, request: http::request::Builder, body: Bytes) -> Result<Answer, Failed> {
        self.server.ask(request.body(body).map_err(|error| unasked(&error))?)
    }
}

/// A stream of the name is there, and something else is in it.
fn there(to: &Target<'_>) -> Failed {
    let whose = &to.whose;
    Failed::new(
        Exit::Internal,
        format!("{whose} is there already, with what is not of this import"),
    )
}
